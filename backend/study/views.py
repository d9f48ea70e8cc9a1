"""Items as they are read: one query for any number of them, evidence included."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Bundle, InstrumentedAttribute

from backend.study.models import EvidenceRow, Flashcard, Question, Topic
from backend.study.types import (
    Difficulty,
    Evidence,
    EvidenceStatus,
    FlashcardKind,
    FlashcardView,
    Option,
    QuestionView,
)


class ItemRow(Protocol):
    """What rows of flashcards and questions share. ``evidence`` holds mappings with the fields of ``Evidence``."""

    id: UUID
    study_set_id: UUID
    run_id: UUID | None
    model: str | None
    difficulty: str
    topic_id: UUID | None
    created_at: datetime
    updated_at: datetime
    evidence: Sequence[Mapping[str, Any]]

    def _asdict(self) -> dict[str, Any]: ...


class FlashcardRow(ItemRow, Protocol):
    """One flashcard."""

    kind: str
    front: str
    back: str


class QuestionRow(ItemRow, Protocol):
    """One question; ``options`` holds mappings with ``id`` and ``text``."""

    stem: str
    options: Sequence[Mapping[str, str]]
    key: str
    explanation: str


class TopicRow(Protocol):
    """One topic with the numbers of its items."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None
    flashcards: int
    questions: int


def _evidence(item: InstrumentedAttribute[UUID | None], item_id: InstrumentedAttribute[UUID]) -> sa.Label[Any]:
    # Aggregated by PostgreSQL: a second query and objects for each row would take longer than all the rest.
    fields = sa.func.json_build_object(
        *("document_id", EvidenceRow.document_id),
        *("page", EvidenceRow.page),
        *("quote", EvidenceRow.quote),
        *("start", EvidenceRow.start),
        *("end", EvidenceRow.end),
        *("status", EvidenceRow.status),
    )
    listed = sa.func.json_agg(aggregate_order_by(fields, EvidenceRow.position), type_=sa.JSON)
    found = sa.select(sa.func.coalesce(listed, sa.text("'[]'"), type_=sa.JSON)).where(item == item_id)
    return found.scalar_subquery().label("evidence")


_FLASHCARD: Bundle[Any] = Bundle(
    "flashcard",
    Flashcard.id,
    Flashcard.study_set_id,
    Flashcard.kind,
    Flashcard.front,
    Flashcard.back,
    Flashcard.difficulty,
    Flashcard.topic_id,
    Flashcard.run_id,
    Flashcard.model,
    Flashcard.created_at,
    Flashcard.updated_at,
    _evidence(EvidenceRow.flashcard_id, Flashcard.id),
)
_QUESTION: Bundle[Any] = Bundle(
    "question",
    Question.id,
    Question.study_set_id,
    Question.stem,
    Question.options,
    Question.key,
    Question.explanation,
    Question.difficulty,
    Question.topic_id,
    Question.run_id,
    Question.model,
    Question.created_at,
    Question.updated_at,
    _evidence(EvidenceRow.question_id, Question.id),
)
_TOPIC: Bundle[Any] = Bundle(
    "topic",
    Topic.id,
    Topic.name,
    Topic.summary,
    Topic.parent_id,
    sa.select(sa.func.count(Flashcard.id)).where(Flashcard.topic_id == Topic.id).scalar_subquery().label("flashcards"),
    sa.select(sa.func.count(Question.id)).where(Question.topic_id == Topic.id).scalar_subquery().label("questions"),
)


def select_flashcards() -> sa.Select[FlashcardRow]:
    """Return the query for flashcards, to be narrowed by the caller."""
    return sa.select(_FLASHCARD)


def select_questions() -> sa.Select[QuestionRow]:
    """Return the query for questions, to be narrowed by the caller."""
    return sa.select(_QUESTION)


def select_topics() -> sa.Select[TopicRow]:
    """Return the query for topics with the numbers of their items, to be narrowed by the caller."""
    return sa.select(_TOPIC)


def flashcard_view(row: FlashcardRow) -> FlashcardView:
    """Return the flashcard as exports read it."""
    return FlashcardView(
        id=row.id,
        kind=FlashcardKind(row.kind),
        front=row.front,
        back=row.back,
        difficulty=Difficulty(row.difficulty),
        topic_id=row.topic_id,
        evidence=evidence_of(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def question_view(row: QuestionRow) -> QuestionView:
    """Return the question as exports read it."""
    return QuestionView(
        id=row.id,
        stem=row.stem,
        options=tuple(Option(option["id"], option["text"]) for option in row.options),
        key=row.key,
        explanation=row.explanation,
        difficulty=Difficulty(row.difficulty),
        topic_id=row.topic_id,
        evidence=evidence_of(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def evidence_of(row: ItemRow) -> tuple[Evidence, ...]:
    """Return an item's evidence in order."""
    return tuple(
        Evidence(
            document_id=UUID(each["document_id"]),
            page=each["page"],
            quote=each["quote"],
            start=each["start"],
            end=each["end"],
            status=EvidenceStatus(each["status"]),
        )
        for each in row.evidence
    )
