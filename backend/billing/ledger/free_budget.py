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
from backend.core.clock import read_database_clock
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.database.swiss_days import SWISS_TIME
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

_EVERYBODY = UUID(int=0)

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


def measure_free_budget(spent_chf: sa.ColumnElement[Decimal], without_holds_of: Sequence[UUID] = ()) -> FreeBudget:
    """Return today's use of the free budget. Needs a transaction.

    ``spent_chf`` asks what today's calls for free credits cost, whether they were charged or not. What is held for some
    runs can be left out. It is one statement, because every start of a run waits for it.
    """
    held = (
        sa.select(sa.func.coalesce(sa.func.sum(CreditEntry.held), 0))
        .join(CreditHold, CreditHold.id == CreditEntry.hold_id)
        .join(CreditLot, CreditLot.id == CreditEntry.lot_id)
        .where(CreditHold.closed_at.is_(None), CreditHold.run_id.not_in(without_holds_of), _IS_FREE)
    )
    row = db.session.execute(sa.select(spent_chf.label("spent_chf"), held.scalar_subquery().label("held"))).one()
    held_chf = Decimal(row.held) / CREDITS_PER_CHF / get_price_list().margin
    return FreeBudget(Decimal(row.spent_chf) + held_chf, get_settings().daily_model_budget_chf)


def find_free_share(run_id: UUID) -> Decimal:
    """Return the part of the credits reserved for a run that was reserved on free lots; 0 without a hold.

    It stays the same after the hold has been closed.
    """
    free = sa.func.coalesce(sa.func.sum(CreditEntry.held).filter(_IS_FREE), 0)
    row = db.session.execute(
        sa.select(free.label("free"), sa.func.sum(CreditEntry.held).label("all"))
        .join(CreditHold, CreditHold.id == CreditEntry.hold_id)
        .join(CreditLot, CreditLot.id == CreditEntry.lot_id)
        .where(CreditHold.run_id == run_id, CreditEntry.kind == EntryKind.RESERVED)
    ).one()
    return Decimal(row.free) / Decimal(row.all) if row.all else Decimal(0)


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
