"""Measures the whole system at the moment of a scrape, in time and whatever is down."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.figures import JobFigures, measure_jobs
from backend.core.work.jobs import list_kinds
from backend.core.work.queue import count_messages
from backend.generation import service as generation
from backend.generation.types import WorkFigures

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
    jobs: dict[str, JobFigures]
    workers: WorkerFigures


@dataclass(frozen=True, slots=True)
class Measurements:
    """All figures. None where a part is down, or did not answer in time."""

    database: DatabaseFigures | None
    messages: int | None


class Measuring:
    """Measures for one app, whose ``open_context`` it needs for the database session."""

    def __init__(self, open_context: OpenContext) -> None:
        ask = partial(_ask_database, open_context)
        self._database: Probe[[], DatabaseFigures | None] = Probe("figures", ask, when_silent=None, wait_s=_WITHIN_S)
        self._broker: Probe[[], int | None] = Probe("messages", count_messages, when_silent=None, wait_s=_WITHIN_S)

    def measure(self) -> Measurements:
        """Ask the database and the broker at once, and wait for both less than a second. Never raises.

        The database is asked in a thread with a session of its own, which is over before anything is written to
        the one who asked: a slow reader holds no connection.
        """
        database, broker = self._database.ask(), self._broker.ask()
        return Measurements(database(), broker())


def _ask_database(open_context: OpenContext) -> DatabaseFigures:
    with open_context(), transaction():
        db.session.execute(sa.text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
        return DatabaseFigures(
            work=generation.measure_work(),
            jobs={kind.thing: measure_jobs(kind) for kind in list_kinds()},
            workers=WorkerFigures(workers.count_places(), workers.count_restarts()),
        )
