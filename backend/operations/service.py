"""Business verbs of operations."""

import sqlalchemy as sa

from backend.core.database import db
from backend.core.logging import get_logger
from backend.core.queue import count_messages
from backend.core.transaction import transaction
from backend.operations.schemas import HealthAnswer
from backend.settings import get_settings

log = get_logger(__name__)

_CHECK_TIMEOUT_S = 0.5


def check_health() -> HealthAnswer:
    """Look at the database and the broker, each within half a second. Never raises."""
    database_up, queued = _database_up(), count_messages()
    up = "ok" if queued is not None else "degraded"
    return HealthAnswer(
        status=up if database_up else "unavailable",
        database="ok" if database_up else "down",
        broker="ok" if queued is not None else "down",
        queued_messages=queued,
        version=get_settings().app_version,
    )


def _database_up() -> bool:
    try:
        with transaction():
            db.session.execute(sa.text(f"SET LOCAL statement_timeout = {int(_CHECK_TIMEOUT_S * 1000)}"))
            db.session.execute(sa.select(1))
    except Exception as error:
        log.warning("operations.health.database_down", error=type(error).__name__)
        return False
    return True
