"""Calls, threads and a vendor on a clock of their own: hours pass immediately, whatever the machine's speed."""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.generation.calls.limiting import rules
from backend.generation.calls.limiting.state import State
from backend.generation.language_models.interface import RateLimits

Steps = Generator[float, None, None]
LEASE_S = 900.0


class Clock:
    """Runs generators, each of which yields the seconds until it goes on."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Steps]] = []

    def start(self, steps: Steps, after_s: float = 0.0) -> None:
        heapq.heappush(self._due, (self.now + after_s, next(self._order), steps))

    def run(self, until: Callable[[], bool], limit_s: float) -> None:
        end = self.now + limit_s
        while self._due and not until() and self.now < end:
            self.now, _, steps = heapq.heappop(self._due)
            wait_s = next(steps, None)
            if wait_s is not None:
                self.start(steps, wait_s)


@dataclass(frozen=True)
class Answer:
    """What the vendor said: 200, 429 or 503."""

    status: int
    retry_after_s: float | None = None
    limits: RateLimits | None = None


class Meter(Protocol):
    """How a vendor counts: takes the amount, or says how long until it is there."""

    limit: float

    def left(self, now: float) -> float: ...
    def take(self, amount: float, now: float) -> None: ...
    def wait_s(self, amount: float, now: float) -> float: ...
    def reset_s(self, now: float) -> float: ...


class Bucket:
    """Refills continuously, as at OpenAI and Anthropic."""

    def __init__(self, limit: float, period_s: float = 60.0) -> None:
        self.limit, self._rate, self._level, self._at = limit, limit / period_s, limit, 0.0

    def left(self, now: float) -> float:
        self._level = min(self.limit, self._level + self._rate * (now - self._at))
        self._at = now
        return self._level

    def take(self, amount: float, now: float) -> None:
        self._level = self.left(now) - amount

    def wait_s(self, amount: float, now: float) -> float:
        return max(amount - self.left(now), 0.0) / self._rate

    def reset_s(self, now: float) -> float:
        return (self.limit - self.left(now)) / self._rate


class Window:
    """Starts anew every minute, as at many gateways."""

    def __init__(self, limit: float, period_s: float = 60.0) -> None:
        self.limit, self._period_s, self._window, self._used = limit, period_s, 0, 0.0

    def left(self, now: float) -> float:
        window = int(now / self._period_s)
        if window != self._window:
            self._window, self._used = window, 0.0
        return self.limit - self._used

    def take(self, amount: float, now: float) -> None:
        self.left(now)
        self._used += amount

    def wait_s(self, amount: float, now: float) -> float:
        return 0.0 if amount <= self.left(now) else self.reset_s(now)

    def reset_s(self, now: float) -> float:
        return self._period_s - now % self._period_s


@dataclass
class Vendor:
    """A model's server. ``counts`` is what it charges for one token of ours; ``gives_back`` the share it then returns.

    ``says`` is when its headers count: at the start of a call, at its end, or never. It refuses calls beyond
    ``at_once`` whatever its headers say. ``rounds_up`` is for waits in whole seconds.
    """

    clock: Clock
    requests: Meter
    tokens: Meter
    says: str = "start"
    counts: float = 1.0
    gives_back: float = 0.0
    takes_s: tuple[float, float] = (2.0, 8.0)
    asks_to_wait: bool = True
    at_once: int | None = None
    rounds_up: bool = False
    is_down: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    in_flight: int = 0

    def call(self, tokens: float) -> Generator[float, None, Answer]:
        """Answer one call, after its network delay and the time it takes."""
        yield self.chance.uniform(0.02, 0.15)
        if self.is_down:
            return Answer(503)
        now, charge = self.clock.now, tokens * self.counts
        wait_s = max(self.requests.wait_s(1, now), self.tokens.wait_s(charge, now))
        is_crowded = self.at_once is not None and self.in_flight >= self.at_once
        if wait_s > 0 or is_crowded:
            asked = (float(int(wait_s) + 1) if self.rounds_up else wait_s) if self.asks_to_wait and wait_s else None
            return Answer(429, asked, self._headers())
        self.requests.take(1, now)
        self.tokens.take(charge, now)
        self.in_flight += 1
        headers = self._headers()
        yield self.chance.uniform(*self.takes_s)
        self.in_flight -= 1
        self.tokens.take(-charge * self.gives_back, self.clock.now)
        if self.is_down:
            return Answer(503)
        return Answer(200, limits=self._headers() if self.says == "end" else headers)

    def use(self, tokens: float, every_s: float) -> Steps:
        """Other traffic on the same account."""
        while True:
            yield self.chance.expovariate(1 / every_s)
            if self.tokens.wait_s(tokens, self.clock.now) == 0 and self.requests.wait_s(1, self.clock.now) == 0:
                self.tokens.take(tokens, self.clock.now)
                self.requests.take(1, self.clock.now)

    def fail(self, after_s: float, for_s: float) -> Steps:
        """An outage."""
        yield after_s
        self.is_down = True
        yield for_s
        self.is_down = False

    def _headers(self) -> RateLimits | None:
        if self.says == "never":
            return None
        now = self.clock.now
        return RateLimits(
            int(self.requests.limit), int(max(self.requests.left(now), 0)), self.requests.reset_s(now),
            int(self.tokens.limit), int(max(self.tokens.left(now), 0)), self.tokens.reset_s(now),
        )  # fmt: skip


class Store:
    """The state that workers share."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = State(clock.now)

    def state(self) -> State:
        rules.advance(self._state, self._clock.now, lease_s=LEASE_S)
        return self._state


