"""Counts requests in fixed windows: in Redis, which all processes share, or in this process while Redis fails.

Nothing here raises. A Redis that is unreachable, frozen or full delays the requests that find it so by 0.2 s, once.
From then on each process counts alone, with the same limits, until a thread beside the requests sees Redis count again.
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

# Celery's keys and those of our queue have other prefixes.
_PREFIX = "hackthestudy:limit"
# For connecting, and again for the reply.
_TIMEOUT_S = 0.2
_PAUSE_S = 3.0
# A process takes a hundredth of a limit at a time, so that most requests need no round trip. Other processes cannot
# use the rest of a batch; limits below 200 have batches of one and are exact.
_BATCHES_PER_LIMIT = 100
_MIN_PRUNED = 1000

# The library needs a second round trip for the end of the window. It also never gives an end to a key that lost its
# own, and would refuse that user forever.
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
    """A number of requests per window.

    Args:
        text: Such as ``600/minute``.
        times: Allows so many times as many requests.
    """

    def __init__(self, text: str, *, times: int = 1) -> None:
        parsed = parse(text)
        self.item: RateLimitItem = type(parsed)(parsed.amount * times, parsed.multiples)
        self.amount = self.item.amount
        self.window_s = self.item.get_expiry()
        self.batch = max(self.amount // _BATCHES_PER_LIMIT, 1)


class Window(NamedTuple):
    """The state of a window after one request."""

    allowed: bool
    remaining: int
    ends_in_s: float


class RateCounter:
    """Counts requests by limit and by caller.

    Args:
        url: Redis, with its password.
        pause_s: Pause between two checks of a failing Redis, so that one that still hangs delays few requests.
    """

    def __init__(self, url: str, *, pause_s: float = _PAUSE_S) -> None:
        self._url = url
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._batches = _Allowances()
        self._fallback = _Allowances()
        self._degraded = False
        self._check_at = 0.0
        self._probe = Probe("rate-limits", self._check, when_silent=False)

    @cached_property
    def _redis(self) -> "_Redis":
        # Connected at the first request: connections do not survive a fork.
        return _Redis(self._url)

    def count(self, limit: Limit, *caller: str) -> Window:
        """Count one request. Never raises."""
        key = limit.item.key_for(*caller)
        if not self._degraded:
            try:
                return self._batches.use(key) or self._take_batch(limit, key)
            except Exception as error:
                # Whatever it is, it must not refuse the request or let it pass uncounted.
                self._degrade(error)
        elif time.monotonic() >= self._check_at:
            # Only starts the check; the request does not wait for it.
            self._probe.ask()
        ends_in_s = self._fallback.open(key, limit.amount, limit.window_s)
        return self._fallback.use(key) or Window(False, 0, ends_in_s)

    def _take_batch(self, limit: Limit, key: str) -> Window:
        """Take a batch of the limit from Redis, use one request of it and keep the others."""
        count, ends_in_s = self._redis.count(key, limit.batch, limit.window_s)
        taken = min(limit.amount - (count - limit.batch), limit.batch)
        beyond = max(limit.amount - count, 0)
        if taken > 1:
            self._batches.add(key, taken - 1, beyond, ends_in_s)
        return Window(taken > 0, max(taken - 1, 0) + beyond, ends_in_s)

    def _degrade(self, error: Exception) -> None:
        with self._lock:
            self._check_at = time.monotonic() + self._pause_s
            if self._degraded:
                return
            self._degraded = True
        log.warning("core.rate_limits.degraded", error=type(error).__name__)

    def _check(self) -> bool:
        """Return to Redis if it counts. Only a write tells: a full Redis answers PING."""
        try:
            self._redis.count("check", 1, 1)
        except Exception:
            with self._lock:
                self._check_at = time.monotonic() + self._pause_s
            return False
        with self._lock:
            if not self._degraded:
                return True
            self._degraded = False
        # A warning like its counterpart, so that both appear at every log level that shows one of them.
        log.warning("core.rate_limits.recovered")
        return True


class _Redis(RedisStorage):
    """The library's storage, with our time limits and a count that takes one round trip."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connection_pool=connect_to_broker(url, timeout_s=_TIMEOUT_S), key_prefix=_PREFIX)
        self._count = self.get_connection().register_script(_COUNT)

    def count(self, key: str, amount: int, window_s: int) -> tuple[int, float]:
        """Add ``amount``; return the new count and the seconds until the window ends."""
        count, left_ms = self._count([self.prefixed_key(key)], [amount, window_s * 1000])
        return int(count), int(left_ms) / 1000


class _Allowance(NamedTuple):
    left: int
    beyond: int
    ends_at: float


class _Allowances:
    """Requests that this process may still let through by itself, by key, until their window ends.

    The clock is monotonic. The library's ``MemoryStorage`` goes by the wall clock, starts a thread for every tenth
    request and walks all keys in each (docs/architecture.md, "Limits").
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Allowance] = {}
        self._prune_at = _MIN_PRUNED

    def use(self, key: str) -> Window | None:
        """Use one request; None when none is left."""
        now = time.monotonic()
        with self._lock:
            found = self._find(key, now)
            if found is None or found.left == 0:
                return None
            found = self._open[key] = found._replace(left=found.left - 1)
        return Window(True, found.left + found.beyond, found.ends_at - now)

    def add(self, key: str, count: int, beyond: int, ends_in_s: float) -> None:
        """Add requests to those that a concurrent request may have added; ``beyond`` are left in Redis."""
        now = time.monotonic()
        with self._lock:
            found = self._find(key, now)
            already = found.left if found is not None else 0
            self._keep(key, _Allowance(already + count, beyond, now + ends_in_s), now)

    def open(self, key: str, count: int, window_s: int) -> float:
        """Open a window unless the key has one; return the seconds until it ends."""
        now = time.monotonic()
        with self._lock:
            found = self._find(key, now)
            if found is None:
                found = _Allowance(count, 0, now + window_s)
                self._keep(key, found, now)
        return found.ends_at - now

    def _find(self, key: str, now: float) -> _Allowance | None:
        found = self._open.get(key)
        return found if found is not None and found.ends_at > now else None

    def _keep(self, key: str, allowance: _Allowance, now: float) -> None:
        self._open[key] = allowance
        # A client that changes its address with each request must not fill the memory. Pruning only at each doubling
        # spreads the cost of the walk over as many requests.
        if len(self._open) >= self._prune_at:
            self._open = {key: each for key, each in self._open.items() if each.ends_at > now}
            self._prune_at = max(_MIN_PRUNED, 2 * len(self._open))
