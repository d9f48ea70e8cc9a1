"""What the watchdog makes of what it sees: a pure function from observations to a verdict.

Times are seconds of the monotonic clock. The rule behind all branches: silence counts only while nothing else
explains it. Whatever would explain it (the broker is away or just back, no sign can be written, all places are
taken, the watchdog itself stood still) starts the silence anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

_WELL_AFTER_SILENCES = 5
_STUCK_FOR_GOOD_SILENCES = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a sign may be missing, and how often and after which pauses a worker is restarted."""

    silence_s: float
    restarts: int
    pause_s: float

    @property
    def reconnect_s(self) -> float:
        """How long a broker must answer before its worker is expected to: Celery tries again every 30 s at most."""
        return self.silence_s / 2

    def pause_after(self, restarts: int) -> float:
        """Return how long nothing is judged after so many restarts in a row, in seconds."""
        return self.pause_s * float(2 ** (restarts - 1))


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A living main process and when its event loop last moved."""

    name: str
    places: int
    beat_at: float


@dataclass(frozen=True, slots=True)
class SeenChild:
    """A living process of the pool, when its interpreter last ran, and whether it was at work then."""

    pid: int
    busy: bool
    beat_at: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One look of the watchdog. None stands for what could not be found out."""

    now: float
    folder_ok: bool
    broker_ok: bool
    canary_out: bool
    worker: SeenWorker | None = None
    children: Sequence[SeenChild] = ()
    canary_at: float | None = None
    leases_lost: int | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from one look to the next."""

    looked_at: float
    broker_since: float | None = None
    absent_since: float | None = None
    worker: str | None = None
    known: str | None = None
    ended_by_us: bool = False
    loop_ok_at: float = 0.0
    pool_ok_at: float = 0.0
    canary_ok_at: float = 0.0
    leases_lost: int | None = None
    lost_at: float | None = None
    restarts: int = 0
    judges_from: float = 0.0


class Deed(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    COUNT = "count"
    END_CHILDREN = "end_children"
    RESTART = "restart"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, why, and to which processes of the pool."""

    deed: Deed
    reason: str = ""
    pids: tuple[int, ...] = ()


_NOTHING = Verdict(Deed.NOTHING)


def judge(memory: Memory, seen: Seen, rules: Rules) -> tuple[Memory, Verdict]:
    """Return what to remember and what to do."""
    before, memory = memory, _remember(memory, seen, rules)
    if _has_died(before, memory, rules):
        # One death alone is no reason to end a container, not even where no restart is allowed.
        if memory.restarts >= max(rules.restarts, 1):
            return memory, Verdict(Deed.GIVE_UP, "died")
        judges_from = max(memory.judges_from, seen.now)
        return replace(memory, restarts=memory.restarts + 1, judges_from=judges_from), Verdict(Deed.COUNT, "died")
    reason, pids = _find_fault(memory, seen, rules)
    if not reason:
        return _forgive(memory, seen, rules), Verdict(Deed.END_CHILDREN, "pool", pids) if pids else _NOTHING
    if memory.restarts >= rules.restarts:
        return memory, Verdict(Deed.GIVE_UP, reason)
    return _restarted(memory, seen, rules), Verdict(Deed.RESTART, reason)


def _has_died(before: Memory, memory: Memory, rules: Rules) -> bool:
    """Tell whether another worker is there than before though nobody here ended that one.

    Its supervisor starts it again for ever when it lives for a few seconds each time, and each new one shows all
    signs of life. Without its broker a worker may end by itself, which no other container would do better.
    """
    is_other = memory.worker is not None and before.known not in (None, memory.worker)
    return is_other and not before.ended_by_us and _is_broker_settled(memory, memory.looked_at, rules)


def _restarted(memory: Memory, seen: Seen, rules: Rules) -> Memory:
    restarts = memory.restarts + 1
    until = seen.now + rules.pause_after(restarts)
    return replace(memory, restarts=restarts, judges_from=until, absent_since=None, ended_by_us=True)


