"""Questions that may take too long: one thread asks at a time, and whoever wants to know waits only so long."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

# When a question that was never answered is asked anew: its connection may be dead without having noticed.
_ABANDON_S = 30.0


class SingleFlight(Generic[T]):
    """One question. While nobody answers it, it keeps one thread and one connection, however often it is asked.

    A thread is started by the process that asks, so an object made before a fork serves the children too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flight: Future[T] | None = None
        self._started = 0.0

    def start(self, ask: Callable[[], T]) -> "Future[T]":
        """Ask in a thread of its own, or join whoever is asking already."""
        with self._lock:
            abandoned = time.monotonic() - self._started > _ABANDON_S
            if self._flight is None or self._flight.done() or abandoned:
                self._flight = Future()
                self._started = time.monotonic()
                # A daemon, so that a process can end while nobody answers.
                threading.Thread(target=_ask, args=(ask, self._flight), name="look", daemon=True).start()
            return self._flight


def _ask(ask: Callable[[], T], flight: "Future[T]") -> None:
    try:
        flight.set_result(ask())
    except Exception as error:
        flight.set_exception(error)
