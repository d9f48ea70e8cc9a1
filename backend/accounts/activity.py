"""The activity history: what a user did and what was done for her."""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import Activity
from backend.accounts.types import ActivityKind
from backend.core.database import db
from backend.core.ids import new_id
from backend.core.pagination import Page, PageQuery, fetch_page


def record_activity(user_id: UUID, kind: ActivityKind, **data: object) -> None:
    """Add to the user's history, in the transaction of what happened. ``data`` is shown to her as it is."""
    db.session.add(Activity(id=new_id(), user_id=user_id, kind=kind, data=data))


def list_activities(user_id: UUID, page: PageQuery, kind: ActivityKind | None = None) -> Page[Activity]:
    """Return a page of the user's history, newest first; of one kind where one is named."""
    query = sa.select(Activity).where(Activity.user_id == user_id)
    if kind is not None:
        query = query.where(Activity.kind == kind)
    return fetch_page(query, Activity.id, page, newest_first=True)
