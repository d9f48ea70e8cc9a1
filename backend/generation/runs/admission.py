"""Which planned sections of a run may start: those whose predicted price its reservation still covers."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import now
from backend.core.database.database import db
from backend.core.process.logging import get_logger
from backend.core.work.jobs import JobState
from backend.generation.charging.bookings import find_room
from backend.generation.charging.estimates import Part, predict_connecting, predict_section, predict_tokens
from backend.generation.charging.prices import prices_of
from backend.generation.models import ModelCall, Run, Step
from backend.generation.types import PartialReason, StepKind
from backend.settings import get_settings

log = get_logger(__name__)

_MAX_FAILED_SHARE = 0.1
# Times what the calls take at most: retries, halves and further calls included.
_TOKEN_BUDGET = 4
_IN_FLIGHT = (JobState.QUEUED, JobState.RUNNING)


def find_admitted(run: Run, count: int) -> Sequence[UUID]:
    """Return the next planned steps that may start, at most ``count``.

    The predicted price of those in flight and of the next ones must fit what is left of the reservation.
    """
    if _is_output_used_up(run):
        return ()
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


def _is_output_used_up(run: Run) -> bool:
    """Whether the model of a run writes, or reasons, far more than the run's items need."""
    # Halves and steps that make up for others are of sections that count already.
    is_section = sa.and_(Step.depth == 0, Step.makes_up.is_(False))
    query = sa.select(
        sa.func.count().filter(is_section),
        sa.func.coalesce(sa.func.sum(Step.chars).filter(is_section), 0),
        sa.func.coalesce(sa.func.sum(Step.flashcards_asked + Step.questions_asked).filter(is_section), 0),
        sa.func.count().filter(Step.error_code == PartialReason.OUTPUT_USED_UP),
    ).where(Step.run_id == run.id, Step.kind == StepKind.SECTION)
    sections, chars, items, failed = db.session.execute(query).one()
    if failed:
        return True
    tokens = sa.func.sum(ModelCall.input_tokens + ModelCall.output_tokens)
    used = db.session.scalar(sa.select(tokens).where(ModelCall.run_id == run.id)) or 0
    expected = predict_tokens(sections, int(chars or 0), int(items or 0))
    if used <= _TOKEN_BUDGET * expected:
        return False
    log.error("generation.run.token_budget_used_up", run_id=str(run.id), used=used, expected=expected)
    return True


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
        if _is_output_used_up(run):
            return PartialReason.OUTPUT_USED_UP
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
