"""The work of one step: claim (transaction), call the model (none), record (transaction)."""

import random
import threading
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from backend.core import jobs
from backend.core.database import db
from backend.core.jobs import Claim, LeaseLost
from backend.core.logging import get_logger, log_context
from backend.core.transaction import refuse_open_transaction, transaction
from backend.generation import recording
from backend.generation.checking import check_reply
from backend.generation.choice import get_language_model
from backend.generation.language_model import (
    BeforeCall,
    ConnectRequest,
    DraftTopic,
    LanguageModel,
    ModelError,
    SectionPage,
    SectionRequest,
)
from backend.generation.models import Run, Step
from backend.generation.planning import is_active
from backend.generation.recording import Call, SectionWork
from backend.generation.sections import Section
from backend.generation.types import ACTIVE_STATES, StepKind
from backend.library import service as library
from backend.library.types import PageText
from backend.settings import get_settings
from backend.study import service as study
from backend.study.types import Difficulty

log = get_logger(__name__)

_LONGEST_BACKOFF_S = 60.0
_KNOWN_TOPICS = 40


class RunStopped(Exception):
    """The run was cancelled or has ended: no further call is made for it."""


def work_step(step_id: UUID) -> None:
    """Work on a queued step. Does nothing when it is not there, not due, held by another, or ended."""
    with transaction():
        held = jobs.claim(Step, step_id)
        if held is None:
            return
        step = db.session.get_one(Step, step_id)
        run = db.session.get_one(Run, step.run_id)
        if run.state not in ACTIVE_STATES:
            recording.drop_step(held, run.id)
            return
        work = _prepare_section(run, step) if step.kind == StepKind.SECTION else _prepare_connect(run)
    with (
        log_context(run_id=run.id, step_id=step_id, request_id=held.request_id, attempt=held.attempt),
        jobs.lease(Step, held) as lost,
    ):
        try:
            _work(held, run.id, work, lost)
        except LeaseLost:
            # Another attempt has the step, or the run is gone: what was computed here must not be written.
            log.warning("generation.step.lease_lost")


def _work(held: Claim, run_id: UUID, work: SectionWork | ConnectRequest, lost: threading.Event) -> None:
    model = get_language_model()
    before_call = _guard(run_id, lost)
    started = time.monotonic()
    try:
        if isinstance(work, SectionWork):
            _write_section(model, held, work, before_call)
        else:
            _connect(model, held, run_id, work, before_call)
    except RunStopped:
        with transaction():
            recording.drop_step(held, run_id)
    except ModelError as error:
        log.warning("generation.step.model_failed", code=error.code, retryable=error.retryable)
        _after_failure(held, run_id, work, error, Call(model.name, error.code, error.usage, _elapsed_ms(started)))
    except (LeaseLost, DBAPIError):
        # What became of the step stands in the database, or will when its lease has run out.
        raise
    except Exception:
        log.exception("generation.step.crashed")
        crash = ModelError("internal_error", "the step crashed", retryable=True)
        _after_failure(held, run_id, work, crash, Call(model.name, crash.code, crash.usage, _elapsed_ms(started)))


def _guard(run_id: UUID, lost: threading.Event) -> BeforeCall:
    def before_call() -> None:
        if lost.is_set():
            raise LeaseLost
        with transaction():
            active = is_active(run_id)
        if not active:
            raise RunStopped
        refuse_open_transaction()

    return before_call


def _write_section(model: LanguageModel, held: Claim, work: SectionWork, before_call: BeforeCall) -> None:
    started = time.monotonic()
    reply = model.write_section(work.request, before_call)
    call = Call(model.name, "ok", reply.usage, _elapsed_ms(started))
    checked = check_reply(reply, work.request, work.pages)
    with transaction():
        recording.record_section(held, work, reply, checked, call)
    log.info(
        "generation.step.section_made",
        flashcards=len(checked.flashcards),
        questions=len(checked.questions),
        duration_ms=call.duration_ms,
    )


def _connect(model: LanguageModel, held: Claim, run_id: UUID, request: ConnectRequest, before_call: BeforeCall) -> None:
    started = time.monotonic()
    reply = model.connect_topics(request, before_call)
    call = Call(model.name, "ok", reply.usage, _elapsed_ms(started))
    with transaction():
        recording.record_connections(held, run_id, reply, call)
    log.info("generation.step.topics_connected", links=len(reply.links), duration_ms=call.duration_ms)


def _after_failure(
    held: Claim, run_id: UUID, work: SectionWork | ConnectRequest, error: ModelError, call: Call
) -> None:
    with transaction():
        if error.retryable and held.failures + 1 < get_settings().step_attempts:
            recording.add_call(held, run_id, call)
            jobs.retry_later(Step, held, delay_s=_backoff_s(error, held.failures))
        elif error.code in ("context_too_long", "truncated") and isinstance(work, SectionWork):
            recording.halve_section(held, work, call)
        else:
            recording.fail_step(held, run_id, call)


def _backoff_s(error: ModelError, failures: int) -> float:
    wished = error.retry_after_s if error.retry_after_s is not None else float(2**failures)
    # Jitter spreads the steps of one run, which were all turned away at the same moment.
    return min(wished, _LONGEST_BACKOFF_S) + random.uniform(0, 1)


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _prepare_section(run: Run, step: Step) -> SectionWork:
    first, last = step.first_page or 1, step.last_page or 1
    texts = library.load_texts([step.document_id] if step.document_id else [], (first, last))
    pages = texts[0].pages if texts else ()
    shown = tuple(_shown(page, step) for page in pages if not page.skipped and page.text.strip())
    section = Section(first, last, None, sum(len(page.text) for page in shown), step.start, step.end)
    request = SectionRequest(
        document_id=step.document_id or step.id,
        filename=texts[0].filename if texts else "",
        pages=shown,
        flashcards=step.flashcards_asked,
        questions=step.questions_asked,
        language=run.language or "en",
        difficulty=Difficulty(run.difficulty) if run.difficulty else None,
        existing=tuple(
            study.list_existing_fronts(run.study_set_id, step.document_id, first, last) if step.document_id else ()
        ),
        known_topics=tuple(t.name for t in study.list_topics(run.study_set_id)[:_KNOWN_TOPICS]),
        read_document=partial(_read_document, step.document_id) if step.document_id else None,
    )
    return SectionWork(run.id, section, tuple(pages), request)


def _read_document(document_id: UUID) -> tuple[SectionPage, ...]:
    with transaction():
        texts = library.load_texts([document_id])
    pages = texts[0].pages if texts else ()
    return tuple(SectionPage(page.number, page.heading, page.text) for page in pages if not page.skipped)


def _shown(page: PageText, step: Step) -> SectionPage:
    return SectionPage(page.number, page.heading, page.text[step.start : step.end])


def _prepare_connect(run: Run) -> ConnectRequest:
    topics = study.list_topics(run.study_set_id)
    names = {topic.id: topic.name for topic in topics}
    drafts: Sequence[DraftTopic] = [
        DraftTopic(topic.name, topic.summary, names.get(topic.parent_id) if topic.parent_id else None)
        for topic in topics
    ]
    return ConnectRequest(tuple(drafts), run.language or "en")


jobs.register(Step, recording.give_up)
