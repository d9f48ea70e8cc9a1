"""Verbs of administration about credits and money. Every one is audited, and none shows a name, address or title.

Adjusting credits and refunding need a fresh sign-in, which the routes check. Both count towards the administrator's
daily ceiling.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from backend.accounts import service as accounts
from backend.accounts.errors import UserLeaving
from backend.administration.audit_log import Action, record_action
from backend.administration.ceiling import require_below_ceiling
from backend.administration.errors import OwnMoney
from backend.billing import service as billing
from backend.billing.errors import BillingOff
from backend.billing.types import (
    CreditBalance,
    DayRevenue,
    EntryFacts,
    LotBalance,
    LotSource,
    PaymentFacts,
    UnhandledEvent,
)
from backend.core.ids import new_id
from backend.core.web.pagination import ListPage, PageQuery
from backend.generation import service as generation
from backend.generation.types import DayUsage, RunCost
from backend.settings import get_settings


class AdjustmentReason(StrEnum):
    """Why credits are adjusted. A fixed list, because the audit log must not contain free text about a person."""

    GOODWILL = "goodwill"
    FAULT = "fault"
    CORRECTION = "correction"
    ABUSE = "abuse"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An adjustment, and the user's credits afterwards."""

    id: UUID
    amount: int
    balance: CreditBalance


@dataclass(frozen=True, slots=True)
class CreditsView:
    """A user's credits: balance, newest lots and a page of entries."""

    balance: CreditBalance
    lots: list[LotBalance]
    entries: ListPage[EntryFacts]


def adjust_credits(admin_id: UUID, user_id: UUID, amount: int, reason: AdjustmentReason, ticket: int) -> Adjusted:
    """Grant free credits, or remove credits if ``amount`` is negative, in the order in which they are spent.

    Raises BillingOff, OwnMoney, NotFound, UserLeaving, DailyCeilingReached, InsufficientCredits.
    """
    if not get_settings().billing_is_on:
        raise BillingOff
    if user_id == admin_id:
        raise OwnMoney
    if accounts.get_user(user_id).erasing_at is not None:
        raise UserLeaving
    # Lock order: the ceiling is a quota, which comes before the credit account.
    require_below_ceiling(admin_id, max(amount, 0))
    adjustment_id = new_id()
    if amount > 0:
        billing.grant(user_id, LotSource.GOODWILL, amount, f"goodwill:{adjustment_id}")
    else:
        billing.adjust_down(user_id, -amount, f"adjusted:{adjustment_id}")
    record_action(
        admin_id,
        Action.CREDITS_ADJUSTED,
        subject_user_id=user_id,
        adjustment=str(adjustment_id),
        credits=amount,
        reason=reason.value,
        ticket=ticket,
    )
    return Adjusted(adjustment_id, amount, billing.read_balance(user_id))


def view_credits(admin_id: UUID, user_id: UUID, page: PageQuery) -> CreditsView:
    """Return a user's credits, also of one who has left. Raises NotFound, InvalidCursor."""
    accounts.get_user(user_id)
    view = CreditsView(
        billing.read_balance(user_id),
        billing.list_lots_of_user(user_id),
        billing.list_entries_of_user(user_id, page),
    )
    record_action(admin_id, Action.USER_CREDITS_VIEWED, subject_user_id=user_id, found=len(view.entries.items))
    return view


def list_user_payments(admin_id: UUID, user_id: UUID, page: PageQuery) -> ListPage[PaymentFacts]:
    """Return a page of a user's payments, newest first. Raises NotFound, InvalidCursor."""
    accounts.get_user(user_id)
    found = billing.list_payments_of_user(user_id, page)
    record_action(admin_id, Action.USER_PAYMENTS_VIEWED, subject_user_id=user_id, found=len(found.items))
    return found


def list_unhandled_events(admin_id: UUID, page: PageQuery) -> ListPage[UnhandledEvent]:
    """Return a page of Stripe's events that somebody must look at, newest first. Raises InvalidCursor."""
    found = billing.list_unhandled_events(page)
    record_action(admin_id, Action.EVENTS_VIEWED, found=len(found.items))
    return found


def retry_event(admin_id: UUID, event_id: UUID) -> UnhandledEvent:
    """Let a worker handle an unhandled event again. Raises BillingOff, NotFound, EventNotRetriable."""
    if not get_settings().billing_is_on:
        raise BillingOff
    event = billing.retry_event(event_id)
    record_action(admin_id, Action.EVENT_RETRIED, event=str(event_id))
    return event


def dismiss_event(admin_id: UUID, event_id: UUID) -> UnhandledEvent:
    """Take an unhandled event off the list, because somebody has looked at it. Raises NotFound."""
    event = billing.dismiss_event(event_id)
    record_action(admin_id, Action.EVENT_DISMISSED, event=str(event_id))
    return event


def measure_revenue(admin_id: UUID, first: date, last: date) -> list[DayRevenue]:
    """Return the revenue of each day, both ends included."""
    record_action(admin_id, Action.REVENUE_VIEWED, first=first.isoformat(), last=last.isoformat())
    return billing.measure_revenue(first, last)


def measure_usage(admin_id: UUID, first: date, last: date) -> list[DayUsage]:
    """Return the usage and cost of each day and model, both ends included."""
    record_action(admin_id, Action.USAGE_VIEWED, first=first.isoformat(), last=last.isoformat())
    return generation.measure_usage(first, last)


def list_run_costs(admin_id: UUID, page: PageQuery) -> ListPage[RunCost]:
    """Return a page of runs with cost, price and charge, newest first. Raises InvalidCursor."""
    found = generation.list_run_costs(page)
    record_action(admin_id, Action.RUN_COSTS_VIEWED, found=len(found.items))
    return found


def view_run_cost(admin_id: UUID, run_id: UUID) -> RunCost:
    """Return cost, price and charge of a run, also of a deleted one. Raises NotFound."""
    cost = generation.get_run_cost(run_id)
    record_action(admin_id, Action.RUN_COST_VIEWED, subject_user_id=cost.user_id, run_id=run_id)
    return cost
