"""Asking a part that may never answer, without ever waiting long for it."""

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


class _Question(Generic[T]):
    """One question that was asked: since when, and what came of it."""

    def __init__(self, asked_at: float, silent: T) -> None:
        self.asked_at = asked_at
        self.ended_at: float | None = None
        self.found = silent
        self.thread: threading.Thread | None = None


class Probe(Generic[P, T]):
    """A check whose result is there within a bound, whatever the part that is looked at does.

    A client's own time limits are not enough for that: a server that was frozen takes connections and then says
    nothing, and neither a name that is not resolved nor ``statement_timeout`` knows a limit of ours. So the check
    runs in a thread. One is waited for at a time, however many ask; its result may be remembered, so that fifty who
    ask at once are one check. The thread is started by the first who asks, hence in the process that needs it:
    threads do not survive a fork. It is a daemon, so that a process can end while nobody answers.

    Args:
        name: What is looked at, for the log.
        check: Does the looking. Should it raise, the answer is ``when_silent``.
        when_silent: The answer while a check does not come back.
        wait_s: How long after its start a check is waited for.
        remember_s: How long a result is the answer to whoever asks after it.
        abandon_s: After how long a check that does not come back is given up for a new one, since its connection
            may be dead without having noticed. Each that still hangs doubles the time, so that hours of silence
            are a dozen threads.
        renew: Called before a check that follows one that was given up: gives up what that one may hold.
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
        self._asked: _Question[T] | None = None
        self._abandoned: list[threading.Thread] = []

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
        """Start a check, unless one is running or the last one's result is still remembered. Returns at once.

        What is returned waits for the answer, as ``answer`` does.
        """
        with self._changed:
            before, now = self._asked, time.monotonic()
            asked = self._start(*args, **kwargs)
            # Settled here: who asks after that time may ask something else, and must not be told a late answer.
            late = asked is before and asked.ended_at is None and now - asked.asked_at >= self._wait_s
        return partial(self._wait, asked, late)

    def answer(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the newest check found, waiting for it until ``wait_s`` after its start. Never raises."""
        return self.ask(*args, **kwargs)()

    def _wait(self, asked: _Question[T], late: bool) -> T:
        with self._changed:
            while late or asked.ended_at is None:
                left_s = asked.asked_at + self._wait_s - time.monotonic()
                if left_s <= 0:
                    log.warning("core.probe.silent", probe=self._name)
                    return self._when_silent
                self._changed.wait(left_s)
            return asked.found

    def _start(self, *args: P.args, **kwargs: P.kwargs) -> _Question[T]:
        before, now = self._asked, time.monotonic()
        renews = False
        if before is not None:
            if before.ended_at is not None:
                if now - before.ended_at < self._remember_s:
                    return before
            elif not self._is_given_up(before, now):
                return before
            else:
                renews = True
        asked = _Question(now, self._when_silent)

        def run() -> None:
            if renews and self._renew is not None:
                self._renew()
            asked.found = self._check(*args, **kwargs)

        thread = threading.Thread(target=self._run, args=(asked, run), name=f"probe-{self._name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            log.warning("core.probe.no_thread", probe=self._name)
            asked.ended_at = now
            return asked
        if renews and before is not None and before.thread is not None:
            log.warning("core.probe.abandoned", probe=self._name, after_s=round(now - before.asked_at, 1))
            self._abandoned.append(before.thread)
        asked.thread = thread
        self._asked = asked
        return asked

    def _is_given_up(self, asked: _Question[T], now: float) -> bool:
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        return now - asked.asked_at > self._abandon_s * 2.0 ** len(self._abandoned)

    def _run(self, asked: _Question[T], run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:
            log.warning("core.probe.failed", probe=self._name, error=type(error).__name__)
        with self._changed:
            asked.ended_at = time.monotonic()
            self._changed.notify_all()
