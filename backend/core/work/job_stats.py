"""Statistics of a job table: queued and running rows, and the outcomes of rows that ended recently.

Each query reads a partial index of open rows, or a time range of an index, so its cost does not grow with the table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.work.jobs import JobKind, JobState

LATELY = timedelta(hours=1)
"""How far back statistics of ended rows go."""

PERCENTILES = (50, 95, 100)

_OPEN = (JobState.QUEUED, JobState.RUNNING)
# For kinds of work that do not distinguish their rows.
_ONE_LABEL: tuple[sa.ColumnElement[str], tuple[str, ...]] = (sa.literal_column("'all'::text", sa.String), ("all",))


@dataclass(frozen=True, slots=True)
class OpenStats:
    """The number of rows of a kind in an open state, including 0."""

    kind: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class EndedStats:
    """The number of rows of a kind that ended recently with this outcome, and their durations by percentile."""

    kind: str
    state: str
    error_code: str | None
    count: int
    seconds: dict[int, float]


@dataclass(frozen=True, slots=True)
class JobStats:
    """Statistics of one job table.

    ``oldest_due_s`` is how long the oldest row that only needs a worker has been due; 0 if there is none.
    """

    open: tuple[OpenStats, ...]
    ended: tuple[EndedStats, ...]
    oldest_due_s: float


def measure_jobs(kinds: Iterable[JobKind]) -> dict[str, JobStats]:
    """Return the statistics of each kind of job by ``thing``: two queries for all kinds. Needs a transaction."""
    kinds = tuple(kinds)
    opened = _fetch_by_thing((kind, _select_open(kind)) for kind in kinds)
    ended = _fetch_by_thing((kind, _select_ended(*_ended_columns(kind))) for kind in kinds)
    return {kind.thing: _to_stats(kind, opened[kind.thing], ended[kind.thing]) for kind in kinds}


def measure_ended(
    kind: sa.ColumnElement[str] | InstrumentedAttribute[str],
    state: InstrumentedAttribute[str],
    error_code: InstrumentedAttribute[str | None],
    started_at: InstrumentedAttribute[Any],
    ended_at: InstrumentedAttribute[Any],
) -> tuple[EndedStats, ...]:
    """Return the statistics of rows that ended in the last hour, by kind, state and error code. Needs a transaction."""
    rows = db.session.execute(_select_ended(kind, state, error_code, started_at, ended_at))
    return tuple(_to_ended(*row) for row in rows)


def _fetch_by_thing(selects: Iterable[tuple[JobKind, sa.Select[Any]]]) -> dict[str, list[Any]]:
    """Return the rows of all selects, by the kind that each select is for."""
    query = sa.union_all(*(select.add_columns(sa.literal(kind.thing)) for kind, select in selects))
    by_thing: dict[str, list[Any]] = defaultdict(list)
    for *row, thing in db.session.execute(query):
        by_thing[thing].append(row)
    return by_thing


def _select_open(kind: JobKind) -> sa.Select[Any]:
    model = kind.model
    label: Any = (kind.labels or _ONE_LABEL)[0]
    moment = database_now()
    due = sa.and_(model.state == JobState.QUEUED, model.available_at <= moment, kind.in_turn(model))
    age_s = sa.extract("epoch", moment - sa.func.min(model.available_at).filter(due))
    return (
        sa.select(label, model.state, sa.func.count(), age_s).where(model.state.in_(_OPEN)).group_by(label, model.state)
    )


def _ended_columns(kind: JobKind) -> tuple[Any, ...]:
    model, (label, _) = kind.model, kind.labels or _ONE_LABEL
    return label, model.state, model.error_code, model.started_at, model.ended_at


def _select_ended(kind: Any, state: Any, error_code: Any, started_at: Any, ended_at: Any) -> sa.Select[Any]:
    taken_s = sa.extract("epoch", ended_at - started_at)
    fractions = sa.cast([percentile / 100 for percentile in PERCENTILES], sa.ARRAY(sa.Float))
    percentiles = sa.func.percentile_cont(fractions).within_group(taken_s)
    # now() instead of clock_timestamp(): PostgreSQL needs a constant to read only a range of the index.
    return (
        sa.select(kind, state, error_code, sa.func.count(), percentiles)
        .where(ended_at > sa.func.now() - LATELY)
        .group_by(kind, state, error_code)
    )


def _to_stats(kind: JobKind, opened: list[Any], ended: list[Any]) -> JobStats:
    _, values = kind.labels or _ONE_LABEL
    counts = {(name, state): count for name, state, count, _ in opened}
    return JobStats(
        open=tuple(OpenStats(name, state, counts.get((name, state), 0)) for name in values for state in _OPEN),
        ended=tuple(_to_ended(*row) for row in ended),
        oldest_due_s=max((float(age) for *_, age in opened if age is not None), default=0.0),
    )


def _to_ended(name: str, state: str, code: str | None, count: int, values: Sequence[Any] | None) -> EndedStats:
    # Rows cancelled before they started have no duration, so no percentiles.
    measured = zip(PERCENTILES, values or (), strict=False)
    return EndedStats(name, state, code, count, {p: float(value) for p, value in measured if value is not None})
