"""When a user is let in, has an address, and one of her keys is good: one condition each, for all who ask."""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import ApiKey, User
from backend.core.clock import database_now
from backend.core.database.database import db


def is_let_in() -> sa.ColumnElement[bool]:
    """Return the condition under which a user is let in: neither disabled nor leaving."""
    return sa.and_(User.disabled_at.is_(None), User.erasing_at.is_(None))


def has_verified_email(email: str) -> sa.ColumnElement[bool]:
    """Return the condition under which a user has this verified address, upper and lower case alike.

    Nobody has one with letters beyond ASCII, where different letters become the same in lower case.
    """
    if not email.isascii():
        return sa.false()
    return sa.and_(sa.func.lower(User.email) == email.lower(), User.email_verified)


def key_lives() -> sa.ColumnElement[bool]:
    """Return the condition under which an API key is neither revoked nor expired."""
    return sa.and_(ApiKey.revoked_at.is_(None), sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > database_now()))


def hold_let_in(user_id: UUID | None) -> bool:
    """Tell whether the user is let in; if so, she is until the transaction ends.

    Comes before the locks of her codes and sessions: whoever shuts her out locks her row first, and these after it.
    """
    held = sa.select(User.id).where(User.id == user_id, is_let_in()).with_for_update(read=True)
    return db.session.scalar(held) is not None
