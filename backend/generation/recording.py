"""Writing what a step gave: under its claim, then the run's lock, then the study set's, always in this order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.core import jobs
from backend.core.clock import now
from backend.core.database import db
from backend.core.jobs import Claim
from backend.core.logging import get_logger
from backend.generation.checking import CheckedReply
from backend.generation.events import add_event
from backend.generation.language_model import ConnectReply, SectionReply, SectionRequest, Usage
from backend.generation.models import ModelCall, Run, Step
from backend.generation.planning import advance, end_run, lock_run, split_step
from backend.generation.sections import Section, split_section
from backend.generation.types import ACTIVE_STATES, RunState
from backend.library import service as library
from backend.library.types import PageText
from backend.study import service as study
from backend.study.types import AddedItems, NewTopic

log = get_logger(__name__)

_DEEPEST_SPLIT = 4
# These end the run at once: no other section would fare better.
_ENDS_RUN = frozenset({"quota_exhausted", "misconfigured"})


@dataclass(frozen=True, slots=True)
class Call:
    """One use of the language model by a step; ``outcome`` is ``ok`` or an error code."""

    model: str
    outcome: str
    usage: Usage
    duration_ms: int


@dataclass(frozen=True, slots=True)
class SectionWork:
    """What a claimed section step works on. ``pages`` are whole; the request's are cut where the section is."""

    run_id: UUID
    section: Section
    pages: tuple[PageText, ...]
    request: SectionRequest


def record_section(held: Claim, work: SectionWork, reply: SectionReply, checked: CheckedReply, call: Call) -> None:
    """Write the items of a section, count what was dropped, and queue what comes next. Raises LeaseLost."""
    jobs.finish(Step, held)
    run = lock_run(work.run_id)
    if run is None or not library.lock_study_set(run.study_set_id):
        raise jobs.LeaseLost
    step = db.session.get_one(Step, held.id, populate_existing=True)
    topics = [NewTopic(topic.name, topic.summary, topic.parent) for topic in reply.topics]
    added = study.add_items(
        run.study_set_id,
        run_id=run.id,
        model=call.model,
        topics=topics,
        flashcards=checked.flashcards,
        questions=checked.questions,
    )
    step.flashcards_kept, step.questions_kept = len(added.flashcards), len(added.questions)
    _count(run, added, checked.rejected)
    add_call(held, run.id, call)
    missing = (step.flashcards_asked - step.flashcards_kept, step.questions_asked - step.questions_kept)
    if reply.truncated and run.state in ACTIVE_STATES and max(missing) > 0:
        _halve(run, step, work, max(missing[0], 0), max(missing[1], 0))
    add_event(
        run,
        "section.made",
        document_id=str(step.document_id),
        first_page=step.first_page,
        last_page=step.last_page,
        flashcards=step.flashcards_kept,
        questions=step.questions_kept,
    )
    db.session.flush()
    advance(run)


def _count(run: Run, added: AddedItems, rejected: Mapping[str, int]) -> None:
    run.flashcards_delivered += len(added.flashcards)
    run.questions_delivered += len(added.questions)
    run.duplicates += added.duplicates
    # A new dictionary, because a change inside the old one would go unnoticed.
    run.rejected = dict(Counter(run.rejected) + Counter(rejected))
    if run.first_item_at is None and (added.flashcards or added.questions):
        run.first_item_at = now()


def record_connections(held: Claim, run_id: UUID, reply: ConnectReply, call: Call) -> None:
    """Write parents and links of topics, and end the run. Raises LeaseLost."""
    jobs.finish(Step, held)
    run = lock_run(run_id)
    if run is None or not library.lock_study_set(run.study_set_id):
        raise jobs.LeaseLost
    add_call(held, run_id, call)
    links = [(link.source, link.target, link.label) for link in reply.links]
    count = study.connect_topics(run.study_set_id, reply.parents, links)
    add_event(run, "topics.connected", links=count)
    db.session.flush()
    advance(run)


def drop_step(held: Claim, run_id: UUID) -> None:
    """Cancel a held step whose run was cancelled or has ended. Raises LeaseLost."""
    jobs.cancel_held(Step, held)
    run = lock_run(run_id)
    if run is not None:
        advance(run)


def fail_step(held: Claim, run_id: UUID, call: Call) -> None:
    """End a held step for good with the code of its call. Raises LeaseLost."""
    jobs.fail(Step, held, call.outcome)
    add_call(held, run_id, call)
    _after_failure(held.id, call.outcome)


def give_up(step_id: UUID, code: str) -> None:
    """Let the run of a step go on that the sweep has given up."""
    _after_failure(step_id, code)


def _after_failure(step_id: UUID, code: str) -> None:
    step = db.session.get_one(Step, step_id, populate_existing=True)
    run = lock_run(step.run_id)
    if run is None:
        return
    if code in _ENDS_RUN and run.state in ACTIVE_STATES:
        log.error("generation.model.needs_operator", code=code, model=run.model)
        end_run(run, RunState.FAILED, code)
        return
    add_event(
        run,
        "section.failed",
        document_id=str(step.document_id) if step.document_id else None,
        first_page=step.first_page,
        last_page=step.last_page,
        error_code=code,
    )
    db.session.flush()
    advance(run)


def halve_section(held: Claim, work: SectionWork, call: Call) -> None:
    """Replace a section that is too long for the model by its halves, or fail it. Raises LeaseLost."""
    jobs.finish(Step, held)
    run = lock_run(work.run_id)
    if run is None:
        raise jobs.LeaseLost
    add_call(held, run.id, call)
    step = db.session.get_one(Step, held.id, populate_existing=True)
    if not _halve(run, step, work, step.flashcards_asked, step.questions_asked):
        step.error_code, step.state = call.outcome, jobs.JobState.FAILED
        db.session.flush()
        _after_failure(step.id, call.outcome)
        return
    advance(run)


def _halve(run: Run, step: Step, work: SectionWork, flashcards: int, questions: int) -> bool:
    halves = split_section(work.section, work.pages) if step.depth < _DEEPEST_SPLIT else None
    if halves is None:
        return False
    split_step(run, step, halves, flashcards, questions)
    add_event(run, "section.halved", first_page=step.first_page, last_page=step.last_page)
    return True


def add_call(held: Claim, run_id: UUID, call: Call) -> None:
    """Write down what a call used."""
    db.session.execute(
        sa.insert(ModelCall).values(
            run_id=run_id,
            step_id=held.id,
            attempt=held.attempt,
            model=call.model,
            outcome=call.outcome,
            requests=call.usage.calls,
            input_tokens=call.usage.input_tokens,
            cached_tokens=call.usage.cached_tokens,
            output_tokens=call.usage.output_tokens,
            duration_ms=call.duration_ms,
        )
    )
