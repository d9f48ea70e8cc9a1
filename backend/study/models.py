"""Tables of topics, links, flashcards, questions and evidence."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from backend.core.database.database import Base, Identified


class Topic(Identified, Base):
    """A named concept of a study set; ``name_key`` is its folded name, unique in the set."""

    __tablename__ = "topics"
    __table_args__ = (
        sa.UniqueConstraint("study_set_id", "name_key"),
        sa.CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("topics.id", ondelete="SET NULL"), index=True)
    name: Mapped[str]
    name_key: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")


class TopicLink(Identified, Base):
    """A labelled, directed link between two topics of one study set."""

    __tablename__ = "topic_links"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "target_id"),
        sa.CheckConstraint("source_id <> target_id", name="not_to_itself"),
    )

    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"), index=True)
    source_id: Mapped[UUID] = mapped_column(sa.ForeignKey("topics.id", ondelete="CASCADE"))
    target_id: Mapped[UUID] = mapped_column(sa.ForeignKey("topics.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]


class ItemRow(Identified):
    """Columns of all items. ``run_id`` is None for an item written by hand.

    ``fingerprint`` is a hash of the normalised front and answer, unique in the study set.
    """

    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"))
    run_id: Mapped[UUID | None] = mapped_column(index=True)
    model: Mapped[str | None]
    fingerprint: Mapped[str]
    difficulty: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())

    @declared_attr
    def topic_id(cls) -> Mapped[UUID | None]:
        return mapped_column(sa.ForeignKey("topics.id", ondelete="SET NULL"), index=True)


class FlashcardRow(ItemRow, Base):
    __tablename__ = "flashcards"
    __table_args__ = (
        sa.UniqueConstraint("study_set_id", "fingerprint"),
        sa.Index("ix_flashcards_study_set_id_id", "study_set_id", "id"),
        sa.CheckConstraint("kind IN ('basic', 'cloze')", name="kind_known"),
        sa.CheckConstraint("btrim(front) <> ''", name="front_not_empty"),
        sa.CheckConstraint("kind = 'cloze' OR btrim(back) <> ''", name="back_not_empty"),
        sa.CheckConstraint("kind <> 'cloze' OR position('{{c1::' in front) > 0", name="cloze_has_deletion"),
    )

    kind: Mapped[str]
    front: Mapped[str]
    back: Mapped[str]


class QuestionRow(ItemRow, Base):
    """A question of any kind.

    ``options`` is a list of ``{"id", "text"}`` and ``key`` the id of the correct one, for kinds that have options. All
    other fields of a kind, its key included, are in ``data`` by name. The constraint ``kind_known`` exists only in the
    database: the migration of each new kind widens it.
    """

    __tablename__ = "questions"
    __table_args__ = (
        sa.UniqueConstraint("study_set_id", "fingerprint"),
        sa.Index("ix_questions_study_set_id_id", "study_set_id", "id"),
        sa.CheckConstraint("btrim(stem) <> ''", name="stem_not_empty"),
        sa.CheckConstraint(
            "kind <> 'single_choice' OR jsonb_array_length(options) BETWEEN 2 AND 8", name="options_counted"
        ),
        sa.CheckConstraint(
            "kind <> 'single_choice' OR (key IS NOT NULL"
            " AND jsonb_path_exists(options, '$[*] ? (@.id == $key)', jsonb_build_object('key', key)))",
            name="key_is_an_option",
        ),
    )

    kind: Mapped[str] = mapped_column(default="single_choice", server_default="single_choice")
    stem: Mapped[str]
    options: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list, server_default="[]")
    key: Mapped[str | None]
    explanation: Mapped[str] = mapped_column(default="", server_default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")


class EvidenceRow(Identified, Base):
    """Where an item comes from. Offsets count code points of the page's text; without a quote it is the whole page.

    ``lost_quote`` is a quote that was not found when the document was read again; then the evidence is the whole page.
    Evidence is deleted with its document; the item stays.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(flashcard_id, question_id) = 1", name="of_one_item"),
        sa.CheckConstraint('num_nonnulls(quote, "start", "end") IN (0, 3)', name="quote_with_span"),
        sa.CheckConstraint('"start" >= 0 AND "end" > "start"', name="span_not_empty"),
        sa.CheckConstraint("status IN ('verified', 'uncheckable')", name="status_known"),
    )

    flashcard_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("flashcards.id", ondelete="CASCADE"), index=True)
    question_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("questions.id", ondelete="CASCADE"), index=True)
    option_id: Mapped[str | None]
    document_id: Mapped[UUID] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    page: Mapped[int]
    quote: Mapped[str | None]
    start: Mapped[int | None]
    end: Mapped[int | None]
    lost_quote: Mapped[str | None]
    status: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
