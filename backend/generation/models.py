"""Tables of runs, steps, events and model calls."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, composite, mapped_column

from backend.core.database.database import Base, Identified
from backend.core.database.privacy_marks import kept, withheld
from backend.core.work.jobs import Job, job_constraints
from backend.generation.types import RunState, StepKind
from backend.study.types import AskedCounts, Counts


class Run(Identified, Base):
    """One request to make material for a study set.

    Open numbers in ``asked`` are settled when the run is planned. ``skipped`` lists the parts of documents that are
    left out, and why. ``rejected`` counts items by failed check, and ``fixed`` by fix. Cost and progress are derived
    from steps and model calls. ``retry_of`` is the ended run that this one retries; a run is retried at most once.
    ``continues`` is the ended run whose missing items this one makes; a run is continued at most once. ``price_list``
    is the one in force when the run was started. ``error_facts`` are the numbers of the error's sentence.
    ``waiting_for`` is set while the run waits for something other than its documents.
    """

    __tablename__ = "runs"
    __table_args__ = (
        sa.CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in RunState) + ")", name="state_known"),
        sa.CheckConstraint("(state IN ('failing', 'failed')) = (error_code IS NOT NULL)", name="failed_has_code"),
        sa.CheckConstraint("(state = 'partial') = (partial_reason IS NOT NULL)", name="partial_has_reason"),
        sa.CheckConstraint("max_credits > 0", name="max_credits_positive"),
        sa.Index("ix_runs_study_set_id_id", "study_set_id", "id"),
        # Metrics count open and recently ended runs, which are few among all runs.
        sa.Index("ix_runs_open", "state", postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index(None, "ended_at"),
    )

    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(default=RunState.READING)
    model: Mapped[str]
    is_draft: Mapped[bool]
    language: Mapped[str | None]
    difficulty: Mapped[str | None]
    flashcards_asked: Mapped[int | None]
    questions_asked: Mapped[int | None]
    flashcards_delivered: Mapped[int] = mapped_column(default=0)
    questions_delivered: Mapped[int] = mapped_column(default=0)
    asked: Mapped[AskedCounts] = composite("flashcards_asked", "questions_asked")
    delivered: Mapped[Counts] = composite("flashcards_delivered", "questions_delivered")
    duplicates: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    fixed: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    skipped: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    error_code: Mapped[str | None]
    error_facts: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    retry_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("runs.id", ondelete="SET NULL"), unique=True)
    continues: Mapped[UUID | None] = mapped_column(sa.ForeignKey("runs.id", ondelete="SET NULL"), unique=True)
    partial_reason: Mapped[str | None]
    max_credits: Mapped[int | None] = mapped_column(sa.BigInteger)
    price_list: Mapped[str | None]
    waiting_for: Mapped[str | None]
    request_id: Mapped[str | None]
    last_event: Mapped[int] = mapped_column(default=0)
    planned_at: Mapped[datetime | None]
    first_item_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RunDocument(Base):
    """A document that a run uses. The row is deleted with the document, and the receipt then leaves it out."""

    __tablename__ = "run_documents"

    run_id: Mapped[UUID] = mapped_column(sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Step(Job, Base):
    """The unit of work of a run: planning it, one section of a document, or connecting topics.

    ``start`` and ``end`` are code point offsets that cut a single huge page. ``depth`` counts how often the section was
    halved because the model's context or output was too small. ``halved`` is true if its halves replaced it. ``chars``
    is the length of the section's text, from which its price is predicted. ``is_second_try`` is true if the section
    failed for a reason that may have passed, and was started again when the others were done. ``makes_up`` is true if
    the step asks the pages of another one for items that were missing elsewhere.
    """

    task = "generation.work_step"

    __tablename__ = "steps"
    __table_args__ = (
        *job_constraints(),
        sa.CheckConstraint("kind IN (" + ", ".join(f"'{kind}'" for kind in StepKind) + ")", name="kind_known"),
        sa.CheckConstraint("(kind = 'section') = (first_page IS NOT NULL)", name="section_has_pages"),
        sa.Index("ix_steps_run_id_position", "run_id", "position"),
        # Whose turn it is depends on when each open run was last served.
        sa.Index(None, "run_id", "started_at"),
    )

    run_id: Mapped[UUID] = mapped_column(sa.ForeignKey("runs.id", ondelete="CASCADE"))
    kind: Mapped[str]
    position: Mapped[int]
    depth: Mapped[int] = mapped_column(default=0)
    halved: Mapped[bool] = mapped_column(default=False)
    makes_up: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    is_second_try: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    document_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("documents.id", ondelete="SET NULL"), index=True)
    first_page: Mapped[int | None]
    last_page: Mapped[int | None]
    start: Mapped[int | None]
    end: Mapped[int | None]
    chars: Mapped[int | None]
    flashcards_asked: Mapped[int] = mapped_column(default=0)
    questions_asked: Mapped[int] = mapped_column(default=0)
    flashcards_kept: Mapped[int] = mapped_column(default=0)
    questions_kept: Mapped[int] = mapped_column(default=0)
    asked: Mapped[Counts] = composite("flashcards_asked", "questions_asked")
    kept: Mapped[Counts] = composite("flashcards_kept", "questions_kept")


class Call(Job, Base):
    """The call of a language model's server that a step waits for. A step has one row for all its calls.

    ``number`` counts them from 1, and failures are counted for each anew. ``reply_id`` names the answer, until it is
    too old to be kept.
    """

    task = "generation.call_model"

    __tablename__ = "calls"
    __table_args__ = (
        *job_constraints(),
        # Whose turn it is depends on when each open run was last served.
        sa.Index(None, "run_id", "started_at"),
    )

    run_id: Mapped[UUID] = mapped_column(sa.ForeignKey("runs.id", ondelete="CASCADE"))
    step_id: Mapped[UUID] = mapped_column(sa.ForeignKey("steps.id", ondelete="CASCADE"), unique=True)
    number: Mapped[int] = mapped_column(default=1)
    reply_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("replies.id", ondelete="SET NULL"), index=True)


class Reply(Identified, Base):
    """What a language model's server answered. The same request of the same user is not sent again while it is kept.

    ``request_key`` is the hash of the whole request; ``answer`` is a ``ModelAnswer``.
    """

    __tablename__ = "replies"
    __table_args__ = (sa.UniqueConstraint("user_id", "request_key"), sa.Index(None, "created_at"))

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    study_set_id: Mapped[UUID] = mapped_column(sa.ForeignKey("study_sets.id", ondelete="CASCADE"), index=True)
    request_key: Mapped[str] = mapped_column(info=withheld("a hash by which an answer is found again"))
    model: Mapped[str]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)


class RunEvent(Base):
    """An event of a run, numbered from 1 without gaps. SSE and polling read the same rows."""

    __tablename__ = "run_events"

    run_id: Mapped[UUID] = mapped_column(sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


KEPT = "kept"
"""Outcome of a call that was not made, because the reply to the same request was kept."""


class ModelCall(Identified, Base):
    """Usage of the language model by one attempt at a step. ``outcome`` is ``ok``, ``kept`` or an error code.

    It is recorded as soon as the model has replied, even if the reply is not used, because the call was paid for. The
    row outlives its run, and its user as a pseudonym. ``price_list`` and what follows are None if the model has no
    price. ``price_credits`` is the exact price of the call at the standard tier, ``charged_credits`` the exact part of
    it that the user pays. ``free_cost_chf`` is the part of the cost for which free credits were reserved, whether they
    were charged or not.
    """

    __tablename__ = "model_calls"
    __table_args__ = (
        sa.UniqueConstraint("step_id", "attempt"),
        {"info": kept("what was charged must stay explainable as long as the accounts are kept")},
    )

    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    run_id: Mapped[UUID] = mapped_column(index=True)
    step_id: Mapped[UUID]
    attempt: Mapped[int]
    model: Mapped[str]
    outcome: Mapped[str]
    requests: Mapped[int]
    input_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    cache_write_tokens: Mapped[int] = mapped_column(default=0, server_default=sa.text("0"))
    output_tokens: Mapped[int]
    reasoning_tokens: Mapped[int] = mapped_column(default=0, server_default=sa.text("0"))
    duration_ms: Mapped[int]
    price_list: Mapped[str | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    cost_chf: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    price_credits: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    charged_credits: Mapped[Decimal] = mapped_column(sa.Numeric, default=Decimal(0), server_default=sa.text("0"))
    free_cost_chf: Mapped[Decimal] = mapped_column(sa.Numeric, default=Decimal(0), server_default=sa.text("0"))


USAGE_COLUMNS = (ModelCall.requests, ModelCall.input_tokens, ModelCall.cached_tokens, ModelCall.output_tokens)
"""In the order of the fields of ``RunUsage``."""
