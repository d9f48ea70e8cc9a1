"""Plans a run: cuts its documents into steps, queues the next steps, and ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.activity import record_activity
from backend.accounts.types import ActivityKind
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import JobState
from backend.core.work.programs import Program
from backend.core.work.workers import count_places_of_programs
from backend.generation.calls.queueing import cancel_waiting, queue_calls
from backend.generation.charging import bookings
from backend.generation.language_models.choice import get_language_model
from backend.generation.models import Run, RunDocument, Step
from backend.generation.runs.admission import (
    find_admitted,
    find_partial_reason,
    leave_out_planned,
    may_connect,
)
from backend.generation.runs.estimating import estimate_to_reserve
from backend.generation.runs.events import add_event
from backend.generation.runs.left_out import find_left_out, section_of
from backend.generation.runs.making_up import find_sections_with_room
from backend.generation.sections.cutting import Section, allocate, automatic_counts, plan_sections
from backend.generation.types import (
    ACTIVE_STATES,
    ENDED_STATES,
    OVER_BUDGET,
    PASSING_FAILURES,
    PartialReason,
    RunState,
    StepKind,
)
from backend.library import service as library
from backend.library.types import DocumentStatus, DocumentText
from backend.settings import get_settings
from backend.study import service as study
from backend.study.types import AskedCounts, Counts
from backend.text.languages import detect_language

log = get_logger(__name__)

_OPEN = (JobState.PLANNED, JobState.QUEUED, JobState.RUNNING)
_IN_FLIGHT = (JobState.QUEUED, JobState.RUNNING)
_LANGUAGE_SAMPLE_CHARS = 200_000
_LANGUAGE_SAMPLE_OF_PAGE_CHARS = 400
_MIN_TOPICS_TO_CONNECT = 2


def lock_run(run_id: UUID) -> Run | None:
    """Lock the run's row and return it, reloaded from the database, or None if it was deleted.

    The study set is protected from deletion first: changing a row twice in a transaction locks the rows it refers to,
    which would be the wrong order.
    """
    study_set_id = db.session.scalar(sa.select(Run.study_set_id).where(Run.id == run_id))
    if study_set_id is None or not library.keep_study_set(study_set_id):
        return None
    return db.session.scalar(
        sa.select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    )


def plan_when_read(run: Run) -> None:
    """Queue the planning of a locked run once all its documents have been read or have failed."""
    if run.state != RunState.READING or not library.are_settled(_document_ids(run.id)):
        return
    if db.session.scalar(sa.select(Step.id).where(Step.run_id == run.id, Step.kind == StepKind.PLAN)) is None:
        _queue_new(run, StepKind.PLAN)


def plan(run: Run) -> None:
    """Cut the documents of a locked run into sections, reserve its credits, and queue the first sections.

    Raises InsufficientCredits, SpendingFrozen, ModelNotPriced, FreeBudgetUsedUp.
    """
    if run.state == RunState.READING:
        _plan(run)
    advance(run)


def _document_ids(run_id: UUID) -> Sequence[UUID]:
    query = sa.select(RunDocument.document_id).where(RunDocument.run_id == run_id)
    return db.session.scalars(query.order_by(RunDocument.document_id)).all()


def _queue_new(run: Run, kind: StepKind) -> None:
    step = Step(id=new_id(), run_id=run.id, kind=kind, state=JobState.PLANNED, position=0, request_id=run.request_id)
    db.session.add(step)
    db.session.flush()
    if kind == StepKind.PLAN:
        jobs.dispatch(Step, [step.id])
    else:
        _start([step.id])


def _start(step_ids: Sequence[UUID]) -> None:
    """Queue planned steps or, if their model is behind a server, the calls that they wait for."""
    if get_language_model().is_remote:
        queue_calls(step_ids)
    else:
        jobs.dispatch(Step, step_ids)


@dataclass(slots=True)
class _Cut:
    """The sections of a run's documents, what was skipped and why, and a sample of the text.

    ``shares`` are the items of each section if an earlier run left these sections out.
    """

    sections: list[tuple[UUID, Section]] = field(default_factory=list)
    shares: list[Counts] | None = None
    skipped: list[dict[str, object]] = field(default_factory=list)
    sample: str = ""


def _cut_documents(run_id: UUID) -> _Cut:
    cut = _Cut()
    for document_id in _document_ids(run_id):
        # One at a time, because the texts of a whole study set may be large.
        (document,) = library.load_texts([document_id])
        cut.sample = _extend_sample(cut.sample, document)
        if document.status is not DocumentStatus.READY:
            cut.skipped.append(_skip(document_id, None, None, document.error_code or "unreadable_document"))
            continue
        planned = plan_sections(document.pages, get_settings().section_chars)
        cut.sections.extend((document_id, section) for section in planned.sections)
        cut.skipped.extend(_skip(document_id, s.first_page, s.last_page, s.reason) for s in planned.skipped)
    return cut


def _cut_left_out(steps: Sequence[Step]) -> _Cut:
    """Return the sections that an earlier run left out."""
    cut = _Cut(shares=[])
    for step in steps:
        if step.document_id is not None and cut.shares is not None:
            cut.sections.append((step.document_id, section_of(step)))
            cut.shares.append(step.asked)
    return cut


def _plan(run: Run) -> None:
    left_out = find_left_out(run.continues or run.retry_of)
    cut = _cut_left_out(left_out) if left_out else _cut_documents(run.id)
    run.planned_at = now()
    if not cut.sections:
        run.skipped = cut.skipped
        end_run(run, RunState.FAILED, "no_text")
        return
    if run.language is None:
        run.language = detect_language(cut.sample)
    sections = [section for _, section in cut.sections]
    if cut.shares is None:
        asked = run.asked.settle(automatic_counts(sections))
        shares = allocate(asked, sections)
        run.asked = AskedCounts(asked.flashcards, asked.questions)
    else:
        shares, asked = cut.shares, run.asked.settle(Counts())
    position = 0
    for (document_id, section), share in zip(cut.sections, shares, strict=True):
        if not share:
            cut.skipped.append(_skip(document_id, section.first_page, section.last_page, OVER_BUDGET))
            continue
        position += 1
        db.session.add(_section_step(run, document_id, section, share, position=position))
    run.skipped = cut.skipped
    run.state = RunState.MAKING
    run.waiting_for = None
    db.session.flush()
    add_event(
        run,
        "run.planned",
        sections=position,
        language=run.language,
        flashcards_asked=asked.flashcards,
        questions_asked=asked.questions,
    )
    db.session.flush()
    bookings.reserve_at_planning(run, estimate_to_reserve(run, sections, shares))
    log.info("generation.run.planned", run_id=str(run.id), sections=position, language=run.language)


def _skip(document_id: UUID, first: int | None, last: int | None, reason: str) -> dict[str, object]:
    return {"document_id": str(document_id), "first_page": first, "last_page": last, "reason": reason}


def _extend_sample(sample: str, document: DocumentText) -> str:
    """Add a piece of every page, so that a foreword or a long quotation in another language does not decide."""
    pieces = (page.text[:_LANGUAGE_SAMPLE_OF_PAGE_CHARS] for page in document.pages)
    return (sample + "\n".join(pieces))[:_LANGUAGE_SAMPLE_CHARS]


def _section_step(run: Run, document_id: UUID, section: Section, asked: Counts, *, position: int) -> Step:
    return Step(
        id=new_id(),
        run_id=run.id,
        kind=StepKind.SECTION,
        state=JobState.PLANNED,
        position=position,
        document_id=document_id,
        first_page=section.first_page,
        last_page=section.last_page,
        start=section.start,
        end=section.end,
        chars=section.chars,
        asked=asked,
        request_id=run.request_id,
    )


def split_step(run: Run, step: Step, halves: Sequence[Section], missing: Counts) -> None:
    """Plan the two halves of a section for its missing items. ``run`` is locked."""
    for half, share in zip(halves, allocate(missing, halves), strict=True):
        if not share or step.document_id is None:
            continue
        part = _section_step(run, step.document_id, half, share, position=step.position)
        part.depth = step.depth + 1
        db.session.add(part)
    db.session.flush()


def advance(run: Run) -> None:
    """Queue the next steps of a locked run, or end it, and book what it is charged. Safe to call at any time."""
    bookings.settle_at_commit(run)
    if run.state in ENDED_STATES:
        return
    counts = _count_steps(run.id)
    in_flight = sum(counts.get(state, 0) for state in _IN_FLIGHT)
    if run.state in (RunState.CANCELLING, RunState.FAILING):
        if in_flight == 0:
            failed = run.state == RunState.FAILING
            end_run(run, RunState.FAILED if failed else RunState.CANCELLED, run.error_code)
        return
    if run.state == RunState.READING:
        return
    program = Program.CALLING if get_language_model().is_remote else Program.COMPUTING
    # One long run may use all available workers. More of its steps would only delay those of other users.
    room = max(get_settings().steps_in_flight_per_run, count_places_of_programs()[program]) - in_flight
    if counts.get(JobState.PLANNED, 0) and room > 0:
        admitted = find_admitted(run, room)
        _start(admitted)
        if not admitted and in_flight == 0:
            leave_out_planned(run)
            _after_last(run)
    elif sum(counts.get(state, 0) for state in _OPEN) == 0:
        _after_last(run)


def _count_steps(run_id: UUID) -> dict[str, int]:
    rows = db.session.execute(
        sa.select(Step.state, sa.func.count().label("number")).where(Step.run_id == run_id).group_by(Step.state)
    )
    return {row.state: row.number for row in rows}


def _after_last(run: Run) -> None:
    if run.state == RunState.MAKING and (_try_again(run) or _make_up(run)):
        return
    reason = find_partial_reason(run)
    if run.state == RunState.MAKING:
        if not run.delivered and reason is None:
            code = db.session.scalar(
                sa.select(Step.error_code)
                .where(Step.run_id == run.id, Step.state == JobState.FAILED)
                .order_by(Step.position)
                .limit(1)
            )
            end_run(run, RunState.FAILED, code or "no_items")
            return
        run.state = RunState.CONNECTING
        topics = len(study.list_topics(run.study_set_id)) if run.delivered else 0
        if topics >= _MIN_TOPICS_TO_CONNECT and may_connect(run, topics):
            add_event(run, "run.connecting")
            _queue_new(run, StepKind.CONNECT)
            return
    end_run(run, RunState.DONE if reason is None else RunState.PARTIAL, partial_reason=reason)


def _try_again(run: Run) -> bool:
    """Start each section again, once, that failed for a reason that may have passed. Returns whether there are any."""
    again = db.session.scalars(
        sa.update(Step)
        .where(
            Step.run_id == run.id,
            Step.kind == StepKind.SECTION,
            Step.state == JobState.FAILED,
            Step.error_code.in_(PASSING_FAILURES),
            Step.is_second_try.is_(False),
        )
        .values(state=JobState.PLANNED, failures=0, error_code=None, ended_at=None, is_second_try=True)
        .returning(Step.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not again:
        return False
    add_event(run, "sections.tried_again", sections=len(again))
    db.session.flush()
    advance(run)
    return True


def _make_up(run: Run) -> bool:
    """Ask sections with room for what others lacked, once. Returns whether there are any."""
    found = find_sections_with_room(run) if not run.is_draft else []
    for step, share in found:
        if step.document_id is not None:
            more = _section_step(run, step.document_id, section_of(step), share, position=step.position)
            more.makes_up = True
            db.session.add(more)
    if not found:
        return False
    db.session.flush()
    advance(run)
    return True


def stop_run(
    run: Run, state: RunState, error_code: str | None = None, error_facts: Mapping[str, int] | None = None
) -> None:
    """Set a locked run to ``cancelling`` or ``failing``: no further step starts, and it ends with its last call.

    ``error_facts`` are the numbers of the error's sentence.
    """
    cancel_waiting(run.id)
    run.state = state
    run.error_code = error_code
    run.error_facts = dict(error_facts) if error_facts else None
    add_event(run, f"run.{state.value}", error_code=error_code, **(error_facts or {}))
    db.session.flush()
    advance(run)


def end_run(
    run: Run, state: RunState, error_code: str | None = None, *, partial_reason: PartialReason | None = None
) -> None:
    """End a locked run without steps in progress. The rest of its credits is released before the commit."""
    bookings.charge_end(run)
    bookings.settle_at_commit(run)
    run.state = state
    run.error_code = error_code
    run.partial_reason = partial_reason
    run.waiting_for = None
    run.ended_at = now()
    add_event(
        run,
        f"run.{state.value}",
        error_code=error_code,
        **({} if partial_reason is None else {"reason": partial_reason.value}),
        **asdict(run.delivered),
    )
    record_activity(
        run.user_id,
        ActivityKind.RUN_ENDED,
        run_id=str(run.id),
        study_set_id=str(run.study_set_id),
        state=state.value,
        error_code=error_code,
        **asdict(run.delivered),
    )
    log.info("generation.run.ended", run_id=str(run.id), state=state.value, error_code=error_code)


def is_active(run_id: UUID) -> bool:
    """Say whether the run may make further calls. Needs a transaction."""
    return db.session.scalar(sa.select(Run.state).where(Run.id == run_id)) in ACTIVE_STATES


def lock_waiting_runs(document_id: UUID) -> None:
    _lock_waiting(document_id)


def _lock_waiting(document_id: UUID) -> list[Run]:
    query = (
        sa.select(Run.id)
        .join(RunDocument, RunDocument.run_id == Run.id)
        .where(RunDocument.document_id == document_id, Run.state == RunState.READING)
        .order_by(Run.id)
    )
    locked = (lock_run(run_id) for run_id in db.session.scalars(query).all())
    return [run for run in locked if run is not None]


def continue_waiting_runs(document_id: UUID) -> None:
    """Plan the runs that were waiting only for this document."""
    for run in _lock_waiting(document_id):
        plan_when_read(run)
