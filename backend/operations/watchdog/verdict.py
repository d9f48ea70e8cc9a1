"""What the watchdog concludes from its observations of one program. Times are seconds of the monotonic clock.

Silence counts only while nothing else explains it. An excuse (the broker is unreachable or just back, nothing can be
written, all places are taken, the watchdog itself stood still) starts the silence again.
"""

import math
from typing import Literal, NamedTuple

from backend.operations.watchdog.heartbeat import Heartbeat
from backend.operations.watchdog.observation import Observation

_SIGNS = ("missing", "heartbeat", "canary", "pool")
_FORGIVE_AFTER_SILENCES = 5
_UNKILLABLE_AFTER_SILENCES = 3


class Verdict(NamedTuple):
    """``stuck`` are the processes of the pool to end, ``pause_s`` is how long nothing is judged after a restart."""

    action: Literal["nothing", "count_death", "end_processes", "restart", "give_up"]
    reason: str = ""
    pause_s: float = 0.0
    stuck: tuple[Heartbeat, ...] = ()


class Judge:
    """Judges one program. ``max_restarts`` in a row are allowed; ``pause_s`` after the first doubles each time.

    A thread that has been at work for longer than ``max_thread_s`` is stuck. Threads cannot be ended alone.
    """

    def __init__(
        self, silence_s: float, max_restarts: int, pause_s: float, now: float, max_thread_s: float = math.inf
    ) -> None:
        self.restarts = 0
        self._silence_s, self._max_restarts, self._pause_s = silence_s, max_restarts, pause_s
        self._max_thread_s = max_thread_s
        self._judged_at = self._judges_from = self._broker_down_at = now
        self._expected_since = dict.fromkeys(_SIGNS, now)
        self._worker, self._ended_by_us = "", False
        self._leases_lost, self._lease_lost_at = math.inf, 0.0

    def judge(self, seen: Observation) -> Verdict:
        has_died = self._note(seen)
        reason, stuck = ("died", ()) if has_died else self._find_fault(seen)
        if not reason:
            well_s = seen.now - max(self._judges_from, self._broker_down_at)
            if well_s > _FORGIVE_AFTER_SILENCES * self._silence_s:
                self.restarts = 0
            return Verdict("end_processes", "pool", stuck=stuck) if stuck else Verdict("nothing")
        # One death alone does not end the container, even where no restart is allowed.
        if self.restarts >= max(self._max_restarts, int(has_died)):
            return Verdict("give_up", reason)
        pause_s = 0.0 if has_died else self._pause_s * 2**self.restarts
        self._judges_from = max(self._judges_from, seen.now + pause_s)
        self.restarts += 1
        self._ended_by_us = not has_died
        return Verdict("count_death" if has_died else "restart", reason, pause_s)

    def _note(self, seen: Observation) -> bool:
        """Note what excuses a silence. Returns whether the worker has replaced one that ended by itself.

        If each lives for a few seconds, its supervisor starts another forever, and all of them show every sign of life.
        Without a broker a worker may end by itself; another container would not help.
        """
        now, worker = seen.now, seen.worker
        if not seen.broker_ok:
            self._broker_down_at = now
        # Celery waits for up to 30 s before it tries to reconnect.
        is_broker_settled = now - self._broker_down_at >= self._silence_s / 2
        # After a gap, as when the machine was suspended, the worker stood still as well.
        is_blind = now < self._judges_from or not seen.folder_ok or now - self._judged_at > self._silence_s / 2
        excused = set(_SIGNS) if is_blind else set()
        if not is_broker_settled:
            excused |= {"heartbeat", "canary"}
        has_died = False
        if worker is not None:
            excused.add("missing")
            if seen.busy >= worker.places:
                excused.add("canary")
            if worker.name != self._worker:
                has_died = self._worker != "" and not self._ended_by_us and is_broker_settled
                excused.update(_SIGNS)
                self._worker, self._ended_by_us = worker.name, False
        self._expected_since.update(dict.fromkeys(excused, now))
        if seen.leases_lost is not None:
            self._lease_lost_at = now if seen.leases_lost > self._leases_lost else self._lease_lost_at
            self._leases_lost = seen.leases_lost
        self._judged_at = now
        return has_died

    def _find_fault(self, seen: Observation) -> tuple[str, tuple[Heartbeat, ...]]:
        """Return why the program must be restarted, or "" and which processes of its pool must be ended."""

        def silences(sign: str, at: float | None) -> float:
            return (seen.now - max(at or 0.0, self._expected_since[sign])) / self._silence_s

        if seen.worker is None:
            # Starting takes longer than a heartbeat.
            return ("missing" if silences("missing", None) > 2 else ""), ()
        if silences("heartbeat", seen.worker.at) > 1:
            return "heartbeat", ()
        if silences("canary", seen.canary_at) > 1:
            return "canary", ()
        if seen.worker.longest_s > self._max_thread_s:
            return "thread", ()
        if any(silences("pool", process.at) > _UNKILLABLE_AFTER_SILENCES for process in seen.pool):
            return "pool", ()
        # A lost lease confirms that a process is stuck; without one it gets twice the time.
        return "", tuple(p for p in seen.pool if silences("pool", p.at) > (1 if self._lease_lost_at > p.at else 2))
