"""The holds of several runs at once, for lists of runs."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import CreditEntry, CreditHold
from backend.billing.types import Hold
from backend.core.database.database import db


def find_holds(run_ids: Sequence[UUID]) -> dict[UUID, Hold]:
    """Return the holds of runs by run; a run without one is left out."""
    captured = sa.func.coalesce(-sa.func.sum(CreditEntry.amount), 0)
    rows = db.session.execute(
        sa.select(CreditHold, captured)
        .outerjoin(CreditEntry, CreditEntry.hold_id == CreditHold.id)
        .where(CreditHold.run_id.in_(run_ids))
        .group_by(CreditHold.id)
        .execution_options(populate_existing=True)
    )
    return {
        hold.run_id: Hold(hold.id, hold.user_id, hold.run_id, hold.amount, int(taken), hold.closed_at is None)
        for hold, taken in rows
    }
