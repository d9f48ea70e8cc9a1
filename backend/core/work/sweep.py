"""The sweep: sends lost and due rows again, and takes back the rows of dead workers."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.locks import SWEEP_LOCK
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work.jobs import Job, JobKind, JobState, list_kinds, send_after_commit
from backend.core.work.programs import Program
from backend.core.work.queue import count_messages
from backend.core.work.workers import note_lost_lease
from backend.settings import get_settings

log = get_logger(__name__)

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    """Numbers of rows that one sweep sent, took back from dead workers, and gave up."""

    sent: int = 0
    taken_back: int = 0
    given_up: int = 0


def sweep(finish: Callable[[], None] = lambda: None, note_progress: Callable[[], None] = lambda: None) -> Swept | None:
    """Send lost and due rows again, and take back expired leases. Returns None if another process is sweeping.

    Each row is taken back in its own transaction, so that one failure does not block the others. ``finish`` is called
    at the end, while the lock is still held. ``note_progress`` is called before each row and before the end, because
    hundreds of rows that cannot be taken back take long.
    """
    sent = taken_back = given_up = 0
    with _alone() as alone:
        if not alone:
            return None
        for kind in list_kinds():
            for row_id in _find_expired(kind.model):
                note_progress()
                outcome = _take_back(kind, row_id)
                taken_back += outcome is not None
                given_up += outcome is True
        complete = _find_complete_queues()
        for kind in list_kinds():
            with transaction():
                sent += _send_again(kind, never_sent_only=kind.program in complete)
        note_progress()
        finish()
    return Swept(sent, taken_back, given_up)


@contextmanager
def _alone() -> Iterator[bool]:
    """Hold the sweep's advisory lock in its own transaction, which ends even if this process is killed.

    The lock belongs to the transaction, because a pool would give the connection to another client. A sweep that
    exceeds ``idle_in_transaction_session_timeout`` loses the lock and continues. That is safe: the rows are locked too.
    """
    guard = db.engine.connect()
    try:
        yield bool(guard.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(SWEEP_LOCK))))
    finally:
        try:
            guard.close()
        except sa.exc.DBAPIError as error:
            log.warning("core.sweep.lock_lost", error=type(error).__name__)


def _find_expired(model: type[Job]) -> list[UUID]:
    with transaction():
        expired = sa.select(model.id).where(model.state == JobState.RUNNING, model.lease_until < database_now())
        return list(db.session.scalars(expired.limit(_BATCH)))


def _take_back(kind: JobKind, row_id: UUID) -> bool | None:
    """Take back one row. Returns whether it was given up, or None if it was not taken back."""
    try:
        with transaction():
            return _take_back_held(kind, row_id)
    except Exception:
        log.exception("core.sweep.row_failed", row_id=str(row_id), task=kind.model.task)
        return None


def _take_back_held(kind: JobKind, row_id: UUID) -> bool | None:
    model = kind.model
    moment = database_now()
    kind.lock_first(row_id)
    held = db.session.execute(
        sa.select(model.failures, model.worker, model.request_id)
        .where(model.id == row_id, model.state == JobState.RUNNING, model.lease_until < moment)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if held is None:
        return None
    failures: int = held.failures
    last = failures + 1 >= get_settings().step_attempts
    db.session.execute(
        sa.update(model)
        .where(model.id == row_id)
        .values(
            state=JobState.FAILED if last else JobState.QUEUED,
            failures=failures + 1,
            error_code="worker_lost" if last else None,
            ended_at=moment if last else None,
            lease_until=None,
            worker=None,
            sent_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    note_lost_lease(held.worker)
    log.warning(
        "core.job.lease_expired",
        row_id=str(row_id),
        task=model.task,
        worker=held.worker,
        failures=failures + 1,
        request_id=held.request_id,
    )
    if last:
        kind.give_up(row_id, "worker_lost")
    return last


def _find_complete_queues() -> set[Program]:
    """Return the programs for whose queued rows the broker has a message each, so that none needs to be sent again.

    Without this check, a long queue would grow by itself: each of its rows would be sent again every half minute.
    """
    messages = count_messages()
    if messages is None:
        return set()
    queued: Counter[Program] = Counter()
    with transaction():
        for kind in list_kinds():
            due = sa.select(sa.func.count()).select_from(kind.model).where(_is_due(kind))
            queued[kind.program] += db.session.scalar(due) or 0
    return {program for program, count in queued.items() if 0 < count <= messages[program]}


def _is_due(kind: JobKind) -> sa.ColumnElement[bool]:
    model = kind.model
    return sa.and_(model.state == JobState.QUEUED, model.available_at <= database_now(), kind.startable(model))


def _send_again(kind: JobKind, *, never_sent_only: bool) -> int:
    model = kind.model
    moment = database_now()
    wait = timedelta(seconds=get_settings().resend_after_s)
    lost = sa.func.greatest(model.sent_at, model.available_at) < moment - wait
    unsent = model.sent_at.is_(None)
    due = (
        sa.select(model.id)
        .where(_is_due(kind), unsent if never_sent_only else sa.or_(unsent, lost))
        .order_by(model.available_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = db.session.scalars(
        sa.update(model)
        .where(model.id.in_(due.scalar_subquery()))
        .values(sent_at=moment)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).all()
    for row_id in rows:
        send_after_commit(model, row_id)
    return len(rows)
