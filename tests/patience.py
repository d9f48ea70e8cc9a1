"""How long tests wait: the one place in which tests read a clock and ``TEST_PATIENCE``.

A test waits for a condition, and ``HANG_S`` only ends one that hangs. What the product promises in seconds keeps its
clock. ``TEST_PATIENCE`` multiplies both: 1 by default, 4 on a machine that has other work to do.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TEST_PATIENCE = float(os.environ.get("TEST_PATIENCE") or 1)
_POLL_S = 0.02
_TRIES = 3
# How much larger the second piece of work of `check_linear` is. Work that grows with the square takes 64 times as long.
_LARGER = 8
_LINEAR = 32


def patient_s(seconds: float) -> float:
    """Return the seconds, stretched for a busy machine."""
    return seconds * TEST_PATIENCE


HANG_S = patient_s(120.0)
"""Far more than anything takes: it ends a test that hangs, and says nothing about speed."""


class Stopwatch:
    """Measures from the moment in which it is made, for figures that are noted."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def took_s(self) -> float:
        """The seconds so far."""
        return time.monotonic() - self._began


def wait_for(what: str, condition: Callable[[], Any], promised_s: float | None = None) -> Any:
    """Return the first true value of ``condition``; fail, naming ``what``, when it does not come.

    ``promised_s`` is what the product promises, where it does.
    """
    within_s = HANG_S if promised_s is None else patient_s(promised_s)
    watch = Stopwatch()
    while not (value := condition()):
        if watch.took_s > within_s:
            pytest.fail(f"{what}: not within {within_s:.0f} s")
        time.sleep(_POLL_S)
    return value


def join(thread: threading.Thread) -> None:
    """Wait for the end of a thread; fail when it does not end."""
    thread.join(HANG_S)
    if thread.is_alive():
        pytest.fail(f"{thread.name} has not ended within {HANG_S:.0f} s")


def pause(seconds: float, why: str) -> None:
    """Let time pass where passing time is the point; ``why`` says in which way. No result may depend on its end."""
    assert why
    time.sleep(seconds)


def rounds(for_s: float, pause_s: float = 0.0) -> Iterator[None]:
    """Repeat a loop for some seconds, at least once."""
    watch = Stopwatch()
    while True:
        yield
        if watch.took_s >= for_s:
            return
        time.sleep(pause_s)


@contextmanager
def promised(what: str, seconds: float) -> Iterator[Stopwatch]:
    """Fail when the block takes longer than the product promises."""
    watch = Stopwatch()
    yield watch
    _check(what, watch.took_s, seconds)


def measure_promise(what: str, measure: Callable[[], float], seconds: float) -> float:
    """Return the best of some measurements in seconds; fail when none keeps what the product promises.

    Other programs only ever make a machine slower, so one measurement within the promise is enough.
    """
    best_s = measure()
    for _ in range(_TRIES - 1):
        if best_s < patient_s(seconds):
            break
        best_s = min(best_s, measure())
    _check(what, best_s, seconds)
    return best_s


def check_linear(work: Callable[[int], object], size: int) -> None:
    """Check that the processor time of ``work(size)`` grows with the size, and not with its square.

    Two times of the same machine are compared, so its speed does not count.
    """
    small_s, large_s = (min(_processor_s(work, each) for _ in range(_TRIES)) for each in (size, _LARGER * size))
    if large_s > _LINEAR * small_s:
        pytest.fail(f"{_LARGER} times the work took {large_s / small_s:.0f} times as long")


def _processor_s(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began


def _check(what: str, took_s: float, promised_s: float) -> None:
    if took_s >= patient_s(promised_s):
        pytest.fail(f"{what} took {took_s:.1f} s; promised: {promised_s:g} s, times TEST_PATIENCE ({TEST_PATIENCE:g})")
