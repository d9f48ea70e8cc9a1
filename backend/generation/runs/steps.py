"""The work of one step: prepare (transaction), call the model (no transaction), record (transaction)."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

from backend.billing.errors import InsufficientCredits, ModelNotPriced, SpendingFrozen
from backend.core.database.database import db
from backend.core.database.transaction import refuse_open_transaction, transaction
from backend.core.process.logging import add_to_log, get_logger
from backend.core.work.jobs import Claim, JobFailed, LeaseLost, TryLater
from backend.core.work.runner import record
from backend.generation.charging.bookings import FreeBudgetUsedUp
from backend.generation.checks.section import check_reply, clean_connections
from backend.generation.language_models.choice import get_language_model
from backend.generation.language_models.interface import (
    ConnectReply,
    ConnectRequest,
    DraftTopic,
    ModelError,
    SectionPage,
    SectionReply,
    SectionRequest,
    Usage,
)
from backend.generation.models import Run, Step
from backend.generation.runs import recording
from backend.generation.runs.planning import is_active
from backend.generation.runs.recording import Call, Caller, SectionWork
from backend.generation.sections.cutting import Section
from backend.generation.types import ACTIVE_STATES, StepKind
from backend.library import service as library
from backend.library.types import PageText
from backend.study import service as study
from backend.study.types import Difficulty

log = get_logger(__name__)

T = TypeVar("T")

_KNOWN_TOPICS = 40
_FREE_BUDGET_PAUSE_S = 300.0


class RunStopped(Exception):
    """The run was cancelled or has ended, so no further call is made for it."""


def work_step(held: Claim, lost: threading.Event) -> None:
    """Work on a held step. Raises LeaseLost, TryLater, and JobFailed with the model's error code."""
    _Work(held, lost).do()


class _Work:
    """The work of one attempt at a step."""

    def __init__(self, held: Claim, lost: threading.Event) -> None:
        self._held = held
        self._lost = lost
        self._model = get_language_model()
        self._started = time.monotonic()
        with transaction():
            step = db.session.get(Step, held.id)
            run = db.session.get(Run, step.run_id) if step is not None else None
        if step is None or run is None:
            raise LeaseLost
        self._kind, self._run_id = StepKind(step.kind), step.run_id
        self._caller = Caller(run.id, run.user_id, run.price_list)

    def do(self) -> None:
        # Stays in the log context until the runner has finished the step, so that a crash is logged with its run.
        add_to_log(run_id=self._run_id)
        try:
            self._do()
        except RunStopped:
            self._record(lambda: recording.drop_step(self._held, self._run_id))
        except ModelError as error:
            log.warning("generation.step.model_failed", code=error.code, retryable=error.retryable)
            self._note(error.code, error.usage)
            raise JobFailed(error.code, retryable=error.retryable, retry_after_s=error.retry_after_s) from error

    def _do(self) -> None:
        if self._kind is StepKind.PLAN:
            self._plan()
        elif self._kind is StepKind.SECTION:
            self._write_section(self._prepare(_prepare_section))
        else:
            self._connect_topics(self._prepare(_prepare_connect))

    def _plan(self) -> None:
        try:
            self._record(lambda: recording.record_plan(self._held, self._run_id))
        except FreeBudgetUsedUp:
            self._record(lambda: recording.record_waiting(self._run_id))
            raise TryLater(_FREE_BUDGET_PAUSE_S) from None
        except (InsufficientCredits, SpendingFrozen, ModelNotPriced) as refusal:
            code, facts = refusal.code, {name: int(str(refusal.facts[name])) for name in refusal.members}
            self._record(lambda: recording.fail_step(self._held, code, facts))

    def _prepare(self, prepare: Callable[[Run, Step], T]) -> T:
        with transaction():
            run, step = db.session.get(Run, self._run_id), db.session.get(Step, self._held.id)
            if run is None or step is None:
                raise LeaseLost
            if run.state not in ACTIVE_STATES:
                raise RunStopped
            return prepare(run, step)

    def _write_section(self, work: SectionWork) -> None:
        try:
            reply = self._ask_for_section(work.request)
        except ModelError as error:
            if error.code not in ("context_too_long", "truncated"):
                raise
            code = error.code
            self._note(code, error.usage)
            self._record(lambda: recording.halve_section(self._held, work, code))
            return
        self._note("ok", reply.usage)
        checked = check_reply(reply, work.request, work.pages)
        self._record(lambda: recording.record_section(self._held, work, reply, checked, self._model.name))
        log.info(
            "generation.step.section_made",
            **asdict(checked.counts),
            duration_ms=self._elapsed_ms(),
        )

    def _connect_topics(self, request: ConnectRequest) -> None:
        reply = self._ask_for_connections(request)
        self._note("ok", reply.usage)
        cleaned = clean_connections(reply)
        self._record(lambda: recording.record_connections(self._held, self._run_id, cleaned))
        log.info("generation.step.topics_connected", links=len(cleaned.links), duration_ms=self._elapsed_ms())

    def _ask_for_section(self, request: SectionRequest) -> SectionReply:
        model = self._model
        if not model.is_remote:
            self._before_call()
            return model.write_section(request)
        return model.read_section(model.send(model.ask_section(request), self._before_call), request)

    def _ask_for_connections(self, request: ConnectRequest) -> ConnectReply:
        model = self._model
        if not model.is_remote:
            self._before_call()
            return model.connect_topics(request)
        return model.read_connections(model.send(model.ask_connections(request), self._before_call), request)

    def _before_call(self) -> None:
        """Raise LeaseLost or RunStopped if the call must not be made.

        If the run is stopped between this check and the request, well under a second, it is noticed when the reply is
        recorded.
        """
        if self._lost.is_set():
            raise LeaseLost
        with transaction():
            active = is_active(self._run_id)
        if not active:
            raise RunStopped
        refuse_open_transaction()

    def _note(self, outcome: str, usage: Usage) -> None:
        """Record usage immediately: the call was paid for, even if the reply is not used."""
        call = Call(self._model.name, outcome, usage, self._elapsed_ms())
        self._record(lambda: recording.note_call(self._held, self._caller, call))

    def _record(self, write: Callable[[], None]) -> None:
        record(write, self._lost)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


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
        wanted=step.asked,
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
    return tuple(SectionPage(page.number, page.heading, page.text, page.spans) for page in pages if not page.skipped)


def _shown(page: PageText, step: Step) -> SectionPage:
    start, end = step.start or 0, len(page.text) if step.end is None else step.end
    spans = tuple(
        replace(span, start=max(span.start - start, 0), end=min(span.end, end) - start)
        for span in page.spans
        if span.start < end and start < span.end
    )
    return SectionPage(page.number, page.heading, page.text[start:end], spans)


def _prepare_connect(run: Run, _step: Step) -> ConnectRequest:
    topics = study.list_topics(run.study_set_id)
    names = {topic.id: topic.name for topic in topics}
    drafts: Sequence[DraftTopic] = [
        DraftTopic(topic.name, topic.summary, names.get(topic.parent_id) if topic.parent_id else None)
        for topic in topics
    ]
    return ConnectRequest(tuple(drafts), run.language or "en")
