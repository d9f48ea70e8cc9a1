"""Multiple-choice questions as a student reads, writes and changes them."""

from collections.abc import Sequence
from typing import TypedDict
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.web.pagination import Page, PageQuery, fetch_page
from backend.library import service as library
from backend.study.errors import NotOneCorrectOption, OptionsNotDistinct
from backend.study.items.capacity import count_items, settle_items
from backend.study.items.duplicates import fingerprint
from backend.study.items.items import check_topic, locate, lock_item, narrowed_by, save, show_evidence
from backend.study.material import evidence_values, question_text
from backend.study.models import EvidenceRow, Question
from backend.study.types import AnswerText, CitedQuote, Difficulty, EvidenceContext, ItemFilter
from backend.study.views import QuestionRow, select_questions
from backend.text.folding import fold


class QuestionChanges(TypedDict, total=False):
    """What of a question can be changed."""

    stem: str
    options: Sequence[AnswerText]
    explanation: str
    difficulty: Difficulty
    topic_id: UUID | None


def list_questions(user_id: UUID, study_set_id: UUID, chosen: ItemFilter, page: PageQuery) -> Page[QuestionRow]:
    """Return a page of the study set's questions, oldest first. Raises NotFound."""
    library.check_study_set(user_id, study_set_id)
    query = select_questions().where(Question.study_set_id == study_set_id)
    query = query.where(*narrowed_by(Question, EvidenceRow.question_id, chosen))
    if chosen.text:
        query = query.where(
            sa.or_(
                Question.stem.icontains(chosen.text, autoescape=True),
                Question.explanation.icontains(chosen.text, autoescape=True),
                _has_option_with(chosen.text),
            )
        )
    return fetch_page(query, Question.id, page)


def _has_option_with(text: str) -> sa.ColumnElement[bool]:
    option = sa.func.jsonb_array_elements(Question.options).table_valued("value").alias("option")
    option_text = sa.func.jsonb_extract_path_text(option.c.value, "text", type_=sa.Text)
    return sa.exists(sa.select(sa.literal(1)).where(option_text.icontains(text, autoescape=True)))


def get_question(user_id: UUID, question_id: UUID) -> QuestionRow:
    """Return the question. Raises NotFound."""
    row = db.session.scalar(select_questions().where(Question.id == question_id))
    if row is None:
        raise NotFound
    library.check_study_set(user_id, row.study_set_id)
    return row


def list_question_evidence(user_id: UUID, question_id: UUID) -> list[EvidenceContext]:
    """Return the question's evidence with the text around it. Raises NotFound."""
    return show_evidence(get_question(user_id, question_id))


def create_question(
    user_id: UUID,
    study_set_id: UUID,
    *,
    stem: str,
    options: Sequence[AnswerText],
    explanation: str,
    difficulty: Difficulty,
    topic_id: UUID | None = None,
    cited: CitedQuote | None = None,
) -> QuestionRow:
    """Add a question written by hand; its options stay in the author's order.

    Raises NotFound, NotOneCorrectOption, OptionsNotDistinct, DuplicateItem, DocumentNotRead, QuoteRefused.
    """
    library.get_study_set(user_id, study_set_id, lock=True)
    check_topic(study_set_id, topic_id)
    evidence = locate(user_id, study_set_id, cited) if cited is not None else None
    question = Question(
        id=new_id(),
        study_set_id=study_set_id,
        stem=stem,
        options=[],
        explanation=explanation,
        difficulty=difficulty.value,
        topic_id=topic_id,
    )
    _set_options(question, options)
    _mark(question)
    db.session.add(question)
    save()
    if evidence is not None:
        db.session.execute(sa.insert(EvidenceRow).values(evidence_values(evidence, 0, question_id=question.id)))
    settle_items(user_id, study_set_id)
    return get_question(user_id, question.id)


def update_question(user_id: UUID, question_id: UUID, changes: QuestionChanges) -> QuestionRow:
    """Change a question; an option whose text stays keeps its id.

    Raises NotFound, NotOneCorrectOption, OptionsNotDistinct, DuplicateItem.
    """
    question = lock_item(Question, user_id, question_id)
    check_topic(question.study_set_id, changes.get("topic_id"))
    for name, value in changes.items():
        if name != "options":
            setattr(question, name, value)
    if "options" in changes:
        _set_options(question, changes["options"])
    if {"stem", "options"} & changes.keys():
        _mark(question)
    save()
    settle_items(user_id, question.study_set_id)
    return get_question(user_id, question_id)


def delete_question(user_id: UUID, question_id: UUID) -> None:
    """Delete a question. Raises NotFound."""
    item = lock_item(Question, user_id, question_id)
    db.session.delete(item)
    db.session.flush()
    count_items(item.study_set_id)


def _set_options(question: Question, options: Sequence[AnswerText]) -> None:
    folded = [fold(option.text).text.strip() for option in options]
    if len(set(folded)) != len(folded):
        raise OptionsNotDistinct
    correct = [position for position, option in enumerate(options) if option.correct]
    if len(correct) != 1:
        raise NotOneCorrectOption
    before = {fold(option["text"]).text.strip(): option["id"] for option in question.options}
    ids = [before.get(text) or new_id().hex for text in folded]
    question.options = [{"id": option_id, "text": option.text} for option_id, option in zip(ids, options, strict=True)]
    question.key = ids[correct[0]]


def _mark(question: Question) -> None:
    """Mark a question with its fingerprint."""
    text = question_text(question.stem, ((o["id"], o["text"]) for o in question.options), question.key)
    question.fingerprint = fingerprint(text.front, text.answer)
