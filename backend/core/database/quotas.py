"""Locks for quotas: usage is measured under a lock, so that two requests cannot both take the last of it."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.hashing import lock_number


def try_turn(name: str, user_id: UUID) -> bool:
    """Take the user's single turn at something until the transaction ends. Returns False if it is already taken."""
    number = lock_number("turn", name, user_id)
    return bool(db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(number))))


def lock_quota(name: str, user_id: UUID) -> None:
    """Lock this quota of the user until the transaction ends. Measure the usage afterwards.

    Lock late, because the lock is held until the commit. Lock only one quota per transaction, so that no two
    transactions wait for each other. It is an advisory lock because other requests lock the user's row for other
    reasons.
    """
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_number("quota", name, user_id))))
