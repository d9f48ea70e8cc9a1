"""Business verbs of operations."""

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

# The least that libpq takes. A probe has given up by then; this ends its thread.
_CONNECT_TIMEOUT_S = 2
_UNANSWERED_MS = 3000
_REMEMBERED_S = 1.0
# Soon, since a container that is wrongly out of service answers nobody.
_ABANDON_S = 10.0


def check_health(database_url: str) -> HealthResponse:
    """Look at the database and the broker, both at once, for 0.6 s at the most. Never raises."""
    database, broker = _database_probe(database_url).ask(), _broker_probe(broker_address()).ask()
    is_up, (state, messages) = database(), broker()
    up: Literal["ok", "degraded"] = "ok" if state == "ok" else "degraded"
    return HealthResponse(
        status=up if is_up else "unavailable",
        database="ok" if is_up else "down",
        broker=state,
        queued_messages=messages,
        version=get_settings().app_version,
    )


class _DatabaseLook:
    """A connection of the probe's own, kept open.

    Those of the app may all be waiting for a lock, which is no reason to be taken out of service. Kept open, so that
    a database that takes no further connections is not said to be down. It begins as the app's connections do, so
    that what refuses those refuses this one.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.renew()

    def renew(self) -> None:
        """Leave the connection to whoever hangs on it. A new engine, as the old one's first connection locks it."""
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
    database = _DatabaseLook(url)
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
