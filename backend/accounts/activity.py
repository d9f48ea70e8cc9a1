"""The activity history: what a user did and what was done for her."""

from uuid import UUID

from backend.accounts.models import Activity
from backend.accounts.types import ActivityKind
from backend.core.database import db
from backend.core.ids import new_id


def record_activity(user_id: UUID, kind: ActivityKind, **data: object) -> None:
    """Add to the user's history, in the transaction of what happened. ``data`` is shown to her as it is."""
    db.session.add(Activity(id=new_id(), user_id=user_id, kind=kind, data=data))
