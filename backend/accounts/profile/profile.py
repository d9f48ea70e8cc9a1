"""Reading and changing the user's profile and exam defaults."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import User
from backend.accounts.types import Contact, ExamDefaults
from backend.core.database.database import db
from backend.core.errors import NotFound


def get_profile(user_id: UUID, *, lock: bool = False) -> User:
    """Return the user's row, optionally locked. Raises NotFound, also for a user who is leaving."""
    # A user may have started leaving after the request was authenticated; their row must not be filled again.
    query = sa.select(User).where(User.id == user_id, User.erasing_at.is_(None))
    user = db.session.scalar(query.with_for_update(key_share=True) if lock else query)
    if user is None:
        raise NotFound
    return user


def get_contact(user_id: UUID) -> Contact:
    """Return how to address the user. Raises NotFound, also for a user who is leaving."""
    user = get_profile(user_id)
    return Contact(user.email if user.email_verified else None, user.name, user.language)


def change_profile(user: User, changes: Mapping[str, Any]) -> None:
    """Set columns on the user's row. The row must be locked."""
    for name, value in changes.items():
        setattr(user, name, value)
    db.session.flush()


def get_exam_defaults(user_id: UUID) -> ExamDefaults:
    stored = db.session.scalar(sa.select(User.exam_defaults).where(User.id == user_id))
    return ExamDefaults.of(stored or {})
