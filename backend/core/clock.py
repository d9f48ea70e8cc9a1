"""The clocks. Rows that processes compare use PostgreSQL's; everything else uses this machine's wall clock."""

from datetime import UTC, datetime

import sqlalchemy as sa

from backend.core.database.database import db


def now() -> datetime:
    """Return the current time of this machine in UTC, aware."""
    return datetime.now(UTC)


def database_now() -> sa.Function[datetime]:
    """Return PostgreSQL's clock, as an expression. It moves on within a transaction, unlike SQL's ``now()``."""
    return sa.func.clock_timestamp()


def read_database_clock() -> datetime:
    """Return the time of PostgreSQL's clock. Needs a transaction."""
    return db.session.scalars(sa.select(database_now())).one()
