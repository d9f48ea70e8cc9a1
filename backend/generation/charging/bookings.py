"""Credits of a run: reserved before its first call, charged with each step, and released when it ends.

The credit account comes last in the order of locks, so what a transaction charges is booked just before it commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from backend.billing import service as billing
from backend.billing.errors import InsufficientCredits
from backend.billing.types import Hold
from backend.core.database.database import db
from backend.core.database.transaction import before_commit
from backend.core.work.jobs import JobState
from backend.generation.charging.free_cost import free_cost_today
from backend.generation.charging.rule import CHARGED_AT_THE_END, Outcome, charge
from backend.generation.models import Call, ModelCall, Run, Step
from backend.generation.types import ENDED_STATES, FREE_BUDGET, PartialReason, StepKind
from backend.settings import get_settings


class FreeBudgetUsedUp(Exception):
    """The run would spend free credits, and the day's budget for them is used up."""


def reserve_at_start(run: Run, amount: int) -> None:
    """Reserve credits for a run whose counts are known. Raises InsufficientCredits, SpendingFrozen.

    If free credits must wait, paid ones are taken if they suffice.
    """
    if amount <= 0:
        return
    if billing.measure_free_budget(free_cost_today(), _waiting_runs()).is_used_up:
        try:
            billing.reserve(run.user_id, run.id, amount, paid_only=True)
        except InsufficientCredits:
            pass
        else:
            return
    billing.reserve(run.user_id, run.id, amount)


def reserve_at_planning(run: Run, amount: int) -> None:
    """Reserve credits for a run that is about to make its first call, unless that was done when it was started.

    Raises InsufficientCredits, SpendingFrozen, and FreeBudgetUsedUp if the run must wait.
    """
    if amount <= 0:
        return
    hold = billing.find_hold(run.id)
    billing.lock_free_budget()
    budget = billing.measure_free_budget(free_cost_today(), (run.id, *_waiting_runs()))
    if not budget.is_used_up:
        billing.reserve(run.user_id, run.id, amount)
    elif hold is not None:
        if billing.holds_free_credits(run.id):
            billing.report_free_budget_used_up(budget)
            raise FreeBudgetUsedUp
    else:
        _reserve_paid(run, amount, budget)


def _reserve_paid(run: Run, amount: int, budget: billing.FreeBudget) -> None:
    try:
        billing.reserve(run.user_id, run.id, amount, paid_only=True)
    except InsufficientCredits:
        available = billing.read_balance(run.user_id).available
        if available < amount:
            raise InsufficientCredits(required=amount, available=available) from None
        billing.report_free_budget_used_up(budget)
        raise FreeBudgetUsedUp from None


def _waiting_runs() -> Sequence[UUID]:
    """Return the runs that wait for the free budget: what is held for them must not keep them waiting."""
    return db.session.scalars(sa.select(Run.id).where(Run.ended_at.is_(None), Run.waiting_for == FREE_BUDGET)).all()


def charge_reply(run: Run, step_id: UUID, attempt: int, outcome: Outcome) -> None:
    """Charge the call of a section whose reply was used."""
    hold = _find_open_hold(run)
    if hold is not None:
        _charge(hold, StepKind.SECTION, (step_id, attempt), outcome)


def charge_end(run: Run) -> None:
    """Charge the calls whose share is known only now that the run ends. ``run`` is locked."""
    asked = run.asked.settled()
    hold = _find_open_hold(run)
    if hold is None or asked is None:
        return
    outcome = Outcome(run_delivered=run.delivered.total, run_asked=asked.total)
    # A step of the built-in model has no call, and one of the previous release made it itself.
    attempt_of_call = sa.func.coalesce(Call.attempt, Step.attempt)
    done = (
        sa.select(Step.kind, Step.id, attempt_of_call)
        .outerjoin(Call, Call.step_id == Step.id)
        .where(Step.run_id == run.id, Step.kind.in_(CHARGED_AT_THE_END), Step.state == JobState.DONE)
    )
    for kind, step_id, attempt in db.session.execute(done).all():
        _charge(hold, StepKind(kind), (step_id, attempt), outcome)


def _charge(hold: Hold, kind: StepKind, attempt: tuple[UUID, int], outcome: Outcome) -> None:
    this = (ModelCall.step_id == attempt[0], ModelCall.attempt == attempt[1], ModelCall.outcome == "ok")
    price = db.session.scalar(sa.select(ModelCall.price_credits).where(*this))
    if not price:
        return
    # Never more than was reserved: the rest is ours.
    left = max(hold.amount - sum_charges(hold.run_id), Decimal(0))
    db.session.execute(
        sa.update(ModelCall)
        .where(*this)
        .values(charged_credits=min(charge(kind, price, outcome), left))
        .execution_options(synchronize_session=False)
    )


def sum_charges(run_id: UUID) -> Decimal:
    """Return the exact sum that a run is charged so far."""
    query = sa.select(sa.func.coalesce(sa.func.sum(ModelCall.charged_credits), 0)).where(ModelCall.run_id == run_id)
    return Decimal(db.session.scalars(query).one())


def settle_at_commit(run: Run) -> None:
    """Capture what the run is charged, at the end of the open transaction; release the rest if the run has ended."""
    # Nothing is ever reserved for the built-in model. What was reserved before billing was turned off is released.
    if not run.is_draft:
        before_commit(("settle", run.id), partial(_settle, run.id))


def _settle(run_id: UUID) -> None:
    charged = sum_charges(run_id)
    state = db.session.scalar(sa.select(Run.state).where(Run.id == run_id))
    if state is None or state in ENDED_STATES:
        # Rounded up once a run.
        billing.close(run_id, int(charged.to_integral_value(ROUND_CEILING)))
    else:
        billing.settle(run_id, int(charged.to_integral_value(ROUND_FLOOR)))


@dataclass(frozen=True, slots=True)
class Room:
    """How many credits of a run's reservation are left, and what to say when they do not suffice."""

    credits: Decimal
    reason: PartialReason


def find_room(run: Run) -> Room | None:
    """Return what is left of the run's reservation; None if nothing was reserved, so nothing bounds the run."""
    hold = _find_hold(run)
    if hold is None:
        return None
    if not hold.is_open:
        # It was released after a day of silence.
        return Room(Decimal(-1), PartialReason.RESERVATION_USED_UP)
    reason = PartialReason.MAX_CREDITS_REACHED if hold.amount == run.max_credits else PartialReason.RESERVATION_USED_UP
    return Room(hold.amount - sum_charges(run.id), reason)


def find_ended_runs(run_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the runs have ended or no longer exist."""
    active = sa.select(Run.id).where(Run.id.in_(run_ids), Run.state.not_in(ENDED_STATES))
    return set(run_ids) - set(db.session.scalars(active))


def _find_open_hold(run: Run) -> Hold | None:
    hold = _find_hold(run)
    return hold if hold is not None and hold.is_open else None


def _find_hold(run: Run) -> Hold | None:
    """Return the hold from which the run is charged; None if nothing is, also because billing was turned off."""
    return billing.find_hold(run.id) if get_settings().billing_is_on and not run.is_draft else None
