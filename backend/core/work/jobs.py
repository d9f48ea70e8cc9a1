"""Work that outlives a request: rows with leases, which Celery messages merely point at.

A table of work takes the columns of ``Job`` and registers itself. A worker claims a row (fencing number
``attempt``), renews its lease while it works, and writes its outcome only while it still holds the row. The sweep
sends again what was lost and takes back what a dead worker held. Leases are timed by PostgreSQL's clock, so a
jump of a worker's clock changes nothing.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from backend.core.database.personal import withheld
from backend.core.database.transaction import after_commit, transaction
from backend.core.process.logging import get_logger
from backend.core.work.queue import send
from backend.settings import get_settings

log = get_logger(__name__)

# The name under which this process, and the children it forks, hold leases.
WORKER_NAME = f"{os.uname().nodename}:{os.getpid()}:{uuid4().hex[:8]}"


class JobState(StrEnum):
    """Where a row of work stands; the last three are final. A planned row waits for its room to queue it."""

    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_INNER = withheld("how work is given to workers")


class Job(Identified):
    """Mixin of tables of work; ``task`` names the Celery task that works on a row."""

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
    """Return the constraints and the partial index that every table of work has."""
    states = ", ".join(f"'{state}'" for state in JobState)
    return (
        sa.CheckConstraint(f"state IN ({states})", name="state_known"),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease_while_running"),
        sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name="failed_has_code"),
        # The sweep looks at open rows only, which are few among all that ever were.
        sa.Index(None, "available_at", postgresql_where=sa.text("state IN ('queued', 'running')")),
        # Metrics look at what ended lately, which is little of all that ever did.
        sa.Index(None, "ended_at"),
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write the outcome of one row: valid while the row is running with this attempt."""

    id: UUID
    attempt: int
    failures: int
    request_id: str | None


class LeaseLost(Exception):
    """The row was taken back, ended or deleted meanwhile; what this worker computed must not be written."""


class TryLater(Exception):
    """The work cannot go on now, through no fault of its own: the row is given back and waits ``delay_s`` seconds."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(delay_s)
        self.delay_s = delay_s


class JobFailed(Exception):
    """The work has failed. A ``retryable`` failure is tried again until the row has failed ``STEP_ATTEMPTS`` times.

    ``retry_after_s`` is when the other side asked to be called again, if it did.
    """

    def __init__(self, code: str, *, retryable: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s


Work = Callable[[Claim, threading.Event], None]
"""Works on a held row; the event is set once the lease is lost.

Records the outcome itself when the work succeeds. Raises JobFailed, TryLater or LeaseLost otherwise.
"""


def claim(model: type[Job], row_id: UUID) -> Claim | None:
    """Claim a queued row, or return None when it is not there, not due, held or ended. Needs a transaction."""
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


def _nothing(_row_id: UUID) -> None:
    pass


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of leased work: a table, and what is done with its rows.

    Attributes:
        name: ``room.thing``; log events and metrics are named after it.
        model: The table.
        work: Does the work.
        give_up: Called with a row's id and an error code, in the transaction that fails the row for good.
        after_retry: Called with a row's id, in the transaction that gives it back after a failure.
        lock_first: Called with a row's id in the transaction that gives it back or fails it, before the row is
            locked: locks what comes before the row in the order of locks (docs/architecture.md).
        claim: Claims a row; see ``claim``.
        labels: The column by which metrics tell rows apart, with its values.
    """

    name: str
    model: type[Job]
    work: Work
    give_up: Callable[[UUID, str], None]
    after_retry: Callable[[UUID], None] = _nothing
    lock_first: Callable[[UUID], object] = _nothing
    claim: Callable[[type[Job], UUID], Claim | None] = claim
    labels: tuple[InstrumentedAttribute[str], tuple[str, ...]] | None = None

    @property
    def thing(self) -> str:
        """The name without the room: ``document``."""
        return self.name.rpartition(".")[2]


_kinds: list[JobKind] = []


def install_kinds(kinds: Iterable[JobKind]) -> None:
    """Make the kinds of leased work known to this process. Called with the manifest only."""
    _kinds[:] = kinds


def list_kinds() -> tuple[JobKind, ...]:
    """Return every kind of leased work. Raises RuntimeError before the rooms are open."""
    if not _kinds:
        raise RuntimeError("No kind of leased work is known: this process has not called open_rooms().")
    return tuple(_kinds)


