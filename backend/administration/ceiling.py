"""The daily ceiling: what one administrator may grant and refund in 24 hours, counted from the audit log."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from backend.administration.audit_log import Action
from backend.administration.errors import DailyCeilingReached
from backend.administration.models import AdminAction
from backend.billing.types import CREDITS_PER_CHF, CREDITS_PER_RAPPEN
from backend.core.clock import read_database_clock
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.ids import first_id_at
from backend.settings import get_settings

_WINDOW = timedelta(hours=24)


def lock_given(admin_id: UUID) -> None:
    """Lock what the administrator has given until the transaction ends, so that no two requests take the same rest."""
    lock_quota("given_by_admin", admin_id)


def require_below_ceiling(admin_id: UUID, credits: int) -> None:
    """Check that the administrator may still give this much. A refund counts as the credits that were paid with it.

    What they gave is locked until the transaction ends, so record the action in this transaction. Raises
    DailyCeilingReached.
    """
    lock_given(admin_id)
    limit = get_settings().admin_daily_chf * CREDITS_PER_CHF
    left = max(limit - _sum_given(admin_id), 0)
    if credits > left:
        raise DailyCeilingReached(
            ceiling_rappen=limit // CREDITS_PER_RAPPEN, ceiling_left_rappen=left // CREDITS_PER_RAPPEN
        )


def first_id_in_window() -> UUID:
    """Return the smallest id of an audit log entry of the last 24 hours."""
    return first_id_at(read_database_clock() - _WINDOW)


def _sum_given(admin_id: UUID) -> int:
    refused = aliased(AdminAction)
    was_refused = sa.exists().where(
        refused.actor_id == admin_id,
        refused.action == Action.REFUND_REFUSED,
        refused.data["request"].as_string() == AdminAction.data["request"].as_string(),
    )
    given = sa.case(
        (AdminAction.action == Action.REFUND_REQUESTED, AdminAction.data["amount_rappen"].as_integer()),
        else_=0,
    ) * CREDITS_PER_RAPPEN + sa.case(
        (AdminAction.action == Action.CREDITS_ADJUSTED, sa.func.greatest(AdminAction.data["credits"].as_integer(), 0)),
        else_=0,
    )
    query = sa.select(sa.func.coalesce(sa.func.sum(given), 0)).where(
        AdminAction.actor_id == admin_id,
        AdminAction.id >= first_id_in_window(),
        AdminAction.action.in_((Action.CREDITS_ADJUSTED, Action.REFUND_REQUESTED)),
        sa.not_(was_refused),
    )
    return int(db.session.scalars(query).one())
