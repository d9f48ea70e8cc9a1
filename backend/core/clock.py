"""The clocks. Times that several processes compare come from PostgreSQL; all others from this machine's wall clock."""

from datetime import UTC, datetime

import sqlalchemy as sa

from backend.core.database.database import db


def now() -> datetime:
    """Return the current time of this machine in UTC, aware."""
    return datetime.now(UTC)


def database_now() -> sa.Function[datetime]:
    """Return PostgreSQL's clock as an SQL expression. Unlike SQL's ``now()``, it advances within a transaction."""
    return sa.func.clock_timestamp()


def read_database_clock() -> datetime:
    """Return PostgreSQL's current time. Needs a transaction."""
    return db.session.scalars(sa.select(database_now())).one()
