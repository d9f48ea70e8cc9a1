"""What calls for free credits cost us, whether their users were charged or not."""

from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from backend.billing import service as billing
from backend.billing.types import CallCost
from backend.core.clock import database_now
from backend.core.database.swiss_days import SWISS_TIME
from backend.generation.charging.prices import RunPrices
from backend.generation.models import ModelCall
from backend.settings import get_settings

_BEGIN_OF_DAY = sa.func.date_trunc("day", database_now(), SWISS_TIME.key)
_BEGIN_MS = sa.cast(sa.extract("epoch", _BEGIN_OF_DAY) * 1000, sa.BigInteger)
# The smallest id of today: ids begin with their time, so the primary key replaces an index on the creation time. A
# subquery, which PostgreSQL evaluates once; a clock in the condition itself would not use the index.
_FIRST_ID = sa.select(
    sa.cast(sa.func.rpad(sa.func.lpad(sa.func.to_hex(_BEGIN_MS), 12, "0"), 32, "0"), sa.Uuid())
).scalar_subquery()


def free_cost_today() -> sa.ColumnElement[Decimal]:
    """Return the SQL expression of what today's calls for free credits cost, in CHF."""
    query = sa.select(sa.func.coalesce(sa.func.sum(ModelCall.free_cost_chf), 0)).where(ModelCall.id >= _FIRST_ID)
    return query.scalar_subquery()


def find_free_cost(run_id: UUID, prices: RunPrices, cost: CallCost | None) -> Decimal:
    """Return the part of a call's cost for which free credits were reserved, in CHF.

    The run may have been deleted: what was reserved for it is known nevertheless.
    """
    if cost is None or prices.is_draft or not get_settings().billing_is_on:
        return Decimal(0)
    return cost.chf * billing.find_free_share(run_id)
