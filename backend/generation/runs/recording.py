"""Records the outcome of a step. Locks the study set, the run and the step in this order (docs/architecture.md)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing import service as billing
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, LeaseLost
from backend.generation.charging import bookings
from backend.generation.charging.free_cost import find_free_cost
from backend.generation.charging.missing_usage import report_missing_usage
from backend.generation.charging.prices import prices_to_record
from backend.generation.charging.rule import Outcome
from backend.generation.checks.section import CheckedReply
from backend.generation.language_models.interface import ConnectReply, SectionReply, SectionRequest, Usage
from backend.generation.models import ModelCall, Run, Step
from backend.generation.runs.events import add_event
from backend.generation.runs.planning import advance, lock_run, plan, split_step, stop_run
from backend.generation.sections.cutting import Section, split_section
from backend.generation.types import ACTIVE_STATES, FREE_BUDGET, RunState, StepKind
from backend.library import service as library
from backend.library.types import PageText
from backend.study import service as study
from backend.study.types import AddedItems, Counts, NewTopic

log = get_logger(__name__)

_MAX_SPLIT_DEPTH = 4
# These end the run immediately, because every other section would fail too.
_ENDS_RUN = frozenset({"quota_exhausted", "misconfigured"})


@dataclass(frozen=True, slots=True)
class Call:
    """One use of the language model by a step; ``outcome`` is ``ok`` or an error code."""

    model: str
    outcome: str
    usage: Usage
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Caller:
    """The step that makes calls, with what is needed to record them even if its run is deleted meanwhile."""

    run_id: UUID
    user_id: UUID
    price_list: str | None


@dataclass(frozen=True, slots=True)
class SectionWork:
    """The input of a claimed section step. ``pages`` are whole; those of the request are cut to the section."""

    run_id: UUID
    section: Section
    pages: tuple[PageText, ...]
    request: SectionRequest


def record_plan(held: Claim, run_id: UUID) -> None:
    """Record the sections of a run, reserve its credits, and queue the first sections.

    Raises LeaseLost, InsufficientCredits, SpendingFrozen, ModelNotPriced, FreeBudgetUsedUp.
    """
    plan(_lock_run_and_finish(held, run_id))


def record_waiting(run_id: UUID) -> None:
    """Record that a run waits for the free budget. Its hold is kept."""
    run = lock_run(run_id)
    if run is None or run.state not in ACTIVE_STATES:
        return
    if run.waiting_for is None:
        run.waiting_for = FREE_BUDGET
        add_event(run, "run.waiting", reason=FREE_BUDGET)
        db.session.flush()
    billing.note_sign_of_life(run_id)


def record_section(held: Claim, work: SectionWork, reply: SectionReply, checked: CheckedReply, model: str) -> None:
    """Add the items of a section, count rejected ones, and queue the next steps. Raises LeaseLost."""
    _lock_study_set_of(work.run_id)
    run = _lock_run_and_finish(held, work.run_id)
    step = db.session.get_one(Step, held.id, populate_existing=True)
    added = study.add_items(
        run.study_set_id,
        run_id=run.id,
        model=model,
        topics=[NewTopic(topic.name, topic.summary, topic.parent) for topic in checked.topics],
        items=checked.items,
    )
    step.kept = added.counts
    _count(run, added, checked)
    outcome = Outcome(
        delivered=added.counts.total,
        written=len(reply.flashcards) + len(reply.questions) + reply.malformed,
        is_cut=reply.truncated,
    )
    bookings.charge_reply(run, held.id, held.attempt, outcome)
    missing = step.asked.beyond(step.kept)
    if reply.truncated and run.state in ACTIVE_STATES and missing:
        _halve(run, step, work, missing)
    add_event(
        run,
        "section.made",
        document_id=str(step.document_id),
        first_page=step.first_page,
        last_page=step.last_page,
        **asdict(step.kept),
    )
    db.session.flush()
    advance(run)


def _lock_study_set_of(run_id: UUID) -> None:
    study_set_id = db.session.scalar(sa.select(Run.study_set_id).where(Run.id == run_id))
    if study_set_id is None or not library.lock_study_set(study_set_id):
        raise LeaseLost


def _lock_run_and_finish(held: Claim, run_id: UUID) -> Run:
    """Lock the run and mark its held step done. Raises LeaseLost."""
    run = lock_run(run_id)
    if run is None:
        raise LeaseLost
    jobs.finish(Step, held)
    return run


def _count(run: Run, added: AddedItems, checked: CheckedReply) -> None:
    run.delivered += added.counts
    run.duplicates += added.duplicates
    # New dictionaries, because SQLAlchemy does not detect changes inside the old ones.
    run.rejected = dict(Counter(run.rejected) + Counter(checked.rejected))
    run.fixed = dict(Counter(run.fixed) + Counter(checked.fixed))
    if run.first_item_at is None and added.counts:
        run.first_item_at = now()


def record_connections(held: Claim, run_id: UUID, reply: ConnectReply) -> None:
    """Record parents and links of topics, and end the run. Raises LeaseLost."""
    _lock_study_set_of(run_id)
    run = _lock_run_and_finish(held, run_id)
    links = [(link.source, link.target, link.label) for link in reply.links]
    count = study.connect_topics(run.study_set_id, reply.parents, links)
    add_event(run, "topics.connected", links=count)
    db.session.flush()
    advance(run)


def drop_step(held: Claim, run_id: UUID) -> None:
    """Cancel a held step whose run was stopped or has ended. Raises LeaseLost."""
    run = lock_run(run_id)
    jobs.cancel_held(Step, held)
    if run is not None:
        advance(run)


def lock_run_of(step_id: UUID) -> Run | None:
    """Lock and return the run of a step, or None if they were deleted."""
    run_id = db.session.scalar(sa.select(Step.run_id).where(Step.id == step_id))
    return lock_run(run_id) if run_id is not None else None


def cancel_if_stopped(step_id: UUID) -> None:
    """Cancel a step that was just scheduled for a retry, if its run was stopped meanwhile."""
    run = lock_run_of(step_id)
    if run is None:
        return
    if run.state in ACTIVE_STATES:
        billing.note_sign_of_life(run.id)
        return
    # Cancel now: otherwise the run would wait until this retry is due.
    db.session.execute(
        sa.update(Step)
        .where(Step.id == step_id)
        .values(state=jobs.JobState.CANCELLED, ended_at=now())
        .execution_options(synchronize_session=False)
    )
    advance(run)


def fail_step(held: Claim, code: str, facts: Mapping[str, int] | None = None) -> None:
    """Fail a held step for good with an error code and the numbers of its sentence. Raises LeaseLost."""
    lock_run_of(held.id)
    jobs.fail(Step, held, code)
    give_up(held.id, code, facts)


def give_up(step_id: UUID, code: str, facts: Mapping[str, int] | None = None) -> None:
    """Continue the run of a step that has failed for good, or fail the run if it cannot continue."""
    step = db.session.get_one(Step, step_id, populate_existing=True)
    run = lock_run(step.run_id)
    if run is None:
        return
    if code in _ENDS_RUN:
        log.error("generation.model.needs_operator", code=code, model=run.model)
    if run.state in ACTIVE_STATES and (step.kind == StepKind.PLAN or _is_hopeless(step, code)):
        stop_run(run, RunState.FAILING, code, facts)
        return
    add_event(
        run,
        "step.failed",
        step=step.kind,
        document_id=str(step.document_id) if step.document_id else None,
        first_page=step.first_page,
        last_page=step.last_page,
        error_code=code,
    )
    db.session.flush()
    advance(run)


def _is_hopeless(step: Step, code: str) -> bool:
    # The material is complete even without connections between topics.
    return code in _ENDS_RUN and step.kind == StepKind.SECTION


def halve_section(held: Claim, work: SectionWork, code: str) -> None:
    """Replace a section that is too long for the model by its halves, or fail it. Raises LeaseLost."""
    step = db.session.get_one(Step, held.id)
    halves = _halves(step, work)
    if halves is None:
        fail_step(held, code)
        return
    run = _lock_run_and_finish(held, work.run_id)
    step = db.session.get_one(Step, held.id, populate_existing=True)
    if run.state in ACTIVE_STATES:
        _halve(run, step, work, step.asked)
    advance(run)


def _halves(step: Step, work: SectionWork) -> tuple[Section, Section] | None:
    return split_section(work.section, work.pages) if step.depth < _MAX_SPLIT_DEPTH else None


def _halve(run: Run, step: Step, work: SectionWork, missing: Counts) -> None:
    halves = _halves(step, work)
    if halves is None:
        return
    step.halved = True
    split_step(run, step, halves, missing)
    add_event(run, "section.halved", first_page=step.first_page, last_page=step.last_page)


def note_call(held: Claim, caller: Caller, call: Call) -> None:
    """Record the usage and the cost of a call; repeated calls record it once.

    It locks neither the run nor the step, and is kept even if they were deleted meanwhile, because it was paid for.
    """
    prices = prices_to_record(caller.price_list)
    if call.outcome == "ok":
        report_missing_usage(prices, call.usage)
    cost = prices.cost(call.usage)
    db.session.execute(
        insert(ModelCall)
        .values(
            id=new_id(),
            user_id=caller.user_id,
            run_id=caller.run_id,
            step_id=held.id,
            attempt=held.attempt,
            model=call.model,
            outcome=call.outcome,
            requests=call.usage.calls,
            input_tokens=call.usage.input_tokens,
            cached_tokens=call.usage.cached_tokens,
            cache_write_tokens=call.usage.cache_write_tokens,
            output_tokens=call.usage.output_tokens,
            duration_ms=call.duration_ms,
            price_list=None if cost is None else prices.stored_list,
            cost_usd=None if cost is None else cost.usd,
            cost_chf=None if cost is None else cost.chf,
            price_credits=None if cost is None else cost.credits,
            free_cost_chf=find_free_cost(caller.run_id, prices, cost),
        )
        .on_conflict_do_nothing()
    )