def dispatch(model: type[Job], row_ids: Sequence[UUID]) -> None:
    """Queue planned rows, and send them to the workers once the open transaction has committed."""
    moment = database_now()
    # A planned row waits for its room, not for a worker: it is due from now on, and its age counts from now.
    due = sa.case((model.state == JobState.PLANNED, moment), else_=model.available_at)
    db.session.execute(
        sa.update(model)
        .where(model.id.in_(row_ids), model.state.in_((JobState.PLANNED, JobState.QUEUED)))
        .values(state=JobState.QUEUED, available_at=due, sent_at=moment)
        .execution_options(synchronize_session=False)
    )
    for row_id in row_ids:
        send_after_commit(model, row_id)


def send_after_commit(model: type[Job], row_id: UUID, delay_s: float = 0.0) -> None:
    """Send a row's message, to be worked on in ``delay_s`` seconds, once the open transaction has committed."""
    after_commit(partial(send, model.task, str(row_id), delay_s=delay_s))


def is_held(model: type[Job], held: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions under which a row is still held by this claim."""
    return (model.id == held.id, model.state == JobState.RUNNING, model.attempt == held.attempt)


def _write(model: type[Job], held: Claim, **values: object) -> None:
    result = db.session.execute(
        sa.update(model)
        .where(*is_held(model, held))
        .values(lease_until=None, worker=None, **values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if result is None:
        raise LeaseLost


def finish(model: type[Job], held: Claim) -> None:
    """Mark a held row done. Raises LeaseLost when it is no longer held; the caller's transaction rolls back."""
    _write(model, held, state=JobState.DONE, ended_at=database_now(), error_code=None)


def fail(model: type[Job], held: Claim, code: str) -> None:
    """Mark a held row failed for good, with an error code. Raises LeaseLost."""
    _write(model, held, state=JobState.FAILED, ended_at=database_now(), error_code=code)


def cancel_held(model: type[Job], held: Claim) -> None:
    """Mark a held row cancelled. Raises LeaseLost."""
    _write(model, held, state=JobState.CANCELLED, ended_at=database_now(), error_code=None)


def retry_later(model: type[Job], held: Claim, *, delay_s: float, is_failure: bool = True) -> None:
    """Give a held row back after a failure that may pass, to be tried again in ``delay_s`` seconds.

    ``is_failure`` says whether it counts towards those after which a row is given up.
    """
    moment = database_now()
    _write(
        model,
        held,
        state=JobState.QUEUED,
        failures=model.failures + int(is_failure),
        available_at=moment + timedelta(seconds=delay_s),
        sent_at=moment,
    )
    # A little later than the row is due, so that the message never comes too early and finds nothing to claim.
    send_after_commit(model, held.id, delay_s + 0.05)


@contextmanager
def lease(model: type[Job], held: Claim) -> Iterator[threading.Event]:
    """Renew the lease from a thread while the block works.

    Yields an event that is set once the lease is lost. The renewal uses a connection of its own, outside the
    session, so the block itself holds none. It ends with the time that any work may take, so that what hangs is
    taken back even where the pool does not end it.
    """
    length_s = get_settings().lease_s
    deadline = time.monotonic() + get_settings().longest_work_s
    lost, ended = threading.Event(), threading.Event()
    engine = db.engine

    def renew() -> None:
        while not ended.wait(length_s / 3) and time.monotonic() < deadline:
            moment = database_now()
            statement = (
                sa.update(model).where(*is_held(model, held)).values(lease_until=moment + timedelta(seconds=length_s))
            )
            try:
                with engine.begin() as connection:
                    if connection.execute(statement).rowcount == 0:
                        lost.set()
                        return
            except sa.exc.SQLAlchemyError as error:
                log.warning("core.lease.renewal_failed", row_id=str(held.id), error=type(error).__name__)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join(timeout=length_s)


def hand_back(worker: str = WORKER_NAME) -> int:
    """Queue again what a stopping worker holds, at once and without counting a failure. Returns how many rows."""
    count = 0
    with transaction():
        for model in [kind.model for kind in list_kinds()]:
            rows = db.session.scalars(
                sa.update(model)
                .where(model.state == JobState.RUNNING, model.worker == worker)
                .values(state=JobState.QUEUED, lease_until=None, worker=None, sent_at=database_now())
                .returning(model.id)
                .execution_options(synchronize_session=False)
            ).all()
            for row_id in rows:
                send_after_commit(model, row_id)
            count += len(rows)
    return count


def count_live_leases(worker: str) -> int:
    """Return how many rows a worker holds with a lease that has not run out. Needs a transaction."""
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
