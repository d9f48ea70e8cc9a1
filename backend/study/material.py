"""Adding what a run made to a study set, without what is there already."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.database.database import db
from backend.core.ids import new_id
from backend.library import service as library
from backend.study.concept_map.topics import add_topics, topic_key
from backend.study.items.capacity import count_items
from backend.study.items.duplicates import ItemText, cloze_text, find_near_duplicate, fingerprint
from backend.study.models import EvidenceRow, Flashcard, Question
from backend.study.types import (
    AddedItems,
    Evidence,
    FlashcardKind,
    NewFlashcard,
    NewQuestion,
    NewTopic,
)

_Item = TypeVar("_Item", NewFlashcard, NewQuestion)


@dataclass(slots=True)
class _Known:
    """The texts that a new item is compared with."""

    texts: list[ItemText]
    fingerprints: set[str]

    @classmethod
    def of(cls, texts: Iterable[ItemText], fingerprints: Iterable[str]) -> "_Known":
        return cls(list(texts), set(fingerprints))


def add_items(
    study_set_id: UUID,
    *,
    run_id: UUID,
    model: str,
    topics: Sequence[NewTopic],
    flashcards: Sequence[NewFlashcard],
    questions: Sequence[NewQuestion],
) -> AddedItems:
    """Add items with their topics and evidence, leaving out exact and near duplicates.

    Evidence whose document has been deleted meanwhile is left out; its item is kept, as it would have been had
    the document been deleted later. The caller holds the study set's lock and answers for the permission.
    """
    new_cards = _without_duplicates(flashcards, _new_card_text, _known_flashcards(study_set_id))
    new_questions = _without_duplicates(questions, _new_question_text, _known_questions(study_set_id))
    items: list[NewFlashcard | NewQuestion] = [*new_cards.values(), *new_questions.values()]
    topic_ids = add_topics(study_set_id, topics, [item.topic for item in items])

    def shared(item: NewFlashcard | NewQuestion, mark: str) -> dict[str, object]:
        return {
            "id": item.id,
            "study_set_id": study_set_id,
            "run_id": run_id,
            "model": model,
            "fingerprint": mark,
            "difficulty": item.difficulty,
            "topic_id": topic_ids.get(topic_key(item.topic)),
        }

    card_ids = _insert(
        Flashcard,
        [
            {**shared(card, mark), "kind": card.kind, "front": card.front, "back": card.back}
            for mark, card in new_cards.items()
        ],
    )
    question_ids = _insert(
        Question,
        [
            {
                **shared(question, mark),
                "stem": question.stem,
                "options": [{"id": option.id, "text": option.text} for option in question.options],
                "key": question.key,
                "explanation": question.explanation,
            }
            for mark, question in new_questions.items()
        ],
    )
    _insert_evidence(study_set_id, items, set(card_ids), set(question_ids))
    count_items(study_set_id)
    return AddedItems(
        flashcards=card_ids,
        questions=question_ids,
        duplicates=len(flashcards) + len(questions) - len(card_ids) - len(question_ids),
    )


def flashcard_text(kind: str, front: str, back: str) -> ItemText:
    """Return what a card asks and wants to hear, to be compared with others."""
    return cloze_text(front) if kind == FlashcardKind.CLOZE else ItemText(front, back)


def question_text(stem: str, options: Iterable[tuple[str, str]], key: str) -> ItemText:
    """Return what a question asks and wants to hear; ``options`` are pairs of id and text."""
    return ItemText(stem, next((text for option_id, text in options if option_id == key), ""))


def _new_card_text(card: NewFlashcard) -> ItemText:
    return flashcard_text(card.kind, card.front, card.back)


def _new_question_text(question: NewQuestion) -> ItemText:
    return question_text(question.stem, ((option.id, option.text) for option in question.options), question.key)


def _known_flashcards(study_set_id: UUID) -> _Known:
    rows = db.session.execute(
        sa.select(Flashcard.kind, Flashcard.front, Flashcard.back, Flashcard.fingerprint).where(
            Flashcard.study_set_id == study_set_id
        )
    ).all()
    texts = (flashcard_text(row.kind, row.front, row.back) for row in rows)
    return _Known.of(texts, (row.fingerprint for row in rows))


def _known_questions(study_set_id: UUID) -> _Known:
    rows = db.session.execute(
        sa.select(Question.stem, Question.options, Question.key, Question.fingerprint).where(
            Question.study_set_id == study_set_id
        )
    ).all()
    texts = (question_text(row.stem, ((o["id"], o["text"]) for o in row.options), row.key) for row in rows)
    return _Known.of(texts, (row.fingerprint for row in rows))


def _without_duplicates(
    items: Sequence[_Item], text_of: Callable[[_Item], ItemText], known: _Known
) -> dict[str, _Item]:
    """Return by fingerprint the items that are neither in ``known`` nor said before among ``items``."""
    kept: dict[str, _Item] = {}
    for item in items:
        text = text_of(item)
        mark = fingerprint(text.front, text.answer)
        if mark in known.fingerprints or find_near_duplicate(text, known.texts) is not None:
            continue
        known.fingerprints.add(mark)
        known.texts.append(text)
        kept[mark] = item
    return kept


def _insert(model: type[Flashcard] | type[Question], rows: Sequence[dict[str, object]]) -> tuple[UUID, ...]:
    """Insert rows and return the ids of those that were not there, in the order given."""
    if not rows:
        return ()
    # A student may have written the same item by hand at this moment; hers stands.
    statement = insert(model).on_conflict_do_nothing().returning(model.id)
    inserted = set(db.session.scalars(statement, rows))
    return tuple(row_id for row in rows if isinstance(row_id := row["id"], UUID) and row_id in inserted)


def _insert_evidence(
    study_set_id: UUID, items: Sequence[NewFlashcard | NewQuestion], card_ids: set[UUID], question_ids: set[UUID]
) -> None:
    if not any(item.evidence for item in items):
        return
    # Locked, so that no document can go between this look and the insertion.
    documents = {document.id for document in library.lock_documents(study_set_id)}
    rows = [
        evidence_values(
            evidence,
            position,
            flashcard_id=item.id if item.id in card_ids else None,
            question_id=item.id if item.id in question_ids else None,
        )
        for item in items
        if item.id in card_ids or item.id in question_ids
        for position, evidence in enumerate(item.evidence)
        if evidence.document_id in documents
    ]
    if rows:
        db.session.execute(sa.insert(EvidenceRow), rows)


def evidence_values(
    evidence: Evidence, position: int, *, flashcard_id: UUID | None = None, question_id: UUID | None = None
) -> dict[str, object]:
    """Return the columns of one row of evidence."""
    return {
        "id": new_id(),
        "flashcard_id": flashcard_id,
        "question_id": question_id,
        "document_id": evidence.document_id,
        "page": evidence.page,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "status": evidence.status,
        "position": position,
    }
