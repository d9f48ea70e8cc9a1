"""Revenue by day, in Swiss time. A day's figures do not change afterwards: corrections are booked on their own day."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from backend.billing.models import CreditEntry, Payment
from backend.billing.types import CREDITS_PER_RAPPEN, DayRevenue, EntryKind
from backend.core.database.database import db
from backend.core.database.swiss_days import day_of, is_between, may_be_between


def measure_revenue(first: date, last: date) -> list[DayRevenue]:
    """Return purchases, refunds and disputes of each day, both ends included. Days without any are zero.

    Refunds and disputes are counted as the ledger has booked them, which takes back credits at the price paid.
    """
    bought = {row.day: row for row in db.session.execute(_select_purchases(first, last))}
    taken = {row.day: row for row in db.session.execute(_select_taken(first, last))}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [_describe(day, bought.get(day), taken.get(day)) for day in days]


def _select_purchases(first: date, last: date) -> sa.Select[date, int, int, int, int]:
    day = day_of(Payment.paid_at)
    return (
        sa.select(
            day.label("day"),
            sa.func.count().label("payments"),
            sa.func.sum(Payment.amount_rappen).label("rappen"),
            sa.func.sum(Payment.tax_rappen).label("tax_rappen"),
            sa.func.sum(Payment.credits).label("credits"),
        )
        .where(is_between(Payment.paid_at, first, last))
        .group_by(day)
    )


def _select_taken(first: date, last: date) -> sa.Select[date, int, int]:
    day = day_of(CreditEntry.created_at)
    taken = sa.func.sum(-CreditEntry.amount)
    by_refunds = taken.filter(CreditEntry.kind.in_((EntryKind.REFUNDED, EntryKind.REFUND_RETURNED)))
    by_disputes = taken.filter(CreditEntry.kind.in_((EntryKind.DISPUTED, EntryKind.REINSTATED)))
    return (
        sa.select(
            day.label("day"),
            sa.func.coalesce(by_refunds, 0).label("refunded"),
            sa.func.coalesce(by_disputes, 0).label("disputed"),
        )
        .where(
            CreditEntry.stripe_id.is_not(None),
            is_between(CreditEntry.created_at, first, last),
            may_be_between(CreditEntry.id, first, last),
        )
        .group_by(day)
    )


def _describe(day: date, bought: Any, taken: Any) -> DayRevenue:
    return DayRevenue(
        day=day,
        payments=bought.payments if bought else 0,
        purchases_rappen=int(bought.rappen) if bought else 0,
        tax_rappen=int(bought.tax_rappen) if bought else 0,
        credits_sold=int(bought.credits) if bought else 0,
        refunds_rappen=int(taken.refunded) // CREDITS_PER_RAPPEN if taken else 0,
        disputes_rappen=int(taken.disputed) // CREDITS_PER_RAPPEN if taken else 0,
    )
