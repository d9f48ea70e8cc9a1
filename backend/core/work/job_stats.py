"""Statistics of a job table: queued and running rows, and the outcomes of rows that ended recently.

Each query reads a partial index of open rows, or a time range of an index, so its cost does not grow with the table.
"""

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


def measure_jobs(kind: JobKind) -> JobStats:
    """Return the statistics of one kind of job, by its labels. Needs a transaction."""
    model, (label, values) = kind.model, kind.labels or _ONE_LABEL
    moment = database_now()
    due = sa.and_(model.state == JobState.QUEUED, model.available_at <= moment, kind.in_turn(model))
    age_s = sa.extract("epoch", moment - sa.func.min(model.available_at).filter(due))
    rows = db.session.execute(
        sa.select(label, model.state, sa.func.count(), age_s).where(model.state.in_(_OPEN)).group_by(label, model.state)
    ).all()
    counts = {(name, state): count for name, state, count, _ in rows}
    return JobStats(
        open=tuple(OpenStats(name, state, counts.get((name, state), 0)) for name in values for state in _OPEN),
        ended=measure_ended(label, model.state, model.error_code, model.started_at, model.ended_at),
        oldest_due_s=max((float(age) for *_, age in rows if age is not None), default=0.0),
    )


def measure_ended(
    kind: sa.ColumnElement[str] | InstrumentedAttribute[str],
    state: InstrumentedAttribute[str],
    error_code: InstrumentedAttribute[str | None],
    started_at: InstrumentedAttribute[Any],
    ended_at: InstrumentedAttribute[Any],
) -> tuple[EndedStats, ...]:
    """Return the statistics of rows that ended in the last hour, by kind, state and error code. Needs a transaction."""
    taken_s = sa.extract("epoch", ended_at - started_at)
    fractions = sa.cast([percentile / 100 for percentile in PERCENTILES], sa.ARRAY(sa.Float))
    percentiles = sa.func.percentile_cont(fractions).within_group(taken_s)
    # now() instead of clock_timestamp(): PostgreSQL needs a constant to read only a range of the index.
    rows = db.session.execute(
        sa.select(kind, state, error_code, sa.func.count(), percentiles)
        .where(ended_at > sa.func.now() - LATELY)
        .group_by(kind, state, error_code)
    )
    return tuple(
        # Rows cancelled before they started have no duration, so no percentiles.
        EndedStats(
            name,
            end,
            code,
            count,
            {p: float(value) for p, value in zip(PERCENTILES, values or (), strict=False) if value is not None},
        )
        for name, end, code, count, values in rows
    )
