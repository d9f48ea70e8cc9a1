"""Statistics of the whole system for a scrape, within a time limit even if the database or the broker is down."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from backend.billing import service as billing
from backend.billing.types import LedgerCheck
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.probe import Probe
from backend.core.work import workers
from backend.core.work.job_stats import JobStats, measure_jobs
from backend.core.work.jobs import list_kinds
from backend.core.work.programs import Program
from backend.core.work.queue import Messages, count_messages
from backend.generation import service as generation
from backend.generation.types import WorkStats

OpenContext = Callable[[], AbstractContextManager[object]]
"""Opens a context of the Flask app, which the database session needs."""

_WITHIN_S = 0.8
_STATEMENT_MS = 500


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """Capacity of the living workers by program, and restarts by watchdogs in the last 30 days by reason."""

    places: dict[Program, int]
    restarts: dict[str, int]


@dataclass(frozen=True, slots=True)
class DatabaseStats:
    """Statistics read from the database."""

    work: WorkStats
    jobs: dict[str, JobStats]
    workers: WorkerStats
    ledger: LedgerCheck | None
    free_budget: billing.FreeBudget
    unhandled_events: int


@dataclass(frozen=True, slots=True)
class Measurements:
    """All statistics. A part is None if its source is down or did not answer in time."""

    database: DatabaseStats | None
    messages: Messages | None


class Measurer:
    """Collects the statistics for one app. ``open_context`` is the app's."""

    def __init__(self, open_context: OpenContext) -> None:
        ask = partial(_ask_database, open_context)
        self._database: Probe[[], DatabaseStats | None] = Probe("figures", ask, when_silent=None, wait_s=_WITHIN_S)
        self._broker: Probe[[], Messages | None] = Probe("messages", count_messages, when_silent=None, wait_s=_WITHIN_S)

    def measure(self) -> Measurements:
        """Ask the database and the broker concurrently, and wait less than a second. Never raises.

        A thread asks the database in its own session, which has ended before the response is sent. So a slow reader
        holds no connection.
        """
        database, broker = self._database.ask(), self._broker.ask()
        return Measurements(database(), broker())


def _ask_database(open_context: OpenContext) -> DatabaseStats:
    with open_context(), transaction():
        db.session.execute(sa.text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
        return DatabaseStats(
            work=generation.measure_work(),
            jobs=measure_jobs(list_kinds()),
            workers=WorkerStats(workers.count_places_of_programs(), workers.count_restarts()),
            ledger=billing.measure_ledger(),
            free_budget=billing.measure_free_budget(generation.free_cost_today()),
            unhandled_events=billing.count_unhandled_events(),
        )
