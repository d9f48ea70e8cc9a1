"""What all free credits together cost in a day, and the budget for it.

The day is that of Europe/Zurich, where the students are and the bill is paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import CreditEntry, CreditHold, CreditLot
from backend.billing.prices.price_list import get_price_list
from backend.billing.types import CREDITS_PER_CHF, EntryKind, LotSource
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.database.swiss_days import SWISS_TIME
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

_EVERYBODY = UUID(int=0)

_BEGIN_OF_DAY = sa.func.date_trunc("day", database_now(), SWISS_TIME.key)
_BEGIN_MS = sa.cast(sa.extract("epoch", _BEGIN_OF_DAY) * 1000, sa.BigInteger)
# The smallest id of today: ids begin with their time, so the primary key replaces an index on the creation time. A
# subquery, which PostgreSQL evaluates once; a clock in the condition itself would not use the index.
_FIRST_ID = sa.select(
    sa.cast(sa.func.rpad(sa.func.lpad(sa.func.to_hex(_BEGIN_MS), 12, "0"), 32, "0"), sa.Uuid())
).scalar_subquery()
_IS_FREE = CreditLot.source != LotSource.PURCHASE


@dataclass(frozen=True, slots=True)
class FreeBudget:
    """The cost of free credits today, spent and held, and its limit, in CHF."""

    used_chf: Decimal
    limit_chf: Decimal

    @property
    def is_used_up(self) -> bool:
        return self.used_chf >= self.limit_chf


class _Told:
    """The last day on which this process told the operator."""

    day: date | None = None


def measure_free_budget(without_holds_of: Sequence[UUID] = ()) -> FreeBudget:
    """Return today's use of the free budget. What is held for some runs can be left out. Needs a transaction."""
    captured = sa.select(-sa.func.sum(CreditEntry.amount)).where(
        CreditEntry.id >= _FIRST_ID, CreditEntry.kind == EntryKind.CAPTURED
    )
    held = (
        sa.select(sa.func.sum(CreditEntry.held))
        .join(CreditHold, CreditHold.id == CreditEntry.hold_id)
        .where(CreditHold.closed_at.is_(None), CreditHold.run_id.not_in(without_holds_of))
    )
    # One statement, because every start of a run waits for it.
    parts = (
        sa.func.coalesce(query.join(CreditLot, CreditLot.id == CreditEntry.lot_id).where(_IS_FREE).scalar_subquery(), 0)
        for query in (captured, held)
    )
    credits = db.session.scalars(sa.select(sum(parts, start=sa.literal(0)))).one()
    cost_chf = Decimal(credits) / CREDITS_PER_CHF / get_price_list().margin
    return FreeBudget(cost_chf, get_settings().daily_model_budget_chf)


def lock_free_budget() -> None:
    """Let one transaction at a time decide about the rest of the budget. Comes before the credit account."""
    lock_quota("free_budget", _EVERYBODY)


def report_free_budget_used_up(budget: FreeBudget) -> None:
    """Tell the operator, once a day in each process."""
    today = read_database_clock().astimezone(SWISS_TIME).date()
    if _Told.day == today:
        return
    _Told.day = today
    log.error("billing.free_budget.used_up", used_chf=str(round(budget.used_chf, 2)), limit_chf=str(budget.limit_chf))


def holds_free_credits(run_id: UUID) -> bool:
    """Say whether a part of the run's hold is held on free lots."""
    held = (
        sa.select(sa.func.coalesce(sa.func.sum(CreditEntry.held), 0))
        .join(CreditLot, CreditLot.id == CreditEntry.lot_id)
        .join(CreditHold, CreditHold.id == CreditEntry.hold_id)
        .where(CreditHold.run_id == run_id, _IS_FREE)
    )
    return bool(db.session.scalar(held))
