"""Jobs: rows with leases. Celery messages only carry their ids.

A job table has the columns of ``Job`` and is declared in its room's manifest as a ``JobKind``. A worker claims a row
(``attempt`` is the fencing token), renews its lease while it works (``leases``), and writes the outcome only while it
still holds the row. The sweep sends lost rows again and takes back the rows of dead workers. Leases use PostgreSQL's
clock, so a jump of a worker's clock has no effect.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from backend.core.clock import database_now
from backend.core.database.database import Identified, db
from backend.core.database.privacy_marks import withheld
from backend.core.database.transaction import after_commit, transaction
from backend.core.work.programs import Program
from backend.core.work.queue import route_tasks, send
from backend.settings import get_settings

# This process and its forked children hold leases under this name.
WORKER_NAME = f"{os.uname().nodename}:{os.getpid()}:{uuid4().hex[:8]}"


class JobState(StrEnum):
    """The last three are final. A planned row waits until its room queues it."""

    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_INNER = withheld("how work is given to workers")


class Job(Identified):
    """Mixin for job tables. ``task`` is the name of the Celery task that works on a row."""

    task: ClassVar[str]

    state: Mapped[str] = mapped_column(default=JobState.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0, info=_INNER)
    failures: Mapped[int] = mapped_column(default=0, info=_INNER)
    available_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), info=_INNER)
    sent_at: Mapped[datetime | None] = mapped_column(info=_INNER)
    lease_until: Mapped[datetime | None] = mapped_column(info=_INNER)
    worker: Mapped[str | None] = mapped_column(info=_INNER)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    request_id: Mapped[str | None]


def job_constraints() -> tuple[Any, ...]:
    """Return the constraints and indexes that every job table has."""
    states = ", ".join(f"'{state}'" for state in JobState)
    return (
        sa.CheckConstraint(f"state IN ({states})", name="state_known"),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease_while_running"),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="failed_has_code"),
        # The sweep reads only open rows, which are few.
        sa.Index(None, "available_at", postgresql_where=sa.text("state IN ('queued', 'running')")),
        # Metrics read only rows that ended recently, which are few.
        sa.Index(None, "ended_at"),
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write the outcome of a row. Valid while the row is running with this attempt."""

    id: UUID
    attempt: int
    failures: int
    request_id: str | None


class LeaseLost(Exception):
    """The row was taken back, ended or deleted meanwhile. This worker's result must not be written."""


class TryLater(Exception):
    """The work cannot continue now. The row is queued again in ``delay_s`` seconds, without counting a failure."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(delay_s)
        self.delay_s = delay_s


class JobFailed(Exception):
    """The work has failed. If ``retryable``, it is tried again until the row has failed ``STEP_ATTEMPTS`` times.

    ``retry_after_s`` is the delay that the other side asked for, if any.
    """

    def __init__(self, code: str, *, retryable: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s


Work = Callable[[Claim, threading.Event], None]
"""Works on a held row. The event is set when the lease is lost.

If the work succeeds, it records the outcome itself. Otherwise it raises JobFailed, TryLater or LeaseLost.
"""


def claim(model: type[Job], row_id: UUID) -> Claim | None:
    """Claim a queued row. Returns None if it does not exist, is not due, or is not queued. Needs a transaction."""
    moment = database_now()
    row = db.session.execute(
        sa.update(model)
        .where(model.id == row_id, model.state == JobState.QUEUED, model.available_at <= moment)
        .values(
            state=JobState.RUNNING,
            attempt=model.attempt + 1,
            lease_until=moment + timedelta(seconds=get_settings().lease_s),
            worker=WORKER_NAME,
            started_at=sa.func.coalesce(model.started_at, moment),
        )
        .returning(model.id, model.attempt, model.failures, model.request_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Claim(*row) if row else None


def _nothing(*_: object) -> None:
    pass


def _any_row(_model: type[Job]) -> sa.ColumnElement[bool]:
    return sa.true()


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of leased work: a table and the functions that handle its rows.

    Attributes:
        name: ``room.thing``; log events and metrics are named after it.
        model: The table.
        work: Does the work; None if ``begin`` yields what does.
        give_up: Called with a row's id and an error code, in the transaction that fails the row for good.
        after_retry: Called with a row's id, in the transaction that gives it back after a failure.
        lock_first: Called with a row's id, before the transaction that gives it back or fails it locks the row. Takes
            the locks that come before the row in the lock order (docs/architecture.md).
        claim: Claims a row; see ``claim``.
        begin: Entered before a row is claimed, and left after the work. It may wait until work may begin, and yields
            what does the work, or None if none may begin now.
        released: Called after a worker has stopped working on a row of this kind, however the work ended.
        startable: Narrows the due rows to those that ``claim`` would accept now. Only these are sent again by the
            sweep, because messages for the others would find nothing to claim.
        in_turn: Narrows the due rows to those that only need a worker. The others wait for work of the same user.
        labels: The column that metrics group by, with its values.
        program: The program that does the work.
    """

    name: str
    model: type[Job]
    give_up: Callable[[UUID, str], None]
    work: Work | None = None
    begin: Callable[[], AbstractContextManager[Work | None]] | None = None
    after_retry: Callable[[UUID], None] = _nothing
    lock_first: Callable[[UUID], object] = _nothing
    claim: Callable[[type[Job], UUID], Claim | None] = claim
    released: Callable[[], None] = _nothing
    startable: Callable[[type[Job]], sa.ColumnElement[bool]] = _any_row
    in_turn: Callable[[type[Job]], sa.ColumnElement[bool]] = _any_row
    labels: tuple[InstrumentedAttribute[str], tuple[str, ...]] | None = None
    program: Program = Program.COMPUTING

    def start(self) -> AbstractContextManager[Work | None]:
        return nullcontext(self.work) if self.begin is None else self.begin()

    @property
    def thing(self) -> str:
        """The name without the room: ``document``."""
        return self.name.rpartition(".")[2]


