"""What one user may have of something scarce: measured under a lock, so that two requests cannot both take the rest."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.hashing import lock_number


def try_turn(name: str, user_id: UUID) -> bool:
    """Take the user's only turn at something until the transaction ends. Returns False when they have it already."""
    number = lock_number("turn", name, user_id)
    return bool(db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(number))))


def lock_quota(name: str, user_id: UUID) -> None:
    """Let no other transaction take of this quota of the user until this one has ended. Measure after it.

    Take it late, since it is held until the commit, and one quota in a transaction, so that no two wait for each
    other. It is a lock of its own and not the user's row, which other requests have reasons to lock.
    """
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_number("quota", name, user_id))))
