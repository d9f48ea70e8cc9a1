"""The sweep loop. One process sweeps at a time, under an advisory lock."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from flask import Flask

from backend.core.process.logging import get_logger
from backend.core.work.sweep import sweep
from backend.operations.upkeep.housekeeping import keep_house, keep_machine
from backend.settings import get_settings

log = get_logger(__name__)


def sweep_until(stop: threading.Event, note_progress: Callable[[], None] = lambda: None) -> None:
    """Sweep until ``stop`` is set. A failed sweep is logged and tried again after the next pause.

    ``note_progress`` is called at the start of each round and often within it. Silence means that the sweep hangs.
    """
    rounds = swept = 0

    def finish() -> None:
        # Rounds in which another process swept do not count, or this process would skip chores due in them.
        nonlocal swept
        swept += 1
        note_progress()
        keep_house(swept)

    while not stop.wait(get_settings().sweep_interval_s):
        rounds += 1
        note_progress()
        try:
            keep_machine(rounds)
            done = sweep(finish, note_progress)
        except Exception:
            log.exception("operations.sweep.failed")
            continue
        if done and (done.sent or done.taken_back):
            log.info("operations.sweep.done", sent=done.sent, taken_back=done.taken_back, given_up=done.given_up)
    log.info("operations.sweep.stopped")


@contextlib.contextmanager
def sweep_beside(app: Flask, note_progress: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Sweep in a thread while the block runs. Yields a function that tells whether the thread is alive."""
    stop = threading.Event()

    def run() -> None:
        with app.app_context():
            sweep_until(stop, note_progress)

    thread = threading.Thread(target=run, name="sweep", daemon=True)
    thread.start()
    try:
        yield thread.is_alive
    finally:
        stop.set()
        # A frozen database must not keep this process running. The sweep's lock ends with its connection.
        thread.join(timeout=3.0)
