"""Queues the calls that steps wait for. A step's row is locked before the row of its call."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState
from backend.core.work.waiting import park, park_held, wake
from backend.generation.models import Call, Step

_QUEUED_AGAIN: Final = MappingProxyType(
    {"state": JobState.QUEUED, "ended_at": None, "error_code": None, "reply_id": None}
)


def queue_calls(step_ids: Sequence[UUID]) -> None:
    """Queue the calls of planned steps, which then wait for them."""
    park(Step, step_ids)
    _add(step_ids)


def queue_call(held: Claim) -> None:
    """Queue the call of a held step, which then waits for it. Raises LeaseLost."""
    park_held(Step, held)
    _add([held.id])


def _add(step_ids: Sequence[UUID]) -> None:
    steps = db.session.scalars(sa.select(Step).where(Step.id.in_(step_ids)).order_by(Step.position, Step.id)).all()
    if not steps:
        return
    rows = [
        {
            "id": new_id(),
            "run_id": step.run_id,
            "step_id": step.id,
            "request_id": step.request_id,
            "state": JobState.QUEUED,
            "sent_at": sa.func.now(),
        }
        for step in steps
    ]
    # A section that is tried again has a call that failed.
    again = (
        insert(Call)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[Call.step_id],
            set_={"failures": 0, "available_at": database_now(), "sent_at": database_now(), **_QUEUED_AGAIN},
            where=Call.state.not_in((JobState.QUEUED, JobState.RUNNING)),
        )
    )
    for call_id in db.session.scalars(again.returning(Call.id)).all():
        jobs.send_after_commit(Call, call_id)


def wait_for_call(held: Claim, call_id: UUID) -> None:
    """Let a held step wait for its call, which may have ended meanwhile. Raises LeaseLost."""
    park_held(Step, held)
    state = db.session.scalar(sa.select(Call.state).where(Call.id == call_id).with_for_update())
    if state not in (JobState.QUEUED, JobState.RUNNING):
        wake(Step, held.id)


def call_again(held: Claim, call_id: UUID, *, is_failure: bool = False) -> None:
    """Let a held step wait for its call to be made again. Raises LeaseLost.

    ``is_failure`` tells whether that is because the last reply was of no use.
    """
    park_held(Step, held)
    _requeue(call_id, {"failures": Call.failures + int(is_failure)})


def call_for_more(held: Claim, call_id: UUID) -> None:
    """Let a held step wait for a further call, for what the last one left missing. Raises LeaseLost."""
    park_held(Step, held)
    _requeue(call_id, {"failures": 0, "number": Call.number + 1})


def _requeue(call_id: UUID, values: Mapping[str, object]) -> None:
    moment = database_now()
    db.session.execute(
        sa.update(Call)
        .where(Call.id == call_id, Call.state.not_in((JobState.QUEUED, JobState.RUNNING)))
        .values(available_at=moment, sent_at=moment, **_QUEUED_AGAIN, **values)
        .execution_options(synchronize_session=False)
    )
    jobs.send_after_commit(Call, call_id)


def lock_step_of(call_id: UUID) -> UUID | None:
    """Lock the step of a call and return its id, or None if they were deleted."""
    step_id = db.session.scalar(sa.select(Call.step_id).where(Call.id == call_id))
    return db.session.scalar(sa.select(Step.id).where(Step.id == step_id).with_for_update())


def wake_step(call_id: UUID, _code: str = "") -> None:
    """Let the step of a call that has ended go on."""
    step_id = db.session.scalar(sa.select(Call.step_id).where(Call.id == call_id))
    if step_id is not None:
        wake(Step, step_id)


def cancel_waiting(run_id: UUID) -> None:
    """Cancel the steps of a locked run that have not started, with their calls; one whose call is in progress stays."""
    waiting = sa.select(Step.id).where(Step.run_id == run_id, Step.state.in_((JobState.PLANNED, JobState.QUEUED)))
    step_ids = db.session.scalars(waiting.order_by(Step.id).with_for_update()).all()
    moment = database_now()
    db.session.execute(
        sa.update(Call)
        .where(Call.run_id == run_id, Call.state == JobState.QUEUED)
        .values(state=JobState.CANCELLED, ended_at=moment)
        .execution_options(synchronize_session=False)
    )
    in_progress = sa.select(Call.id).where(Call.step_id == Step.id, Call.state == JobState.RUNNING).exists()
    db.session.execute(
        sa.update(Step)
        .where(Step.id.in_(step_ids), ~in_progress)
        .values(state=JobState.CANCELLED, ended_at=moment)
        .execution_options(synchronize_session=False)
    )


def cancel_call(held: Claim) -> None:
    """Cancel a held call, whose run was stopped, and let its step go on. Raises LeaseLost."""
    lock_step_of(held.id)
    jobs.cancel_held(Call, held)
    wake_step(held.id)


def cancel_queued(call_id: UUID) -> None:
    """Cancel a queued call whose step is locked, and let the step go on."""
    db.session.execute(
        sa.update(Call)
        .where(Call.id == call_id, Call.state == JobState.QUEUED)
        .values(state=JobState.CANCELLED, ended_at=database_now())
        .execution_options(synchronize_session=False)
    )
    wake_step(call_id)
