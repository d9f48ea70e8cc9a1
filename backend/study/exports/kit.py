"""Everything made for a study set at once: the concept map with its numbers, and the kit that exports read."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.core.database.database import db
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.library import service as library
from backend.study.concept_map.topics import list_links, list_topics
from backend.study.models import Flashcard, Question, Topic
from backend.study.types import LinkView, StudyKit
from backend.study.views import (
    TopicRow,
    flashcard_view,
    question_view,
    select_flashcards,
    select_questions,
    select_topics,
)

# What names of built-in language models begin with; what they write is a draft.
_DRAFT_MODELS = "builtin"


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A study set's topics, with the numbers of their items, and the links between them."""

    title: str
    topics: Sequence[TopicRow]
    links: Sequence[LinkView]


def get_concept_map(user_id: UUID, study_set_id: UUID) -> ConceptMap:
    """Return the study set's concept map. Raises NotFound."""
    study_set = library.get_study_set(user_id, study_set_id)
    topics = db.session.scalars(select_topics().where(Topic.study_set_id == study_set_id).order_by(Topic.id)).all()
    return ConceptMap(study_set.title, topics, list_links(study_set_id))


def list_topic_page(user_id: UUID, study_set_id: UUID, page: PageQuery) -> ListPage[TopicRow]:
    """Return a page of the study set's topics, oldest first. Raises NotFound."""
    library.check_study_set(user_id, study_set_id)
    return fetch_page(select_topics().where(Topic.study_set_id == study_set_id), Topic.id, page)


def build_kit(user_id: UUID, study_set_id: UUID) -> StudyKit:
    """Return everything made for the study set, in six queries whatever its size. Raises NotFound."""
    study_set = library.get_study_set(user_id, study_set_id)
    cards = db.session.scalars(
        select_flashcards().where(Flashcard.study_set_id == study_set_id).order_by(Flashcard.id)
    ).all()
    questions = db.session.scalars(
        select_questions().where(Question.study_set_id == study_set_id).order_by(Question.id)
    ).all()
    flashcard_views = tuple(flashcard_view(row) for row in cards)
    question_views = tuple(question_view(row) for row in questions)
    documents = {each.document_id for card in flashcard_views for each in card.evidence}
    documents |= {each.document_id for question in question_views for each in question.evidence}
    return StudyKit(
        study_set_id=study_set.id,
        title=study_set.title,
        is_draft=any((row.model or "").startswith(_DRAFT_MODELS) for row in (*cards, *questions)),
        filenames=library.find_filenames(sorted(documents)),
        topics=tuple(list_topics(study_set_id)),
        links=tuple(list_links(study_set_id)),
        flashcards=flashcard_views,
        questions=question_views,
    )
