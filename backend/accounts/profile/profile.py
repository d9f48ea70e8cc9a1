"""The profile: what a user says of herself, and how she wants things."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import User
from backend.accounts.types import ExamDefaults
from backend.core.database.database import db
from backend.core.errors import NotFound


def get_profile(user_id: UUID, *, lock: bool = False) -> User:
    """Return the user's row, locked against concurrent changes if asked. Raises NotFound for one who is leaving."""
    # Who has begun to leave since her request was let in gets nothing new written into her row.
    query = sa.select(User).where(User.id == user_id, User.erasing_at.is_(None))
    user = db.session.scalar(query.with_for_update(key_share=True) if lock else query)
    if user is None:
        raise NotFound
    return user


def change_profile(user: User, changes: Mapping[str, Any]) -> None:
    """Set columns of a locked user's row."""
    for name, value in changes.items():
        setattr(user, name, value)
    db.session.flush()


def get_exam_defaults(user_id: UUID) -> ExamDefaults:
    """Return what the user wants of runs that do not say otherwise."""
    stored = db.session.scalar(sa.select(User.exam_defaults).where(User.id == user_id))
    return ExamDefaults.of(stored or {})