@dataclass
class Run:
    """Calls to make, and what became of them: each is (id, tokens)."""

    clock: Clock
    vendor: Vendor
    to_make: list[tuple[int, float]]
    calls: int = 0
    answered: int = 0
    attempts: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    started_at: list[float] = field(default_factory=list)
    waits: int = 0
    ended_at: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self.calls = len(self.to_make)

    @property
    def is_done(self) -> bool:
        return self.answered == self.calls

    @property
    def attempts_per_call(self) -> float:
        return self.attempts.total() / max(self.calls, 1)

    def thread(self, store: Store, name: str, estimate: float = 1.0) -> Steps:
        """What a thread of a worker does: reserve, take the next call, make it, and settle."""
        for number in itertools.count():
            if self.is_done:
                return
            key = f"{name}-{number}"
            wait_s = rules.reserve(store.state(), key, 4000, jitter=self.chance.random())
            if wait_s > 0:
                self.waits += 1
                yield wait_s
                continue
            if not self.to_make:
                rules.give_up(store.state(), key)
                yield 1.0
                continue
            yield from self._make(store, key, estimate)

    def _make(self, store: Store, key: str, estimate: float) -> Steps:
        number, tokens = self.to_make.pop(0)
        yield rules.correct(store.state(), key, tokens * estimate)
        self.attempts[number] += 1
        self.started_at.append(self.clock.now)
        answer = yield from self.vendor.call(tokens)
        state = store.state()
        if answer.status == 200:
            self.answered += 1
            self.ended_at = self.clock.now
            rules.settle(state, key, answer.limits)
        else:
            self.to_make.append((number, tokens))
            if answer.status == 429:
                self.refused += 1
                rules.refuse(state, key, answer.retry_after_s, answer.limits)
            else:
                rules.fail(state, key, answer.retry_after_s)


@dataclass(frozen=True)
class Account:
    """A vendor's account, and who uses it how: the parameters of a simulation."""

    calls: int = 200
    tokens_per_minute: int = 30_000
    requests_per_minute: int = 60
    meter: type[Bucket] | type[Window] = Bucket
    threads: int = 32
    workers: int = 1
    is_shared: bool = True
    others: tuple[float, float] | None = None
    outage: tuple[float, float] | None = None
    estimate: float = 1.0
    vendor: dict[str, Any] = field(default_factory=dict)


def simulate(account: Account) -> tuple[Run, float]:
    """Make the calls. Returns the run, and the time it took as a multiple of what the quota allows.

    A full budget comes first, then its refill; the last call takes its time.
    """
    clock = Clock()
    vendor = Vendor(
        clock, account.meter(account.requests_per_minute), account.meter(account.tokens_per_minute), **account.vendor
    )
    chance = random.Random(3)
    run = Run(clock, vendor, [(number, chance.uniform(3000, 5000)) for number in range(account.calls)])
    spent = sum(tokens for _, tokens in run.to_make) * vendor.counts * (1 - vendor.gives_back)
    shared = Store(clock)
    for worker in range(account.workers):
        store = shared if account.is_shared else Store(clock)
        for number in range(account.threads):
            clock.start(run.thread(store, f"{worker}-{number}", account.estimate))
    if account.others is not None:
        clock.start(vendor.use(*account.others))
    if account.outage is not None:
        clock.start(vendor.fail(*account.outage))
    began = clock.now
    clock.run(lambda: run.is_done, limit_s=100_000)
    by_tokens = (spent / account.tokens_per_minute - 1) * 60
    by_requests = (account.calls / account.requests_per_minute - 1) * 60
    return run, (run.ended_at - began) / (max(by_tokens, by_requests, 0.0) + vendor.takes_s[1])
