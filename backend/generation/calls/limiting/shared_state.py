"""Keeps the state of each model in Redis, or in this process while Redis fails.

The rules are Python for both. In Redis, a change is made to what was read, and written only if nobody else has written
meanwhile; otherwise it is made again. The clock is that of Redis.
"""

import secrets
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import redis

from backend.core.process.logging import get_logger
from backend.core.process.probe import Probe
from backend.core.work.queue import connect_to_broker
from backend.generation.calls.limiting.rules import advance
from backend.generation.calls.limiting.state import State, decode, encode

log = get_logger(__name__)

_random = secrets.SystemRandom()

T = TypeVar("T")

# The number changes with the fields, so that two releases never read each other's state.
_PREFIX = "hackthestudy:calls:1:"
_TIMEOUT_S = 0.3
_LIFE_MS = 24 * 3600 * 1000
_MAX_TRIES = 50
_RETRY_S = 0.005

_READ = b"""
local time = redis.call('TIME')
return {time[1], time[2], redis.call('GET', KEYS[1])}
"""
_WRITE = b"""
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class SharedState:
    """Applies changes to the state of a model. Never raises.

    A Redis that is unreachable, frozen or full delays the calls that find it so, once. From then on each process goes
    on by itself, from what it saw last, until a thread beside the calls sees Redis write again.

    Args:
        url: Redis, with its password.
        lease_s: How long a call may take. One that is not heard of for so long has lost its worker.
        check_pause_s: Pause between two checks of a failing Redis.
    """

    def __init__(self, url: str, *, lease_s: float, check_pause_s: float) -> None:
        self._url = url
        self._lease_s = lease_s
        self._check_pause_s = check_pause_s
        # One change at a time in a process, so that its threads do not make one another try again.
        self._lock = threading.Lock()
        self._last_seen: dict[str, State] = {}
        # The clock of Redis, less this process's.
        self._ahead_s = time.time() - time.monotonic()
        self._degraded = False
        self._check_at = 0.0
        self._probe = Probe("call-limits", self._check, when_silent=False)

    @cached_property
    def _redis(self) -> redis.Redis:
        # Connected at the first change: connections do not survive a fork.
        return redis.Redis(connection_pool=connect_to_broker(self._url, timeout_s=_TIMEOUT_S))

    @cached_property
    def _scripts(self) -> tuple[Callable[..., list[bytes]], Callable[..., int]]:
        return self._redis.register_script(_READ), self._redis.register_script(_WRITE)

    def change(self, key: str, apply: Callable[[State], T]) -> T:
        """Apply the change to the present state, keep it, and return what ``apply`` returns. It may run repeatedly."""
        with self._lock:
            if not self._degraded:
                try:
                    return self._change_in_redis(key, apply)
                except Exception as error:
                    # Whatever it is, calls must go on.
                    self._degrade(error)
            elif time.monotonic() >= self._check_at:
                # Only starts the check; the call does not wait for it.
                self._probe.ask()
            return self._change_here(key, apply)

    def _change_in_redis(self, key: str, apply: Callable[[State], T]) -> T:
        read, write = self._scripts
        name = _PREFIX + key
        for _ in range(_MAX_TRIES):
            seconds, microseconds, text = read([name])
            now = int(seconds) + int(microseconds) / 1e6
            self._ahead_s = now - time.monotonic()
            state = decode(text, now)
            advance(state, now, lease_s=self._lease_s)
            result = apply(state)
            if write([name], [text or b"", encode(state), _LIFE_MS]):
                self._last_seen[key] = state
                return result
            time.sleep(_random.uniform(0, _RETRY_S))
        raise TimeoutError

    def _change_here(self, key: str, apply: Callable[[State], T]) -> T:
        now = time.monotonic() + self._ahead_s
        state = self._last_seen.setdefault(key, State(now))
        advance(state, now, lease_s=self._lease_s)
        return apply(state)

    def _degrade(self, error: Exception) -> None:
        self._check_at = time.monotonic() + self._check_pause_s
        self._degraded = True
        log.warning("generation.calls.limits_degraded", error=type(error).__name__)

    def _check(self) -> bool:
        """Return to Redis if it writes. A full Redis still answers reads."""
        try:
            self._redis.set(_PREFIX + "check", 1, ex=10)
        except Exception:
            self._check_at = time.monotonic() + self._check_pause_s
            return False
        with self._lock:
            self._degraded = False
        # A warning like its counterpart, so that both appear at every log level that shows one of them.
        log.warning("generation.calls.limits_recovered")
        return True
