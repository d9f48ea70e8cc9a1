"""The health check: asks PostgreSQL and Redis."""

from functools import lru_cache, partial
from typing import Literal

import sqlalchemy as sa

from backend.core.database.database import LIMITS, LOST_HOST, set_limits, start_arguments
from backend.core.process.logging import get_logger
from backend.core.process.probe import Probe
from backend.core.work.queue import BrokerLook, broker_address, look_at_broker
from backend.operations.monitoring.schemas import HealthResponse
from backend.settings import get_settings

log = get_logger(__name__)

# libpq's minimum. The probe has already given up by then; this ends its thread.
_CONNECT_TIMEOUT_S = 2
_UNANSWERED_MS = 3000
_REMEMBERED_S = 1.0
# Short, because a container that is wrongly taken out of service serves nobody.
_ABANDON_S = 10.0


def check_health(database_url: str) -> HealthResponse:
    """Check the database and the broker concurrently, for at most 0.6 s. Never raises."""
    database, broker = _database_probe(database_url).ask(), _broker_probe(broker_address()).ask()
    is_up, (state, messages) = database(), broker()
    up: Literal["ok", "degraded"] = "ok" if state == "ok" else "degraded"
    return HealthResponse(
        status=up if is_up else "unavailable",
        database="ok" if is_up else "down",
        broker=state,
        queued_messages=None if messages is None else sum(messages.values()),
        queues=None if messages is None else {program.queue: count for program, count in messages.items()},
        version=get_settings().app_version,
    )


class _DatabaseCheck:
    """Checks the database over its own connection, which stays open.

    Its own, because the app's connections may all wait for a lock, which is no reason to take the process out of
    service. Open, so that a database that accepts no more connections does not count as down. It has the options of the
    app's connections, so that a pool that refuses those also refuses this one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.renew()

    def renew(self) -> None:
        """Abandon the old connection to its hanging thread. A new engine, because that thread may lock the old one."""
        self._engine = sa.create_engine(
            self._url,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                **LOST_HOST,
                **start_arguments(get_settings(), LIMITS),
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "tcp_user_timeout": _UNANSWERED_MS,
            },
        )
        set_limits(self._engine, get_settings(), LIMITS)

    def look(self) -> bool:
        """Return True, or raise."""
        with self._engine.connect() as connection:
            connection.execute(sa.select(1))
        return True


@lru_cache(maxsize=4)
def _database_probe(url: str) -> Probe[[], bool]:
    database = _DatabaseCheck(url)
    return Probe(
        "database",
        database.look,
        when_silent=False,
        remember_s=_REMEMBERED_S,
        abandon_s=_ABANDON_S,
        renew=database.renew,
    )


@lru_cache(maxsize=4)
def _broker_probe(url: str) -> Probe[[], BrokerLook]:
    look = partial(look_at_broker, url)
    silent = BrokerLook("down", None)
    return Probe("broker", look, when_silent=silent, remember_s=_REMEMBERED_S, abandon_s=_ABANDON_S)