def _remember(memory: Memory, seen: Seen, rules: Rules) -> Memory:
    now = seen.now
    broker_since = (memory.broker_since if memory.broker_since is not None else now) if seen.broker_ok else None
    memory = replace(memory, broker_since=broker_since)
    if seen.worker is None:
        absent_since = memory.absent_since if memory.absent_since is not None else now
        memory = replace(memory, absent_since=absent_since, worker=None)
    elif seen.worker.name != memory.worker:
        memory = replace(
            memory,
            worker=seen.worker.name,
            known=seen.worker.name,
            ended_by_us=False,
            absent_since=None,
            loop_ok_at=now,
            pool_ok_at=now,
            canary_ok_at=now,
            leases_lost=seen.leases_lost,
            lost_at=None,
        )
    else:
        memory = _remember_signs(memory, seen, seen.worker, rules)
    return replace(memory, looked_at=now)


def _remember_signs(memory: Memory, seen: Seen, worker: SeenWorker, rules: Rules) -> Memory:
    now = seen.now
    # After a gap in our own looks, as when the machine was suspended, everybody else stood still as well.
    blind = now < memory.judges_from or not seen.folder_ok or now - memory.looked_at > rules.silence_s / 2
    loop_ok = blind or not _is_broker_settled(memory, now, rules)
    canary_ok = loop_ok or not seen.canary_out or _is_full(seen, worker)
    return replace(
        memory,
        loop_ok_at=now if loop_ok else max(memory.loop_ok_at, worker.beat_at),
        pool_ok_at=now if blind else memory.pool_ok_at,
        canary_ok_at=now if canary_ok else max(memory.canary_ok_at, seen.canary_at or 0.0),
        leases_lost=memory.leases_lost if seen.leases_lost is None else seen.leases_lost,
        lost_at=now if _has_lost_more(memory, seen) else memory.lost_at,
    )


def _is_broker_settled(memory: Memory, now: float, rules: Rules) -> bool:
    return memory.broker_since is not None and now - memory.broker_since >= rules.reconnect_s


def _has_lost_more(memory: Memory, seen: Seen) -> bool:
    return seen.leases_lost is not None and memory.leases_lost is not None and seen.leases_lost > memory.leases_lost


def _is_full(seen: Seen, worker: SeenWorker) -> bool:
    """Tell whether every place is taken: then no canary can come back. Who hangs there is found by his beat."""
    return sum(child.busy for child in seen.children) >= worker.places


def _find_fault(memory: Memory, seen: Seen, rules: Rules) -> tuple[str, tuple[int, ...]]:
    """Return why the worker must be restarted, or "" and the processes of the pool that must be ended."""
    now = seen.now
    if now < memory.judges_from:
        return "", ()
    if seen.worker is None:
        # Its supervisor starts it within seconds; what never comes to write its first sign needs more than that.
        since = max(memory.absent_since or now, memory.judges_from)
        return ("missing" if now - since > 2 * rules.silence_s else ""), ()
    if now - memory.loop_ok_at > rules.silence_s:
        return "heartbeat", ()
    if now - memory.canary_ok_at > rules.silence_s:
        return "canary", ()
    silent = {child.pid: now - max(child.beat_at, memory.pool_ok_at) for child in seen.children}
    if any(silence > _STUCK_FOR_GOOD_SILENCES * rules.silence_s for silence in silent.values()):
        return "pool", ()
    stuck = (c.pid for c in seen.children if silent[c.pid] > _patience_with(c, memory, rules))
    return "", tuple(stuck)


def _patience_with(child: SeenChild, memory: Memory, rules: Rules) -> float:
    """Return how long a process of the pool may be silent: half as long where a lost lease bears witness too."""
    witnessed = memory.lost_at is not None and memory.lost_at > child.beat_at
    return rules.silence_s if witnessed else 2 * rules.silence_s


def _forgive(memory: Memory, seen: Seen, rules: Rules) -> Memory:
    """Forget the restarts once the worker has long been well while it could have been seen to be unwell."""
    if memory.restarts == 0 or seen.worker is None or memory.broker_since is None:
        return memory
    well_since = max(memory.judges_from, memory.broker_since)
    if seen.now - well_since <= _WELL_AFTER_SILENCES * rules.silence_s:
        return memory
    return replace(memory, restarts=0)
