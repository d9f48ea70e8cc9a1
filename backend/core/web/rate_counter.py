"""Counting requests in windows of time: in Redis, which all processes share, or here while it does not take part.

Nothing here raises and nothing waits long: a Redis that is away, frozen or full costs the requests that find it so
a fifth of a second once. From then on each process counts on its own, with the same limits, until a thread beside
the requests has seen Redis count again.
"""

import threading
import time
from functools import cached_property
from typing import NamedTuple

from limits import RateLimitItem, parse
from limits.storage import RedisStorage

from backend.core.process.logging import get_logger
from backend.core.process.probe import Probe
from backend.core.work.queue import connect_to_broker

log = get_logger(__name__)

# Apart from the names that Celery gives, and from our own of the queue.
_PREFIX = "hackthestudy:limit"
# For connecting and for an answer, each.
_TIMEOUT_S = 0.2
_PAUSE_S = 3.0
# A process takes a hundredth of a limit at a time, so that most requests need no round trip. What it has left of it
# when the window ends was no other process's to use; of a limit below two hundred that is nothing.
_TAKEN_AT_ONCE = 100
_FEWEST_PRUNED = 1000

# The library's own way takes a second round trip for the end of the window. A window begins with its first request;
# a key without an end, whoever left it so, is given one, since the broker drops nothing to make room.
_COUNT = b"""
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left_ms = redis.call('PTTL', KEYS[1])
if left_ms < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    left_ms = tonumber(ARGV[2])
end
return {count, left_ms}
"""


class Limit:
    """So many requests in so many seconds. ``text`` is such as ``600/minute``."""

    def __init__(self, text: str) -> None:
        self.item: RateLimitItem = parse(text)
        self.amount = self.item.amount
        self.window_s = self.item.get_expiry()
        self.batch = max(self.amount // _TAKEN_AT_ONCE, 1)


class Window(NamedTuple):
    """The window of one limit after a request: whether that was within it, what is left, and until when."""

    allowed: bool
    remaining: int
    ends_in_s: float


class RateCounter:
    """Counts requests by limit and by whose they are.

    Args:
        url: Redis, with its password.
        pause_s: How long Redis is left alone before it is looked at again, so that one that answers only now and
            then delays few requests.
    """

    def __init__(self, url: str, *, pause_s: float = _PAUSE_S) -> None:
        self._url = url
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._memory = _Memory()
        self._taken = _Taken()
        self._degraded = False
        self._look_at = 0.0
        self._probe = Probe("rate-limits", self._look_again, when_silent=False)

    @cached_property
    def _redis(self) -> "_Redis":
        # Made at the first request, hence after the fork.
        return _Redis(self._url)

    def count(self, limit: Limit, *whose: str) -> Window:
        """Count one request. Never raises."""
        key = limit.item.key_for(*whose)
        if not self._degraded:
            try:
                return self._taken.use(key) or self._take(limit, key)
            except Exception as error:
                # Whatever it is: a request is neither refused nor let through uncounted because of it.
                self._degrade(error)
        elif time.monotonic() >= self._look_at:
            # Not waited for.
            self._probe.ask()
        count, ends_in_s = self._memory.count(key, limit.window_s)
        return Window(count <= limit.amount, max(limit.amount - count, 0), ends_in_s)

    def _take(self, limit: Limit, key: str) -> Window:
        """Take a batch of the limit from Redis, use one of it and keep the others."""
        count, ends_in_s = self._redis.count(key, limit.batch, limit.window_s)
        got = min(limit.amount - (count - limit.batch), limit.batch)
        beyond = max(limit.amount - count, 0)
        if got > 1:
            self._taken.keep(key, got - 1, beyond, ends_in_s)
        return Window(got > 0, max(got - 1, 0) + beyond, ends_in_s)

    def _degrade(self, error: Exception) -> None:
        with self._lock:
            self._look_at = time.monotonic() + self._pause_s
            if self._degraded:
                return
            self._degraded = True
        log.warning("core.rate_limits.degraded", error=type(error).__name__)

    def _look_again(self) -> bool:
        """Take Redis back if it counts. What is looked for is a write, since one that is full answers what is read."""
        try:
            self._redis.count("look", 1, 1)
        except Exception:
            with self._lock:
                self._look_at = time.monotonic() + self._pause_s
            return False
        with self._lock:
            if not self._degraded:
                return True
            self._degraded = False
        # As loud as the other: whoever has read that one looks for this one.
        log.warning("core.rate_limits.recovered")
        return True


class _Redis(RedisStorage):
    """The library's storage, with connections of the house and a way of counting that is one round trip."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connection_pool=connect_to_broker(url, timeout_s=_TIMEOUT_S), key_prefix=_PREFIX)
        self._count = self.get_connection().register_script(_COUNT)

    def count(self, key: str, amount: int, window_s: int) -> tuple[int, float]:
        """Count so many; return how many there are in the window then, and in how many seconds it ends."""
        count, left_ms = self._count([self.prefixed_key(key)], [amount, window_s * 1000])
        return int(count), int(left_ms) / 1000


class _Kept(NamedTuple):
    ends_at: float
    number: int
    beyond: int = 0


class _Windows:
    """Counts by key until their windows end, by a clock that nobody sets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._prune_at = _FEWEST_PRUNED

    def _find(self, key: str, now: float) -> _Kept | None:
        found = self._kept.get(key)
        return found if found is not None and found.ends_at > now else None

    def _keep(self, key: str, kept: _Kept, now: float) -> None:
        self._kept[key] = kept
        # Whoever changes his address with each request must not fill the memory: what has ended goes, at each
        # doubling, so that the look at all of them is paid for by as many requests.
        if len(self._kept) >= self._prune_at:
            self._kept = {key: each for key, each in self._kept.items() if each.ends_at > now}
            self._prune_at = max(_FEWEST_PRUNED, 2 * len(self._kept))

    def __len__(self) -> int:
        return len(self._kept)


class _Memory(_Windows):
    """Counts as Redis does, for this process alone.

    The library has such a storage, but it goes by the clock of the wall and starts a thread for most requests.
    """

    def count(self, key: str, window_s: int) -> tuple[int, float]:
        """Count one; return how many there are in the window then, and in how many seconds it ends."""
        now = time.monotonic()
        with self._lock:
            before = self._find(key, now) or _Kept(now + window_s, 0)
            kept = before._replace(number=before.number + 1)
            self._keep(key, kept, now)
        return kept.number, kept.ends_at - now


class _Taken(_Windows):
    """What was taken of limits in Redis and not used yet; ``beyond`` is what was left there."""

    def use(self, key: str) -> Window | None:
        """Use one, if there is one."""
        now = time.monotonic()
        with self._lock:
            kept = self._find(key, now)
            if kept is None or kept.number == 0:
                return None
            self._kept[key] = kept._replace(number=kept.number - 1)
        return Window(True, kept.number - 1 + kept.beyond, kept.ends_at - now)

    def keep(self, key: str, count: int, beyond: int, ends_in_s: float) -> None:
        """Keep so many, beside those that another request has taken at the same moment."""
        now = time.monotonic()
        with self._lock:
            before = self._find(key, now)
            already = before.number if before is not None else 0
            self._keep(key, _Kept(now + ends_in_s, already + count, beyond), now)
