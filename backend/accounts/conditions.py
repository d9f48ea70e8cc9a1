"""Shared SQL conditions: active users, verified addresses, valid API keys."""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import ApiKey, User
from backend.core.clock import database_now
from backend.core.database.database import db


def is_let_in() -> sa.ColumnElement[bool]:
    """Condition for an active user: neither disabled nor leaving."""
    return sa.and_(User.disabled_at.is_(None), User.erasing_at.is_(None))


def has_verified_email(email: str) -> sa.ColumnElement[bool]:
    """Condition for a user with this verified address, ignoring case.

    Never true for a non-ASCII address, because different letters may collide once lowercased.
    """
    if not email.isascii():
        return sa.false()
    return sa.and_(sa.func.lower(User.email) == email.lower(), User.email_verified)


def key_lives() -> sa.ColumnElement[bool]:
    """Condition for an API key that is neither revoked nor expired."""
    return sa.and_(ApiKey.revoked_at.is_(None), sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > database_now()))


def hold_let_in(user_id: UUID | None) -> bool:
    """Tell whether the user is active, and lock the row so that an active user stays so until the transaction ends.

    Call it before locking the user's codes and sessions: disabling and deletion lock the user first, then these.
    """
    held = sa.select(User.id).where(User.id == user_id, is_let_in()).with_for_update(read=True)
    return db.session.scalar(held) is not None
