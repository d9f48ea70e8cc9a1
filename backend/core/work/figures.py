"""Figures of a table of work: what waits, what is worked on, and how what ended lately has ended.

Each query reads a partial index of open rows or a range of an index by time, so it stays cheap however many rows
there ever were.
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
"""How far back figures look at what has ended."""

PERCENTILES = (50, 95, 100)

_OPEN = (JobState.QUEUED, JobState.RUNNING)
# A kind of work whose rows are all alike.
_ONE_LABEL: tuple[sa.ColumnElement[str], tuple[str, ...]] = (sa.literal_column("'all'::text", sa.String), ("all",))


@dataclass(frozen=True, slots=True)
class OpenFigure:
    """How many rows of a kind are in an open state; a figure of 0 is there too."""

    kind: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class EndedFigure:
    """How many rows of a kind have ended like this lately; ``seconds`` they took, by percentile."""

    kind: str
    state: str
    error_code: str | None
    count: int
    seconds: dict[int, float]


@dataclass(frozen=True, slots=True)
class JobFigures:
    """Figures of one table of work. ``oldest_due_s``: how long the longest waiting row has been due; 0 when none is."""

    open: tuple[OpenFigure, ...]
    ended: tuple[EndedFigure, ...]
    oldest_due_s: float


def measure_jobs(kind: JobKind) -> JobFigures:
    """Return the figures of one kind of leased work, by its labels. Needs a transaction."""
    model, (label, values) = kind.model, kind.labels or _ONE_LABEL
    moment = database_now()
    due = sa.and_(model.state == JobState.QUEUED, model.available_at <= moment)
    age_s = sa.extract("epoch", moment - sa.func.min(model.available_at).filter(due))
    rows = db.session.execute(
        sa.select(label, model.state, sa.func.count(), age_s).where(model.state.in_(_OPEN)).group_by(label, model.state)
    ).all()
    counts = {(name, state): count for name, state, count, _ in rows}
    return JobFigures(
        open=tuple(OpenFigure(name, state, counts.get((name, state), 0)) for name in values for state in _OPEN),
        ended=measure_ended(label, model.state, model.error_code, model.started_at, model.ended_at),
        oldest_due_s=max((float(age) for *_, age in rows if age is not None), default=0.0),
    )


def measure_ended(
    kind: sa.ColumnElement[str] | InstrumentedAttribute[str],
    state: InstrumentedAttribute[str],
    error_code: InstrumentedAttribute[str | None],
    started_at: InstrumentedAttribute[Any],
    ended_at: InstrumentedAttribute[Any],
) -> tuple[EndedFigure, ...]:
    """Return what has ended in the last hour, by kind, end and error code. Needs a transaction."""
    taken_s = sa.extract("epoch", ended_at - started_at)
    fractions = sa.cast([percentile / 100 for percentile in PERCENTILES], sa.ARRAY(sa.Float))
    percentiles = sa.func.percentile_cont(fractions).within_group(taken_s)
    # now() and not the clock that moves on: only a constant lets PostgreSQL read a range of the index.
    rows = db.session.execute(
        sa.select(kind, state, error_code, sa.func.count(), percentiles)
        .where(ended_at > sa.func.now() - LATELY)
        .group_by(kind, state, error_code)
    )
    return tuple(
        # Rows that were cancelled before they began have taken no time, and have no percentiles.
        EndedFigure(
            name,
            end,
            code,
            count,
            {p: float(value) for p, value in zip(PERCENTILES, values or (), strict=False) if value is not None},
        )
        for name, end, code, count, values in rows
    )
