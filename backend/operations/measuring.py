"""Measures the whole system at the moment of a scrape, in time and whatever is down."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from backend.core import workers
from backend.core.database import db
from backend.core.figures import JobFigures
from backend.core.logging import get_logger
from backend.core.queue import count_messages
from backend.core.transaction import transaction
from backend.generation import service as generation
from backend.generation.types import WorkFigures
from backend.library import service as library
from backend.operations.single_flight import SingleFlight

log = get_logger(__name__)

T = TypeVar("T")

OpenContext = Callable[[], AbstractContextManager[object]]
"""Opens a context of the Flask app, which scopes the database session."""

_WITHIN_S = 0.8
_STATEMENT_MS = 500


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """How much the living workers can do at once; how many the watchdogs have ended in 30 days, by reason."""

    places: int
    restarts: dict[str, int]


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """What the database knows."""

    work: WorkFigures
    reading: JobFigures
    workers: WorkerFigures


@dataclass(frozen=True, slots=True)
class Measurements:
    """All figures. None where a part is down, or did not answer in time."""

    database: DatabaseFigures | None
    messages: int | None


class Measuring:
    """Measures for one app, whose ``open_context`` it needs for the database session."""

    def __init__(self, open_context: OpenContext) -> None:
        self._open_context = open_context
        self._database: SingleFlight[DatabaseFigures] = SingleFlight()
        self._broker: SingleFlight[int | None] = SingleFlight()

    def measure(self) -> Measurements:
        """Ask the database and the broker at once, and wait for both less than a second. Never raises.

        The database is asked in a thread with a session of its own, which is over before anything is written to
        the one who asked: a slow reader holds no connection.
        """
        deadline = time.monotonic() + _WITHIN_S
        database = self._database.start(partial(_ask_database, self._open_context))
        broker = self._broker.start(count_messages)
        return Measurements(_wait("database", database, deadline), _wait("broker", broker, deadline))


def _wait(part: str, answer: "Future[T]", deadline: float) -> T | None:
    try:
        return answer.result(timeout=max(deadline - time.monotonic(), 0))
    except Exception as error:
        log.warning("operations.metrics.part_down", part=part, error=type(error).__name__)
        return None


def _ask_database(open_context: OpenContext) -> DatabaseFigures:
    with open_context(), transaction():
        db.session.execute(sa.text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
        return DatabaseFigures(
            work=generation.measure_work(),
            reading=library.measure_reading(),
            workers=WorkerFigures(workers.count_places(), workers.count_restarts()),
        )
