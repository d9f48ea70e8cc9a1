"""Records what calls of a language model used and cost."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.database.database import db
from backend.core.ids import new_id
from backend.generation.charging.free_cost import find_free_cost
from backend.generation.charging.missing_usage import report_missing_usage
from backend.generation.charging.prices import prices_to_record
from backend.generation.language_models.interface import Usage
from backend.generation.models import ModelCall, Run


@dataclass(frozen=True, slots=True)
class Caller:
    """The attempt for which a call was made, with what is needed to record it even if its run is deleted meanwhile."""

    run_id: UUID
    step_id: UUID
    attempt: int
    user_id: UUID
    price_list: str | None


def caller_for(run: Run, step_id: UUID, attempt: int) -> Caller:
    return Caller(run.id, step_id, attempt, run.user_id, run.price_list)


@dataclass(frozen=True, slots=True)
class Used:
    """One use of a language model; ``outcome`` is ``ok`` or an error code."""

    model: str
    outcome: str
    usage: Usage
    duration_ms: int


def note_use(caller: Caller, used: Used) -> None:
    """Record the usage and the cost of a call; repeated calls record it once.

    It locks neither the run nor the step, and is kept even if they were deleted meanwhile, because it was paid for.
    """
    prices = prices_to_record(caller.price_list)
    if used.outcome == "ok":
        report_missing_usage(prices, used.usage)
    cost = prices.cost(used.usage)
    db.session.execute(
        insert(ModelCall)
        .values(
            id=new_id(),
            user_id=caller.user_id,
            run_id=caller.run_id,
            step_id=caller.step_id,
            attempt=caller.attempt,
            model=used.model,
            outcome=used.outcome,
            requests=used.usage.calls,
            input_tokens=used.usage.input_tokens,
            cached_tokens=used.usage.cached_tokens,
            cache_write_tokens=used.usage.cache_write_tokens,
            output_tokens=used.usage.output_tokens,
            reasoning_tokens=used.usage.reasoning_tokens,
            duration_ms=used.duration_ms,
            price_list=None if cost is None else prices.stored_list,
            cost_usd=None if cost is None else cost.usd,
            cost_chf=None if cost is None else cost.chf,
            price_credits=None if cost is None else cost.credits,
            free_cost_chf=find_free_cost(caller.run_id, prices, cost),
        )
        .on_conflict_do_nothing()
    )


def note_unusable(step_id: UUID, attempt: int, outcome: str) -> None:
    """Record that the reply of a call turned out to be of no use."""
    this = (ModelCall.step_id == step_id, ModelCall.attempt == attempt, ModelCall.outcome == "ok")
    changed = sa.update(ModelCall).where(*this).values(outcome=outcome)
    db.session.execute(changed.execution_options(synchronize_session=False))
