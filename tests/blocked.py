"""Waits for transactions that are blocked by a lock, as another connection sees them."""

import sqlalchemy as sa

from tests.patience import wait_for

_COUNT = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wait_for_blocked(engine: sa.Engine, number: int = 1) -> None:
    """Wait until this many transactions of the database are blocked by a lock."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_for(f"{number} blocked transactions", lambda: connection.scalar(_COUNT) >= number)
