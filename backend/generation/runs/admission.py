"""Which planned sections of a run may start: those whose predicted price its reservation still covers."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import now
from backend.core.database.database import db
from backend.core.work.jobs import JobState
from backend.generation.charging.bookings import find_room
from backend.generation.charging.estimates import Part, predict_connecting, predict_section
from backend.generation.charging.prices import prices_of
from backend.generation.models import Run, Step
from backend.generation.types import PartialReason, StepKind
from backend.settings import get_settings

_MAX_FAILED_SHARE = 0.1
_IN_FLIGHT = (JobState.QUEUED, JobState.RUNNING)


def find_admitted(run: Run, count: int) -> Sequence[UUID]:
    """Return the next planned steps that may start, at most ``count``.

    The predicted price of those in flight and of the next ones must fit what is left of the reservation.
    """
    planned = sa.select(Step).where(Step.run_id == run.id, Step.state == JobState.PLANNED)
    steps = db.session.scalars(planned.order_by(Step.position, Step.id).limit(count)).all()
    room = find_room(run)
    if room is None:
        return [step.id for step in steps]
    price = prices_of(run).price
    in_flight = db.session.scalars(
        sa.select(Step).where(Step.run_id == run.id, Step.kind == StepKind.SECTION, Step.state.in_(_IN_FLIGHT))
    ).all()
    left = room.credits - sum((predict_section(part_of(step), price) for step in in_flight), Decimal(0))
    admitted: list[UUID] = []
    for step in steps:
        left -= predict_section(part_of(step), price)
        if left < 0:
            break
        admitted.append(step.id)
    return admitted


def part_of(step: Step) -> Part:
    # A section planned by the previous release has no length.
    return Part(get_settings().section_chars if step.chars is None else step.chars, step.asked)


def leave_out_planned(run: Run) -> None:
    """Cancel the planned steps of a locked run that is used up, so that it ends with what it has."""
    db.session.execute(
        sa.update(Step)
        .where(Step.run_id == run.id, Step.state == JobState.PLANNED)
        .values(state=JobState.CANCELLED, ended_at=now())
        .execution_options(synchronize_session=False)
    )


def find_partial_reason(run: Run) -> PartialReason | None:
    """Return why sections of an active run are missing; None if all were made, or nearly all."""
    states = sa.select(Step.state, sa.func.count()).where(
        Step.run_id == run.id, Step.kind == StepKind.SECTION, Step.halved.is_(False), Step.makes_up.is_(False)
    )
    counts = {row[0]: row[1] for row in db.session.execute(states.group_by(Step.state))}
    if counts.get(JobState.CANCELLED, 0):
        room = find_room(run)
        return PartialReason.RESERVATION_USED_UP if room is None else room.reason
    failed = counts.get(JobState.FAILED, 0)
    # Where nothing was made, the run has failed.
    if run.delivered and failed > _MAX_FAILED_SHARE * sum(counts.values()):
        return PartialReason.SECTIONS_FAILED
    return None


def may_connect(run: Run, topics: int) -> bool:
    """Say whether the rest of the reservation covers connecting topics."""
    room = find_room(run)
    return room is None or predict_connecting(topics, prices_of(run).price) <= room.credits
