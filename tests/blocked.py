"""Transactions that wait for a lock, seen from outside."""

import sqlalchemy as sa

from tests.patience import wait_for

_COUNT = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wait_for_blocked(engine: sa.Engine, number: int = 1) -> None:
    """Wait until so many transactions of this database wait for a lock that somebody holds."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_for(f"{number} blocked transactions", lambda: connection.scalar(_COUNT) >= number)
