"""The activity log: what users did, and what was done on their behalf."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import Activity
from backend.accounts.types import ActivityKind
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import first_id_at, new_id
from backend.core.web.pagination import ListPage, PageQuery, fetch_page

# Covers a course of study. Payments are also recorded in the ledger.
_RETENTION = timedelta(days=730)
_BATCH = 10_000


def record_activity(user_id: UUID, kind: ActivityKind, **data: object) -> None:
    """Add an entry in the transaction of what happened. ``data`` is shown to the user unchanged.

    Does nothing for a user who is leaving: a trigger drops the row.
    """
    # A plain insert: the ORM treats a row that the trigger dropped as an error.
    db.session.execute(sa.insert(Activity).values(id=new_id(), user_id=user_id, kind=kind, data=data))


def list_activities(user_id: UUID, page: PageQuery, kind: ActivityKind | None = None) -> ListPage[Activity]:
    """Return a page of the user's activities, newest first, optionally of one kind."""
    query = sa.select(Activity).where(Activity.user_id == user_id)
    if kind is not None:
        query = query.where(Activity.kind == kind)
    return fetch_page(query, Activity.id, page, newest_first=True)


def forget_old_activities() -> int:
    """Delete one batch of activities older than two years. Returns the number of rows."""
    old = (
        sa.select(Activity.id).where(Activity.id < first_id_at(now() - _RETENTION)).order_by(Activity.id).limit(_BATCH)
    )
    gone = sa.delete(Activity).where(Activity.id.in_(old)).returning(Activity.id)
    return len(db.session.scalars(gone).all())
