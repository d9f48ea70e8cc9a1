"""Records the outcome of a step. Locks the study set, the run and the step in this order (docs/architecture.md)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.billing import service as billing
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, LeaseLost
from backend.generation.calls.queueing import call_for_more
from backend.generation.calls.replies import forget_reply
from backend.generation.charging import bookings
from backend.generation.charging.rule import Outcome
from backend.generation.checks.section import CheckedReply
from backend.generation.language_models.interface import ConnectReply, SectionReply
from backend.generation.models import Run, Step
from backend.generation.runs.events import add_event
from backend.generation.runs.planning import advance, lock_run, plan, split_step, stop_run
from backend.generation.runs.preparing import SectionWork
from backend.generation.runs.usage import note_unusable
from backend.generation.sections.cutting import Section, split_section
from backend.generation.types import ACTIVE_STATES, RunState, StepKind
from backend.library import service as library
from backend.study import service as study
from backend.study.types import AddedItems, Counts, NewTopic

log = get_logger(__name__)

_MAX_SPLIT_DEPTH = 4
# These end the run immediately, because every other section would fail too.
_ENDS_RUN = frozenset({"misconfigured"})


@dataclass(frozen=True, slots=True)
class UsedCall:
    """The call whose reply is used: its row, the attempt that got the reply, and which call of its step it is."""

    id: UUID
    attempt: int
    number: int
    reply_id: UUID


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote for a section, checked. ``call`` is None if it was the built-in model."""

    reply: SectionReply
    checked: CheckedReply
    model: str
    call: UsedCall | None


def record_plan(held: Claim, run_id: UUID) -> None:
    """Record the sections of a run, reserve its credits, and queue the first sections.

    Raises LeaseLost, InsufficientCredits, SpendingFrozen, ModelNotPriced, FreeBudgetUsedUp.
    """
    plan(_lock_run_and_finish(held, run_id))


def record_waiting(run_id: UUID, reason: str) -> None:
    """Record what a run waits for, such as the free budget. Its hold is kept."""
    run = lock_run(run_id)
    if run is None or run.state not in ACTIVE_STATES:
        return
    if run.waiting_for is None:
        run.waiting_for = reason
        add_event(run, "run.waiting", reason=reason)
        db.session.flush()
    billing.note_sign_of_life(run_id)


def record_section(held: Claim, work: SectionWork, written: Written) -> None:
    """Add the items of a section, count rejected ones, and queue the next steps. Raises LeaseLost.

    If items are missing, the section is asked for them once more.
    """
    _lock_study_set_of(work.run_id)
    run = _lock_run_and_check(held, work.run_id)
    step = db.session.get_one(Step, held.id, populate_existing=True)
    reply, checked = written.reply, written.checked
    added = study.add_items(
        run.study_set_id,
        run_id=run.id,
        model=written.model,
        topics=[NewTopic(topic.name, topic.summary, topic.parent) for topic in checked.topics],
        items=checked.items,
    )
    step.kept += added.counts
    _count(run, added, checked)
    _charge(run, step, written, added)
    missing = step.asked.beyond(step.kept)
    if run.state not in ACTIVE_STATES or not missing:
        missing = Counts()
    if missing and reply.truncated:
        _halve(run, step, work, missing)
    add_event(
        run,
        "section.made",
        document_id=str(step.document_id),
        first_page=step.first_page,
        last_page=step.last_page,
        **asdict(added.counts),
    )
    db.session.flush()
    again = _find_call_to_repeat(step, written) if missing else None
    if again is not None:
        call_for_more(held, again.id)
    else:
        jobs.finish(Step, held)
    advance(run)


def _find_call_to_repeat(step: Step, written: Written) -> UsedCall | None:
    """Return the call of a section if it may be made once more, for what is missing."""
    call = written.call
    may_repeat = call is not None and call.number == 1 and not written.reply.truncated and not step.makes_up
    return call if may_repeat else None


def _charge(run: Run, step: Step, written: Written, added: AddedItems) -> None:
    """Charge the call of a section. Calls that make up for missing items are ours."""
    call = written.call
    if call is None or call.number > 1 or step.makes_up:
        return
    reply = written.reply
    outcome = Outcome(
        delivered=added.counts.total,
        written=len(reply.flashcards) + len(reply.questions) + reply.malformed,
        is_cut=reply.truncated,
    )
    bookings.charge_reply(run, step.id, call.attempt, outcome)


def finish_section(held: Claim, run_id: UUID) -> None:
    """End a section with the items that it has. Raises LeaseLost."""
    advance(_lock_run_and_finish(held, run_id))


def discard_reply(held: Claim, call: UsedCall, code: str) -> None:
    """Forget a reply that is of no use, so that it is not found again."""
    note_unusable(held.id, call.attempt, code)
    forget_reply(call.reply_id)


def _lock_study_set_of(run_id: UUID) -> None:
    study_set_id = db.session.scalar(sa.select(Run.study_set_id).where(Run.id == run_id))
    if study_set_id is None or not library.lock_study_set(study_set_id):
        raise LeaseLost


def _lock_run_and_check(held: Claim, run_id: UUID) -> Run:
    """Lock the run. Raises LeaseLost if its step is no longer held."""
    run = lock_run(run_id)
    if run is None or db.session.scalar(sa.select(Step.id).where(*jobs.is_held(Step, held)).with_for_update()) is None:
        raise LeaseLost
    return run


def _lock_run_and_finish(held: Claim, run_id: UUID) -> Run:
    """Lock the run and mark its held step done. Raises LeaseLost."""
    run = lock_run(run_id)
    if run is None:
        raise LeaseLost
    jobs.finish(Step, held)
    return run


def _count(run: Run, added: AddedItems, checked: CheckedReply) -> None:
    run.waiting_for = None
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
