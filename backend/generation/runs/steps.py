"""The work of one step: plan, or read, check and record what a language model answered.

Behind a server, a step first waits for its call (docs/architecture.md). The built-in model writes here.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.billing.errors import InsufficientCredits, ModelNotPriced, SpendingFrozen
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.logging import add_to_log, get_logger
from backend.core.work.jobs import Claim, JobFailed, JobState, LeaseLost, TryLater
from backend.core.work.runner import record
from backend.generation.calls.queueing import call_again, queue_call, wait_for_call
from backend.generation.charging.bookings import FreeBudgetUsedUp
from backend.generation.checks.section import check_reply, clean_connections
from backend.generation.language_models.choice import get_language_model
from backend.generation.language_models.interface import (
    ConnectReply,
    ConnectRequest,
    LocalModel,
    ModelAnswer,
    ModelError,
    RemoteModel,
    SectionReply,
    Usage,
)
from backend.generation.models import Call, Reply, Run, Step
from backend.generation.runs import recording
from backend.generation.runs.preparing import SectionWork, prepare_connections, prepare_section
from backend.generation.runs.recording import Written
from backend.generation.runs.usage import Used, caller_for, note_use
from backend.generation.types import ACTIVE_STATES, ENDED_STATES, FREE_BUDGET, StepKind
from backend.settings import get_settings

log = get_logger(__name__)

_FREE_BUDGET_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class _Connecting:
    """The input of a step that connects topics."""

    run_id: UUID
    request: ConnectRequest


_Input = SectionWork | _Connecting


def work_step(held: Claim, lost: threading.Event) -> None:
    """Work on a held step. Raises LeaseLost, TryLater, and JobFailed with the model's error code."""
    _Work(held, lost).do()


class _Work:
    """The work of one attempt at a step."""

    def __init__(self, held: Claim, lost: threading.Event) -> None:
        self._held = held
        self._lost = lost
        self._started = time.monotonic()

    def do(self) -> None:
        with transaction():
            step, run = self._load()
            call = db.session.scalar(sa.select(Call).where(Call.step_id == step.id))
            reply = db.session.get(Reply, call.reply_id) if call is not None and call.reply_id is not None else None
            # What was answered while the run was being stopped still counts.
            may_go_on = run.state in ACTIVE_STATES or (reply is not None and run.state not in ENDED_STATES)
            work = self._prepare(run, step) if may_go_on else None
        # Stays in the log context until the runner has finished the step, so that a crash is logged with its run.
        add_to_log(run_id=run.id)
        if not may_go_on:
            self._record(lambda: recording.drop_step(self._held, run.id))
        elif work is None:
            self._plan(run.id)
        elif (model := get_language_model()).is_remote:
            self._read(model, work, call, reply)
        else:
            self._write(model, run, work)

    def _load(self) -> tuple[Step, Run]:
        step = db.session.get(Step, self._held.id)
        run = db.session.get(Run, step.run_id) if step is not None else None
        if step is None or run is None:
            raise LeaseLost
        return step, run

    def _prepare(self, run: Run, step: Step) -> _Input | None:
        if step.kind == StepKind.PLAN:
            return None
        if step.kind == StepKind.SECTION:
            return prepare_section(run, step)
        return _Connecting(run.id, prepare_connections(run))

    def _plan(self, run_id: UUID) -> None:
        try:
            self._record(lambda: recording.record_plan(self._held, run_id))
        except FreeBudgetUsedUp:
            self._record(lambda: recording.record_waiting(run_id, FREE_BUDGET))
            raise TryLater(_FREE_BUDGET_PAUSE_S) from None
        except (InsufficientCredits, SpendingFrozen, ModelNotPriced) as refusal:
            code, facts = refusal.code, {name: int(str(refusal.facts[name])) for name in refusal.members}
            self._record(lambda: recording.fail_step(self._held, code, facts))

    def _read(self, model: RemoteModel, work: _Input, call: Call | None, reply: Reply | None) -> None:
        """Go on after the call, or wait for it."""
        if call is None:
            self._record(lambda: queue_call(self._held))
        elif call.state in (JobState.QUEUED, JobState.RUNNING):
            self._record(lambda: wait_for_call(self._held, call.id))
        elif call.state == JobState.FAILED:
            self._go_without(work, call, call.error_code or "internal_error")
        elif reply is None:
            # It was cancelled, or its reply is too old to be kept.
            self._record(lambda: call_again(self._held, call.id))
        else:
            self._read_reply(model, work, call, reply)

    def _read_reply(self, model: RemoteModel, work: _Input, call: Call, reply: Reply) -> None:
        answer = ModelAnswer.from_json(reply.answer)
        used = recording.UsedCall(call.id, call.attempt, call.number, reply.id)
        try:
            if isinstance(work, SectionWork):
                self._check(work, model.read_section(answer, work.request), model.name, used)
            else:
                self._connect(work, model.read_connections(answer, work.request))
        except ModelError as error:
            log.warning("generation.step.reply_unusable", code=error.code, retryable=error.retryable)
            code = error.code
            self._record(lambda: recording.discard_reply(self._held, used, code))
            if not error.retryable or call.failures + 1 >= get_settings().step_attempts:
                self._go_without(work, call, code)
            else:
                self._record(lambda: call_again(self._held, call.id, is_failure=True))

    def _go_without(self, work: _Input, call: Call, code: str) -> None:
        """Halve a section that is too long for the model. Raises JobFailed for anything else, if it has no items."""
        if not isinstance(work, SectionWork):
            raise JobFailed(code)
        if call.number > 1:
            self._record(lambda: recording.finish_section(self._held, work.run_id))
        elif code in ("context_too_long", "truncated"):
            self._record(lambda: recording.halve_section(self._held, work, code))
        else:
            raise JobFailed(code)

    def _write(self, model: LocalModel, run: Run, work: _Input) -> None:
        if isinstance(work, SectionWork):
            reply = model.write_section(work.request)
            self._note(model, run)
            self._check(work, reply, model.name, None)
        else:
            connected = model.connect_topics(work.request)
            self._note(model, run)
            self._connect(work, connected)

    def _check(self, work: SectionWork, reply: SectionReply, model: str, call: recording.UsedCall | None) -> None:
        checked = check_reply(reply, work.request, work.pages)
        self._record(lambda: recording.record_section(self._held, work, Written(reply, checked, model, call)))
        log.info("generation.step.section_made", **asdict(checked.counts), duration_ms=self._elapsed_ms())

    def _connect(self, work: _Connecting, reply: ConnectReply) -> None:
        cleaned = clean_connections(reply)
        self._record(lambda: recording.record_connections(self._held, work.run_id, cleaned))
        log.info("generation.step.topics_connected", links=len(cleaned.links), duration_ms=self._elapsed_ms())

    def _note(self, model: LocalModel, run: Run) -> None:
        caller = caller_for(run, self._held.id, self._held.attempt)
        used = Used(model.name, "ok", Usage(), self._elapsed_ms())
        self._record(lambda: note_use(caller, used))

    def _record(self, write: Callable[[], None]) -> None:
        record(write, self._lost)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
