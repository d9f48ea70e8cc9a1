"""A limit to the work that a user throws away: unpaid calls of runs that they cancelled or deleted.

Such calls are ours, because nothing was delivered, and no hold bounds what they cost if runs are started over and over.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import first_id_at
from backend.generation.errors import TooMuchDiscardedWork
from backend.generation.models import ModelCall, Run
from backend.generation.types import RunState

MOST_DISCARDED_CREDITS = 2_000
"""In 24 hours. These are dozens of sections, so nobody reaches it by changing their mind. They cost us half a franc."""

_DAY = timedelta(hours=24)


def refuse_discarding(user_id: UUID) -> None:
    """Raise TooMuchDiscardedWork if the user threw away too much in the last 24 hours."""
    # Ids sort by time, so the primary key replaces an index on the creation time.
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(ModelCall.price_credits - ModelCall.charged_credits), 0))
        .outerjoin(Run, Run.id == ModelCall.run_id)
        .where(
            ModelCall.user_id == user_id,
            ModelCall.id >= first_id_at(now() - _DAY),
            sa.or_(Run.id.is_(None), Run.state.in_((RunState.CANCELLING, RunState.CANCELLED))),
        )
    )
    if (db.session.scalar(query) or 0) > MOST_DISCARDED_CREDITS:
        raise TooMuchDiscardedWork
