"""Statistics of runs and model calls, for operators."""

import sqlalchemy as sa

from backend.core.clock import database_now, now
from backend.core.database.database import db
from backend.core.ids import first_id_at
from backend.core.work.job_stats import LATELY, measure_ended
from backend.generation.models import USAGE_COLUMNS, ModelCall, Run
from backend.generation.types import ENDED_STATES, CallStats, RunState, RunStats, WorkStats


def measure_work() -> WorkStats:
    """Return statistics of open runs and of the last hour. Needs a transaction."""
    return WorkStats(runs=_measure_runs(), calls=_measure_calls())


def _measure_runs() -> RunStats:
    rows = db.session.execute(
        sa.select(Run.state, sa.func.count(), sa.extract("epoch", database_now() - sa.func.min(Run.created_at)))
        .where(Run.ended_at.is_(None))
        .group_by(Run.state)
    ).all()
    counts = {state: count for state, count, _ in rows}
    return RunStats(
        open={state.value: counts.get(state, 0) for state in RunState if state not in ENDED_STATES},
        ended=measure_ended(Run.model, Run.state, Run.error_code, Run.created_at, Run.ended_at),
        oldest_open_s=max((float(age) for *_, age in rows), default=0.0),
    )


def _measure_calls() -> tuple[CallStats, ...]:
    # Ids sort by time, so the primary key replaces an index on the creation time.
    first = first_id_at(now() - LATELY)
    cost_usd = sa.cast(sa.func.coalesce(sa.func.sum(ModelCall.cost_usd), 0), sa.Double)
    sums = (sa.func.sum(column) for column in USAGE_COLUMNS)
    rows = db.session.execute(
        sa.select(ModelCall.model, ModelCall.outcome, sa.func.count(), cost_usd, *sums)
        .where(ModelCall.id >= first)
        .group_by(ModelCall.model, ModelCall.outcome)
    )
    return tuple(CallStats(model, outcome, count, cost, *map(int, used)) for model, outcome, count, cost, *used in rows)
