"""Health checks of dependencies that may hang, with a bounded wait."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, ParamSpec, TypeVar

from backend.core.process.logging import get_logger

log = get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

_WAIT_S = 0.6
_ABANDON_S = 30.0


class _Check(Generic[T]):
    """One running or finished check, with its start time and result."""

    def __init__(self, started_at: float, silent: T) -> None:
        self.started_at = started_at
        self.ended_at: float | None = None
        self.found = silent
        self.thread: threading.Thread | None = None


class Probe(Generic[P, T]):
    """A check that returns within a time limit, even if the checked dependency hangs.

    A client's own timeouts are not enough: a frozen server accepts connections and then never answers, resolving a
    name has no timeout of ours, and ``statement_timeout`` needs a server that works. So the check runs in a thread.
    Concurrent callers share one check, and its result can be remembered. The thread is started by the first caller, so
    it exists in the process that needs it: threads do not survive a fork. It is a daemon thread, so a hanging check
    does not keep the process from ending.

    Args:
        name: Name of the dependency, for the log.
        check: Checks it. If it raises, the result is ``when_silent``.
        when_silent: The result while a check hangs.
        wait_s: Maximum wait for a check, from its start.
        remember_s: How long a result is reused.
        abandon_s: After this time, a hanging check is abandoned and a new one started, because its connection may be
            dead without noticing. The time doubles with each abandoned check that still hangs, so that hours of
            silence cost a dozen threads.
        renew: Called before the check that follows an abandoned one, to let go of what that one may hold.
    """

    def __init__(
        self,
        name: str,
        check: Callable[P, T],
        *,
        when_silent: T,
        wait_s: float = _WAIT_S,
        remember_s: float = 0.0,
        abandon_s: float = _ABANDON_S,
        renew: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._check = check
        self._when_silent = when_silent
        self._wait_s = wait_s
        self._remember_s = remember_s
        self._abandon_s = abandon_s
        self._renew = renew
        self._changed = threading.Condition()
        self._newest: _Check[T] | None = None
        self._abandoned: list[threading.Thread] = []

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
        """Start a check unless one is running or a result is still remembered, and return immediately.

        The returned function waits for the result, as ``answer`` does.
        """
        with self._changed:
            before, now = self._newest, time.monotonic()
            check = self._start(*args, **kwargs)
            # Decided here: a caller who joins after the time limit must not get the late result of an older check.
            late = check is before and check.ended_at is None and now - check.started_at >= self._wait_s
        return partial(self._wait, check, late)

    def answer(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the newest check's result, waiting until ``wait_s`` after its start. Never raises."""
        return self.ask(*args, **kwargs)()

    def _wait(self, check: _Check[T], late: bool) -> T:
        with self._changed:
            while late or check.ended_at is None:
                left_s = check.started_at + self._wait_s - time.monotonic()
                if left_s <= 0:
                    log.warning("core.probe.silent", probe=self._name)
                    return self._when_silent
                self._changed.wait(left_s)
            return check.found

    def _start(self, *args: P.args, **kwargs: P.kwargs) -> _Check[T]:
        before, now = self._newest, time.monotonic()
        renews = False
        if before is not None:
            if before.ended_at is not None:
                if now - before.ended_at < self._remember_s:
                    return before
            elif not self._is_given_up(before, now):
                return before
            else:
                renews = True
        check = _Check(now, self._when_silent)

        def run() -> None:
            if renews and self._renew is not None:
                self._renew()
            check.found = self._check(*args, **kwargs)

        thread = threading.Thread(target=self._run, args=(check, run), name=f"probe-{self._name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            log.warning("core.probe.no_thread", probe=self._name)
            check.ended_at = now
            return check
        if renews and before is not None and before.thread is not None:
            log.warning("core.probe.abandoned", probe=self._name, after_s=round(now - before.started_at, 1))
            self._abandoned.append(before.thread)
        check.thread = thread
        self._newest = check
        return check

    def _is_given_up(self, check: _Check[T], now: float) -> bool:
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        return now - check.started_at > self._abandon_s * 2.0 ** len(self._abandoned)

    def _run(self, check: _Check[T], run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:
            log.warning("core.probe.failed", probe=self._name, error=type(error).__name__)
        with self._changed:
            check.ended_at = time.monotonic()
            self._changed.notify_all()
