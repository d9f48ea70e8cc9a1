"""Business verbs of operations."""

import signal
import threading

import sqlalchemy as sa
from flask import current_app

from backend.core.database import db
from backend.core.logging import get_logger
from backend.core.queue import count_messages
from backend.core.sweep import sweep
from backend.core.transaction import transaction
from backend.operations.housekeeping import keep_house
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


def sweep_forever() -> None:
    """Sweep until SIGTERM or SIGINT. A failing sweep is logged and tried again after the next pause."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rounds = 0
    while not stop.wait(get_settings().sweep_interval_s):
        rounds += 1
        try:
            done = sweep()
            keep_house(rounds)
        except Exception:
            log.exception("operations.sweep.failed")
            continue
        if done and (done.sent or done.taken_back):
            log.info("operations.sweep.done", sent=done.sent, taken_back=done.taken_back, given_up=done.given_up)
    log.info("operations.sweep.stopped", app=current_app.name)
