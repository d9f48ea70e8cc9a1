"""The work of one call: prepare (transaction), send (no transaction), keep the reply (transaction), wake the step.

Nothing here looks at what was answered: that is for the step, in a process with hard limits.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import refuse_open_transaction, transaction
from backend.core.process.logging import add_to_log, get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobFailed, LeaseLost, TryLater, Work
from backend.core.work.runner import record
from backend.generation.calls.permits import Permit, wait_for_permit
from backend.generation.calls.queueing import cancel_call, cancel_queued, lock_step_of, wake_step
from backend.generation.calls.replies import find_reply, keep_reply
from backend.generation.language_models.choice import get_language_model
from backend.generation.language_models.interface import ModelAnswer, ModelError, ModelRequest, RemoteModel, Usage
from backend.generation.models import KEPT, Call, Run, Step
from backend.generation.runs.planning import is_active
from backend.generation.runs.preparing import prepare_connections, prepare_section
from backend.generation.runs.recording import record_waiting
from backend.generation.runs.usage import Used, caller_for, note_use
from backend.generation.types import ACTIVE_STATES, MODEL_QUOTA, StepKind

log = get_logger(__name__)

_WAITS_FOR_LIMIT = frozenset({"rate_limited", "quota_exhausted"})
_PAUSE_S = 1.0


class RunStopped(Exception):
    """The run was cancelled or has ended, so no further call is made for it."""


@contextmanager
def begin_call() -> Iterator[Work | None]:
    """Yield the work on a call as soon as the vendor's limits allow it; None if no call is due or allowed soon."""
    with wait_for_permit() as permit:
        yield None if permit is None else partial(make_call, permit)


def make_call(permit: Permit, held: Claim, lost: threading.Event) -> None:
    """Work on a held call. Raises LeaseLost, TryLater, and JobFailed with the model's error code."""
    model = get_language_model()
    if not model.is_remote:
        raise JobFailed("misconfigured")
    _Work(permit, held, lost, model).do()


def cancel_if_unwanted(call_id: UUID) -> None:
    """Cancel a call that was just scheduled for a retry, if its run was stopped meanwhile, and let its step go on."""
    run_id = db.session.scalar(sa.select(Call.run_id).where(Call.id == call_id))
    if run_id is not None and not is_active(run_id):
        cancel_queued(call_id)


@dataclass(frozen=True, slots=True)
class _Prepared:
    run: Run
    step_id: UUID
    number: int
    request: ModelRequest
    reply_id: UUID | None


class _Work:
    """The work of one attempt at a call."""

    def __init__(self, permit: Permit, held: Claim, lost: threading.Event, model: RemoteModel) -> None:
        self._permit, self._held, self._lost, self._model = permit, held, lost, model
        self._started = time.monotonic()
        self._has_called = False

    def do(self) -> None:
        try:
            self._do()
        except RunStopped:
            self._record(lambda: cancel_call(self._held))

    def _do(self) -> None:
        with transaction():
            prepared = self._prepare()
        add_to_log(run_id=prepared.run.id, step_id=prepared.step_id)
        if prepared.reply_id is not None:
            self._record(lambda: self._use_kept(prepared))
            log.info("generation.call.reply_kept")
            return
        self._lost.wait(self._permit.fit(prepared.request))
        try:
            answer = self._send(prepared)
        except ModelError as error:
            self._permit.note_error(error)
            raise self._translate(prepared, error) from error
        self._permit.note_answer(answer)
        self._record(lambda: self._keep(prepared, answer))
        log.info("generation.call.answered", duration_ms=self._elapsed_ms())

    def _prepare(self) -> _Prepared:
        call = db.session.get(Call, self._held.id)
        step = db.session.get(Step, call.step_id) if call is not None else None
        run = db.session.get(Run, step.run_id) if step is not None else None
        if call is None or step is None or run is None:
            raise LeaseLost
        if run.state not in ACTIVE_STATES:
            raise RunStopped
        if step.kind == StepKind.SECTION:
            request = self._model.ask_section(prepare_section(run, step).request)
        else:
            request = self._model.ask_connections(prepare_connections(run))
        return _Prepared(run, step.id, call.number, request, find_reply(run.user_id, request, call.number))

    def _send(self, prepared: _Prepared) -> ModelAnswer:
        def before_call() -> None:
            if self._lost.is_set():
                raise LeaseLost
            # The first call follows the preparation, well under a second later.
            if self._has_called:
                with transaction():
                    active = is_active(prepared.run.id)
                if not active:
                    raise RunStopped
            self._has_called = True
            refuse_open_transaction()

        return self._model.send(prepared.request, before_call)

    def _translate(self, prepared: _Prepared, error: ModelError) -> Exception:
        log.warning("generation.call.failed", code=error.code, retryable=error.retryable)
        self._record(lambda: self._note(prepared, error.code, error.usage))
        if error.code == "quota_exhausted":
            log.error("generation.model.needs_operator", code=error.code, model=self._model.name)
            self._record(lambda: record_waiting(prepared.run.id, MODEL_QUOTA))
        if error.code in _WAITS_FOR_LIMIT:
            # The next permit tells when it may be tried again.
            return TryLater(_PAUSE_S)
        return JobFailed(error.code, retryable=error.retryable, retry_after_s=error.retry_after_s)

    def _keep(self, prepared: _Prepared, answer: ModelAnswer) -> None:
        """Keep the reply, even if this worker has lost the call meanwhile: whoever has it now finds it."""
        reply_id = keep_reply(prepared.run, prepared.request, prepared.number, answer)
        self._note(prepared, "ok", answer.usage)
        try:
            self._finish(reply_id)
        except LeaseLost:
            log.warning("generation.call.lease_lost")

    def _use_kept(self, prepared: _Prepared) -> None:
        self._finish(prepared.reply_id)
        self._note(prepared, KEPT, Usage())

    def _finish(self, reply_id: UUID | None) -> None:
        lock_step_of(self._held.id)
        jobs.finish(Call, self._held, reply_id=reply_id)
        wake_step(self._held.id)

    def _note(self, prepared: _Prepared, outcome: str, usage: Usage) -> None:
        caller = caller_for(prepared.run, prepared.step_id, self._held.attempt)
        note_use(caller, Used(self._model.name, outcome, usage, self._elapsed_ms()))

    def _record(self, write: Callable[[], None]) -> None:
        record(write, self._lost)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
