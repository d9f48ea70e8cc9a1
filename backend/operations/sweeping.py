"""The sweep, again and again: one process of many does it at a time, under an advisory lock."""

import threading
import time

from backend.accounts import models as accounts_models
from backend.core.idempotency import forget_expired_answers
from backend.core.logging import get_logger
from backend.core.sweep import sweep
from backend.core.transaction import transaction
from backend.core.workers import forget_old_workers
from backend.generation import recording
from backend.generation import service as generation
from backend.library import reading
from backend.settings import get_settings

log = get_logger(__name__)

# Importing these registers the tables of work, and what happens when a row has failed too often. The tables of
# other rooms are the targets of foreign keys.
REGISTERED = (reading, recording)
TABLES = (accounts_models,)

_FORGET_EVERY_S = 300.0


def sweep_until(stop: threading.Event) -> None:
    """Sweep until told to stop. A failing sweep is logged and tried again after the next pause."""
    forgot_at = time.monotonic()
    while not stop.wait(get_settings().sweep_interval_s):
        try:
            done = sweep()
            if done is not None:
                _release()
            if time.monotonic() - forgot_at > _FORGET_EVERY_S:
                forgot_at = time.monotonic()
                _forget()
        except Exception:
            log.exception("operations.sweep.failed")
            continue
        if done and (done.sent or done.taken_back):
            log.info("operations.sweep.done", sent=done.sent, taken_back=done.taken_back, given_up=done.given_up)
    log.info("operations.sweep.stopped")


def _release() -> None:
    """Release what ended runs still hold."""
    with transaction():
        released = generation.release_ended_runs()
    if released:
        log.warning("operations.sweep.released", steps=released)


def _forget() -> None:
    with transaction():
        forget_expired_answers()
        forget_old_workers()
