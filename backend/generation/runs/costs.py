"""What runs and model calls cost us and earned, for administrators. Rows of calls outlive their runs and users.

Nothing here checks permissions: the administration room does, and records the view.
"""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from backend.billing import service as billing
from backend.billing.types import RunCharge
from backend.core.database.database import db
from backend.core.database.swiss_days import day_of, is_between, may_be_between
from backend.core.errors import NotFound
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.generation.models import ModelCall, Run
from backend.generation.types import DayUsage, RunCost, RunState

_FIGURES: tuple[sa.ColumnElement[Any], ...] = (
    sa.func.count().label("calls"),
    sa.func.sum(ModelCall.input_tokens).label("input_tokens"),
    sa.func.sum(ModelCall.cached_tokens).label("cached_tokens"),
    sa.func.sum(ModelCall.cache_write_tokens).label("cache_write_tokens"),
    sa.func.sum(ModelCall.output_tokens).label("output_tokens"),
    sa.func.coalesce(sa.func.sum(ModelCall.cost_chf), 0).label("cost_chf"),
    sa.func.coalesce(sa.func.sum(ModelCall.price_credits), 0).label("price_credits"),
    sa.func.sum(ModelCall.charged_credits).label("charged_credits"),
    sa.func.count().filter(ModelCall.cost_chf.is_(None)).label("unpriced_calls"),
)


def measure_usage(first: date, last: date) -> list[DayUsage]:
    """Return the usage of each day and model, both ends included, in Swiss time. Days without any are left out."""
    day = day_of(ModelCall.created_at)
    rows = db.session.execute(
        sa.select(day.label("day"), ModelCall.model, *_FIGURES)
        .where(is_between(ModelCall.created_at, first, last), may_be_between(ModelCall.id, first, last))
        .group_by(day, ModelCall.model)
        .order_by(day, ModelCall.model)
    )
    return [DayUsage(day=row.day, model=row.model, **_figures_of(row)) for row in rows]


def list_run_costs(page: PageQuery) -> ListPage[RunCost]:
    """Return a page of runs that called the language model, newest first. Raises InvalidCursor."""
    calls = sa.select(ModelCall).ext(distinct_on(ModelCall.run_id))
    found = fetch_page(calls, ModelCall.run_id, page, newest_first=True)
    costs = _measure_runs([call.run_id for call in found.items])
    return ListPage([costs[call.run_id] for call in found.items], found.next_cursor)


def get_run_cost(run_id: UUID) -> RunCost:
    """Return the cost of a run, which may have been deleted. Raises NotFound."""
    found = _measure_runs([run_id]).get(run_id)
    if found is not None:
        return found
    run = db.session.get(Run, run_id)
    if run is None:
        raise NotFound
    charge = billing.list_charges([run_id]).get(run_id, RunCharge())
    return RunCost(run_id=run_id, user_id=run.user_id, state=RunState(run.state), model=run.model, charge=charge)


def _measure_runs(run_ids: Collection[UUID]) -> dict[UUID, RunCost]:
    rows = db.session.execute(
        sa.select(
            ModelCall.run_id,
            # All calls of a run have its user and, today, its model.
            sa.func.max(sa.cast(ModelCall.user_id, sa.Text)).label("user_id"),
            sa.func.max(ModelCall.model).label("model"),
            sa.func.max(Run.state).label("state"),
            *_FIGURES,
        )
        .outerjoin(Run, Run.id == ModelCall.run_id)
        .where(ModelCall.run_id.in_(run_ids))
        .group_by(ModelCall.run_id)
    ).all()
    charges = billing.list_charges(run_ids)
    return {
        row.run_id: RunCost(
            run_id=row.run_id,
            user_id=UUID(row.user_id) if row.user_id else None,
            state=RunState(row.state) if row.state else None,
            model=row.model,
            charge=charges.get(row.run_id, RunCharge()),
            **_figures_of(row),
        )
        for row in rows
    }


def _figures_of(row: Any) -> dict[str, Any]:
    return {
        "calls": row.calls,
        "unpriced_calls": row.unpriced_calls,
        "input_tokens": int(row.input_tokens),
        "cached_tokens": int(row.cached_tokens),
        "cache_write_tokens": int(row.cache_write_tokens),
        "output_tokens": int(row.output_tokens),
        "cost_chf": Decimal(row.cost_chf),
        "price_credits": Decimal(row.price_credits),
        "charged_credits": Decimal(row.charged_credits),
    }
