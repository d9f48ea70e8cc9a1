"""Read models: items, topics and whole study sets, each in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Bundle

from backend.core.database.database import db
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.library import service as library
from backend.study.concept_map.topics import list_links, list_topics
from backend.study.items.registry import COLLECTIONS, FLASHCARDS, KINDS, QUESTIONS, Collection
from backend.study.items.storage import join_fields
from backend.study.models import EvidenceRow, Topic
from backend.study.types import Difficulty, Evidence, EvidenceStatus, Item, LinkView, StudyKit

# Items of the built-in language models are drafts.
_DRAFT_MODEL_PREFIX = "builtin"


class ItemView(Protocol):
    """An item as read from the database; ``_asdict`` also has the columns of its kind.

    ``evidence`` holds mappings with the fields of ``Evidence``.
    """

    id: UUID
    study_set_id: UUID
    kind: str
    run_id: UUID | None
    model: str | None
    difficulty: str
    topic_id: UUID | None
    created_at: datetime
    updated_at: datetime
    evidence: Sequence[Mapping[str, Any]]

    def _asdict(self) -> dict[str, Any]: ...


class TopicRow(Protocol):
    """A topic and how many items it has."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None
    flashcards: int
    questions: int


@dataclass(frozen=True, slots=True)
class ConceptMap:
    """A study set's topics, how many items each has, and the links between them."""

    title: str
    topics: Sequence[TopicRow]
    links: Sequence[LinkView]


def _evidence_of(collection: Collection) -> sa.Label[Any]:
    # Aggregated by PostgreSQL: a second query with an object per row would take longer than everything else.
    fields = sa.func.json_build_object(
        *("document_id", EvidenceRow.document_id),
        *("page", EvidenceRow.page),
        *("quote", EvidenceRow.quote),
        *("start", EvidenceRow.start),
        *("end", EvidenceRow.end),
        *("status", EvidenceRow.status),
        *("option_id", EvidenceRow.option_id),
    )
    listed = sa.func.json_agg(aggregate_order_by(fields, EvidenceRow.position), type_=sa.JSON)
    found = sa.select(sa.func.coalesce(listed, sa.text("'[]'"), type_=sa.JSON))
    return found.where(collection.evidence == collection.table.id).scalar_subquery().label("evidence")


def _bundle(collection: Collection) -> Bundle[Any]:
    columns = (getattr(collection.table, name) for name in collection.columns if name != "fingerprint")
    return Bundle(collection.noun, *columns, _evidence_of(collection))


def _count(collection: Collection) -> sa.Label[int]:
    mine = sa.and_(collection.table.topic_id == Topic.id, collection.is_known)
    return sa.select(sa.func.count(collection.table.id)).where(mine).scalar_subquery().label(collection.name)


_ITEMS = {collection.name: _bundle(collection) for collection in COLLECTIONS}
_TOPIC: Bundle[Any] = Bundle(
    "topic", Topic.id, Topic.name, Topic.summary, Topic.parent_id, *(_count(collection) for collection in COLLECTIONS)
)


def select_items(collection: Collection) -> sa.Select[ItemView]:
    """Return the query for all items of known kinds; the caller adds filters."""
    return sa.select(_ITEMS[collection.name]).where(collection.is_known)


def select_topics() -> sa.Select[TopicRow]:
    """Return the query for all topics and how many items each has; the caller adds filters."""
    return sa.select(_TOPIC)


def evidence_of(row: ItemView) -> tuple[Evidence, ...]:
    """Return an item's evidence in order."""
    return tuple(
        Evidence(
            document_id=UUID(each["document_id"]),
            page=each["page"],
            quote=each["quote"],
            start=each["start"],
            end=each["end"],
            status=EvidenceStatus(each["status"]),
            option_id=each["option_id"],
        )
        for each in row.evidence
    )


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
    """Return everything in the study set, in seven queries regardless of size. Raises NotFound."""
    study_set = library.get_study_set(user_id, study_set_id)
    flashcards, questions = _list_all(FLASHCARDS, study_set_id), _list_all(QUESTIONS, study_set_id)
    items = {row.id: _item(row) for row in (*flashcards, *questions)}
    quotes = [each for item in items.values() for each in item.evidence]
    return StudyKit(
        study_set_id=study_set.id,
        title=study_set.title,
        is_draft=any((row.model or "").startswith(_DRAFT_MODEL_PREFIX) for row in (*flashcards, *questions)),
        filenames=library.find_filenames(sorted({each.document_id for each in quotes})),
        topics=tuple(list_topics(study_set_id)),
        links=tuple(list_links(study_set_id)),
        flashcards=tuple(items[row.id] for row in flashcards),
        questions=tuple(items[row.id] for row in questions),
        notations=library.find_notations({(each.document_id, each.page) for each in quotes if each.quote}),
    )


def _list_all(collection: Collection, study_set_id: UUID) -> Sequence[ItemView]:
    mine = select_items(collection).where(collection.table.study_set_id == study_set_id)
    return db.session.scalars(mine.order_by(collection.table.id)).all()


def _item(row: ItemView) -> Item[Any]:
    return Item(
        id=row.id,
        kind=row.kind,
        content=KINDS[row.kind].read(join_fields(row._asdict())),
        difficulty=Difficulty(row.difficulty),
        topic_id=row.topic_id,
        evidence=evidence_of(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
