"""Looking at a part that may never answer, without ever waiting long for it."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from backend.core.logging import get_logger

log = get_logger(__name__)

T = TypeVar("T")

_PATIENCE_S = 0.6
_REMEMBERED_S = 1.0


class Probe(Generic[T]):
    """A check whose result is there within 0.6 s, whatever the part that is looked at does.

    A client's own time limits are not enough for that: a server that was frozen takes connections and then says
    nothing, and neither a name that is not resolved nor ``statement_timeout`` knows a limit of ours. So the check
    runs in a thread. At most one runs at a time, however many ask and however long it hangs; its result is
    remembered for a second, so that fifty who ask at once are one check. The thread is started by the first who
    asks, hence in the process that needs it: threads do not survive a fork.

    Args:
        name: What is looked at, for the log.
        check: Does the looking. Should it raise, the answer is ``when_silent``.
        when_silent: The answer while a check does not come back.
    """

    def __init__(self, name: str, check: Callable[[], T], *, when_silent: T) -> None:
        self._name = name
        self._check = check
        self._when_silent = when_silent
        self._changed = threading.Condition()
        self._running_since: float | None = None
        self._known: T = when_silent
        self._known_since = float("-inf")

    def ask(self) -> None:
        """Start a check, unless one is running or the last one's result is still remembered. Returns at once."""
        with self._changed:
            now = time.monotonic()
            if self._running_since is not None or now - self._known_since < _REMEMBERED_S:
                return
            self._running_since = now
            try:
                threading.Thread(target=self._run, name=f"probe-{self._name}", daemon=True).start()
            except RuntimeError:
                self._running_since = None
                log.warning("core.probe.no_thread", probe=self._name)

    def answer(self) -> T:
        """Return what the newest check found, waiting for it until 0.6 s after its start. Never raises."""
        self.ask()
        with self._changed:
            while self._running_since is not None:
                left_s = self._running_since + _PATIENCE_S - time.monotonic()
                if left_s <= 0:
                    log.warning("core.probe.silent", probe=self._name)
                    return self._when_silent
                self._changed.wait(left_s)
            return self._known

    def _run(self) -> None:
        try:
            found = self._check()
        except Exception as error:
            log.warning("core.probe.failed", probe=self._name, error=type(error).__name__)
            found = self._when_silent
        with self._changed:
            self._known, self._known_since = found, time.monotonic()
            self._running_since = None
            self._changed.notify_all()
