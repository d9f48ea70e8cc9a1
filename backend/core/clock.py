"""The one place that reads the wall clock. Leases are timed by PostgreSQL's clock instead (see ``jobs``)."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC, aware."""
    return datetime.now(UTC)