_kinds: list[JobKind] = []


def install_kinds(kinds: Iterable[JobKind]) -> None:
    """Set the kinds of leased work of this process, and the queues of their messages. Called only by ``open_rooms``."""
    _kinds[:] = kinds
    route_tasks({kind.model.task: kind.program for kind in _kinds})


def list_kinds() -> tuple[JobKind, ...]:
    """Raises RuntimeError before ``open_rooms``."""
    if not _kinds:
        raise RuntimeError("No kind of job is registered: this process has not called open_rooms().")
    return tuple(_kinds)


def dispatch(model: type[Job], row_ids: Sequence[UUID]) -> None:
    """Queue planned rows, and send their messages after the open transaction has committed."""
    moment = database_now()
    # A planned row was waiting for its room, not for a worker, so it becomes due now.
    due = sa.case((model.state == JobState.PLANNED, moment), else_=model.available_at)
    db.session.execute(
        sa.update(model)
        .where(model.id.in_(row_ids), model.state.in_((JobState.PLANNED, JobState.QUEUED)))
        .values(state=JobState.QUEUED, available_at=due, sent_at=moment)
        .execution_options(synchronize_session=False)
    )
    for row_id in row_ids:
        send_after_commit(model, row_id)


def note_unsent(model: type[Job], row_id: UUID) -> None:
    """Note that a queued row has no message any more, because the claim did not accept it."""
    db.session.execute(
        sa.update(model)
        .where(model.id == row_id, model.state == JobState.QUEUED)
        .values(sent_at=None)
        .execution_options(synchronize_session=False)
    )


def send_unsent(model: type[Job], row_ids: Iterable[UUID]) -> None:
    """Send the messages of those queued rows that have none, after the open transaction has committed.

    Leaves out rows that another transaction has locked, because they are being claimed, changed or deleted.
    """
    waiting = sa.select(model.id).where(model.id.in_(row_ids), model.state == JobState.QUEUED, model.sent_at.is_(None))
    rows = db.session.scalars(
        sa.update(model)
        .where(model.id.in_(waiting.with_for_update(skip_locked=True).scalar_subquery()))
        .values(sent_at=database_now())
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).all()
    for row_id in rows:
        send_after_commit(model, row_id)


def send_after_commit(model: type[Job], row_id: UUID, delay_s: float = 0.0) -> None:
    """Send a row's message after the open transaction has committed. Workers get it ``delay_s`` seconds later."""
    after_commit(partial(send, model.task, str(row_id), delay_s=delay_s))


def is_held(model: type[Job], held: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the SQL conditions for a row that this claim still holds."""
    return (model.id == held.id, model.state == JobState.RUNNING, model.attempt == held.attempt)


def write_outcome(model: type[Job], held: Claim, **values: object) -> None:
    """Write the outcome of a held row and let go of it. Raises LeaseLost."""
    result = db.session.execute(
        sa.update(model)
        .where(*is_held(model, held))
        .values(lease_until=None, worker=None, **values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if result is None:
        raise LeaseLost


def finish(model: type[Job], held: Claim, **values: object) -> None:
    """Mark a held row done, and set other columns of it. Raises LeaseLost if it is no longer held."""
    write_outcome(model, held, state=JobState.DONE, ended_at=database_now(), error_code=None, **values)


def fail(model: type[Job], held: Claim, code: str) -> None:
    """Mark a held row failed for good, with an error code. Raises LeaseLost."""
    write_outcome(model, held, state=JobState.FAILED, ended_at=database_now(), error_code=code)


def cancel_held(model: type[Job], held: Claim) -> None:
    """Mark a held row cancelled. Raises LeaseLost."""
    write_outcome(model, held, state=JobState.CANCELLED, ended_at=database_now(), error_code=None)


def retry_later(model: type[Job], held: Claim, *, delay_s: float, is_failure: bool = True) -> None:
    """Queue a held row again, to be tried in ``delay_s`` seconds. Raises LeaseLost.

    ``is_failure`` tells whether this counts as one of the row's ``STEP_ATTEMPTS``.
    """
    moment = database_now()
    write_outcome(
        model,
        held,
        state=JobState.QUEUED,
        failures=model.failures + int(is_failure),
        available_at=moment + timedelta(seconds=delay_s),
        sent_at=moment,
    )
    # Shortly after the row is due: a message that arrives too early would find nothing to claim.
    send_after_commit(model, held.id, delay_s + 0.05)


def hand_back(worker: str = WORKER_NAME) -> int:
    """Queue the rows of a stopping worker again, immediately and without counting a failure. Returns their number.

    Rows whose lease has run out are left to the sweep, which counts a failure: one of them may be why the worker hangs,
    and would otherwise be tried forever.
    """
    count = 0
    with transaction():
        for model in [kind.model for kind in list_kinds()]:
            rows = db.session.scalars(
                sa.update(model)
                .where(model.state == JobState.RUNNING, model.worker == worker, model.lease_until >= database_now())
                .values(state=JobState.QUEUED, lease_until=None, worker=None, sent_at=database_now())
                .returning(model.id)
                .execution_options(synchronize_session=False)
            ).all()
            for row_id in rows:
                send_after_commit(model, row_id)
            count += len(rows)
    return count


def count_live_leases(worker: str) -> int:
    """Return the number of rows that a worker holds with a valid lease. Needs a transaction."""
    return sum(
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(model)
            .where(
                model.state == JobState.RUNNING,
                model.worker == worker,
                model.lease_until >= database_now(),
            )
        )
        or 0
        for model in [kind.model for kind in list_kinds()]
    )
