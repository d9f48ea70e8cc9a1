"""How long tests wait. Only this module reads a clock and ``TEST_PATIENCE``.

A test waits for a condition; ``HANG_S`` only ends a test that hangs. A time that the product promises is still
measured. ``TEST_PATIENCE`` multiplies both: 1 by default, 4 on a busy machine.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

TEST_PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)
_POLL_S = 0.02
_TRIES = 3
# How much larger the second input of `check_linear` is. Quadratic work takes 64 times as long.
_LARGER = 8
_LINEAR = 32


def patient_s(seconds: float) -> float:
    """Return the seconds, multiplied by ``TEST_PATIENCE``."""
    return seconds * TEST_PATIENCE


HANG_S = patient_s(120.0)
"""Far longer than anything takes: it ends a test that hangs and says nothing about speed."""


class Stopwatch:
    """Measures from the moment it is created, for figures that are recorded."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def took_s(self) -> float:
        return time.monotonic() - self._began


def wait_for(what: str, condition: Callable[[], Any], promised_s: float | None = None) -> Any:
    """Return the first true value of ``condition``. Fail with ``what`` if it never comes.

    ``promised_s`` is the time that the product promises, if it promises one.
    """
    within_s = HANG_S if promised_s is None else patient_s(promised_s)
    watch = Stopwatch()
    while not (value := condition()):
        if watch.took_s > within_s:
            raise AssertionError(f"{what}: not within {within_s:.0f} s")
        time.sleep(_POLL_S)
    return value


def join(thread: threading.Thread) -> None:
    """Wait until a thread ends; fail if it does not."""
    thread.join(HANG_S)
    if thread.is_alive():
        raise AssertionError(f"{thread.name} has not ended within {HANG_S:.0f} s")


def pause(seconds: float, why: str) -> None:
    """Let time pass where that is the point of the test; ``why`` explains it. No result may depend on it."""
    assert why
    time.sleep(seconds)


def rounds(for_s: float, pause_s: float = 0.0) -> Iterator[None]:
    """Repeat a loop for this many seconds, at least once."""
    watch = Stopwatch()
    while True:
        yield
        if watch.took_s >= for_s:
            return
        time.sleep(pause_s)


@contextmanager
def promised(what: str, seconds: float) -> Iterator[Stopwatch]:
    """Fail if the block takes longer than the product promises."""
    watch = Stopwatch()
    yield watch
    _check(what, watch.took_s, seconds)


def measure_promise(what: str, measure: Callable[[], float], seconds: float) -> float:
    """Return the best of several measurements in seconds. Fail if none keeps the product's promise.

    Other programs only slow a machine down, so one measurement within the promise is enough.
    """
    best_s = measure()
    for _ in range(_TRIES - 1):
        if best_s < patient_s(seconds):
            break
        best_s = min(best_s, measure())
    _check(what, best_s, seconds)
    return best_s


def check_linear(work: Callable[[int], object], size: int) -> None:
    """Check that the processor time of ``work(size)`` grows linearly, not quadratically.

    It compares two times from the same machine, so the machine's speed does not matter.
    """
    small_s, large_s = (min(_processor_s(work, each) for _ in range(_TRIES)) for each in (size, _LARGER * size))
    if large_s > _LINEAR * small_s:
        raise AssertionError(f"{_LARGER} times the work took {large_s / small_s:.0f} times as long")


def _processor_s(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began


def _check(what: str, took_s: float, promised_s: float) -> None:
    if took_s >= patient_s(promised_s):
        raise AssertionError(
            f"{what} took {took_s:.1f} s; promised: {promised_s:g} s, times TEST_PATIENCE ({TEST_PATIENCE:g})"
        )
