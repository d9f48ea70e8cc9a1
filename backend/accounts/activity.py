"""The activity history: what a user did and what was done for her."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import Activity
from backend.accounts.types import ActivityKind
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import first_id_at, new_id
from backend.core.web.pagination import ListPage, PageQuery, fetch_page

# Long enough to look back on a course of study; a payment is told by the ledger besides.
KEPT = timedelta(days=730)
_BATCH = 10_000


def record_activity(user_id: UUID, kind: ActivityKind, **data: object) -> None:
    """Add to the user's history, in the transaction of what happened. ``data`` is shown to her as it is.

    Nothing is added for a user who is leaving: a trigger drops the row.
    """
    # Not by the session, which takes a row that was dropped for an error.
    db.session.execute(sa.insert(Activity).values(id=new_id(), user_id=user_id, kind=kind, data=data))


def list_activities(user_id: UUID, page: PageQuery, kind: ActivityKind | None = None) -> ListPage[Activity]:
    """Return a page of the user's history, newest first; of one kind where one is named."""
    query = sa.select(Activity).where(Activity.user_id == user_id)
    if kind is not None:
        query = query.where(Activity.kind == kind)
    return fetch_page(query, Activity.id, page, newest_first=True)


def forget_old_activities() -> int:
    """Delete what happened over two years ago, some of it if it is much. Returns how many rows."""
    old = sa.select(Activity.id).where(Activity.id < first_id_at(now() - KEPT)).order_by(Activity.id).limit(_BATCH)
    gone = sa.delete(Activity).where(Activity.id.in_(old)).returning(Activity.id)
    return len(db.session.scalars(gone).all())
