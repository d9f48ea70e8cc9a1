"""Drives calls of a section's size through the limiter, from 32 threads of two workers."""

import heapq
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from backend.generation.calls.limiting.limiter import CallLimiter, Reservation, Wait
from benchmarks.judge.client import Outcome, call
from benchmarks.judge.llmock import BYTES_PER_TOKEN, Llmock, Verdict

CALLS = 47
THREADS = 32
WORKERS = 2
REQUESTS_PER_MINUTE = 60
MAX_TOKENS = 1200
_PROMPT_CHARACTERS = 12_000
_LATENCY_MS = 1000
# What a worker knows before it has prepared the request.
_TYPICAL_TOKENS = _PROMPT_CHARACTERS // BYTES_PER_TOKEN + MAX_TOKENS
_IDLE_S = 0.2
_OUTAGE_AFTER_S = 30.0
_OUTAGE_S = 60.0
_GIVE_UP_S = 1800.0
_WORDS = ("cell", "membrane", "protein", "energy", "gradient", "osmosis", "enzyme", "equilibrium", "substrate", "ion")


@dataclass(order=True)
class _Call:
    due_at: float
    number: int
    body: dict[str, Any] = field(compare=False)
    attempts: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Result:
    """One case: what was answered, how often it was tried, and how long it took beside what the quota allows."""

    name: str
    answered: int
    attempts: int
    most_attempts: int
    took_s: float
    allowed_s: float
    verdict: Verdict

    @property
    def is_good(self) -> bool:
        return (
            self.answered == CALLS
            and self.attempts <= 1.3 * CALLS
            and self.took_s <= 1.15 * self.allowed_s
            and self.verdict.fails == self.verdict.warnings == 0
        )

    def __str__(self) -> str:
        return (
            f"{self.name:34} {self.answered}/{CALLS} answered, {self.attempts / CALLS:.2f} attempts a call "
            f"(at most {self.most_attempts}), {self.verdict.fails} FAIL, {self.verdict.warnings} WARN, "
            f"{self.took_s:.0f} s of {self.allowed_s:.0f} s allowed: {self.took_s / self.allowed_s:.2f}"
        )


def judge(tokens_per_minute: int, redis_url: str, *, faults: bool) -> Result:
    """Run one case. With faults, one answer is cut, one stalls, and the server fails for a minute."""
    name = f"{tokens_per_minute:,} tokens a minute{', with faults' if faults else ''}"
    with Llmock(REQUESTS_PER_MINUTE, tokens_per_minute, latency_ms=_LATENCY_MS) as server:
        driver = _Driver(server, redis_url, model_key=name)
        if faults:
            server.add_behaviors(
                {"type": "stream_fault", "kind": "truncate", "after_chunks": 1},
                {"type": "stream_fault", "kind": "stall", "after_chunks": 1, "stall_seconds": 30},
            )
            threading.Thread(target=_fail_for_a_minute, args=(server,), daemon=True).start()
        took_s = driver.run()
        verdict = server.verdict()
    attempts = driver.attempts
    allowed_s = driver.allowed_s(tokens_per_minute)
    return Result(name, driver.answered, attempts.total(), max(attempts.values()), took_s, allowed_s, verdict)


def _fail_for_a_minute(server: Llmock) -> None:
    time.sleep(_OUTAGE_AFTER_S)
    server.add_behaviors({"type": "fail", "status": 503, "times": None})
    time.sleep(_OUTAGE_S)
    server.clear_behaviors()


class _Driver:
    """Does what the worker's threads do: reserve, take the call that is due, make it, and settle."""

    def __init__(self, server: Llmock, redis_url: str, *, model_key: str) -> None:
        self._server = server
        self._model_key = model_key
        self._limiters = [CallLimiter(redis_url) for _ in range(WORKERS)]
        self._lock = threading.Lock()
        self._due = [_Call(0.0, number, _body(number)) for number in range(CALLS)]
        self.attempts: Counter[int] = Counter()
        self.answered = 0

    def allowed_s(self, tokens_per_minute: int) -> float:
        """The shortest time that the quota allows: buckets are full at the start."""
        tokens = sum(len(json.dumps(_body(number))) // BYTES_PER_TOKEN + MAX_TOKENS for number in range(CALLS))
        by_tokens = (tokens - tokens_per_minute) / tokens_per_minute * 60
        by_requests = (CALLS - REQUESTS_PER_MINUTE) / REQUESTS_PER_MINUTE * 60
        return max(by_tokens, by_requests, 0.0) + _LATENCY_MS / 1000

    def run(self) -> float:
        """Return the seconds until the last answer."""
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(self._limiters[index % WORKERS], began + _GIVE_UP_S))
            for index in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - began

    def _work(self, limiter: CallLimiter, until: float) -> None:
        with requests.Session() as session:
            while self.answered < CALLS and time.monotonic() < until:
                reserved = limiter.reserve(self._model_key, _TYPICAL_TOKENS)
                if isinstance(reserved, Wait):
                    self._sleep(reserved.seconds)
                    continue
                due = self._claim()
                if due is None:
                    limiter.give_up(reserved)
                    time.sleep(_IDLE_S)
                    continue
                self._make(session, limiter, reserved, due)

    def _make(self, session: requests.Session, limiter: CallLimiter, reserved: Reservation, due: _Call) -> None:
        prompt = sum(len(message["content"]) for message in due.body["messages"])
        time.sleep(limiter.correct(reserved, prompt // BYTES_PER_TOKEN + MAX_TOKENS))
        outcome = call(session, self._server.base_url, due.body)
        with self._lock:
            self.attempts[due.number] += 1
            if outcome.kind == "answered":
                self.answered += 1
            else:
                due.attempts += 1
                due.due_at = time.monotonic() + _delay_s(outcome, due.attempts)
                heapq.heappush(self._due, due)
        if outcome.kind == "answered":
            limiter.settle(reserved, outcome.limits)
        elif outcome.kind == "refused":
            limiter.refuse(reserved, outcome.retry_after_s, outcome.limits)
        else:
            limiter.fail(reserved, outcome.retry_after_s)

    def _claim(self) -> _Call | None:
        with self._lock:
            if self._due and self._due[0].due_at <= time.monotonic():
                return heapq.heappop(self._due)
            return None

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.answered < CALLS and time.monotonic() < end:
            time.sleep(min(0.5, max(end - time.monotonic(), 0.0)))


def _delay_s(outcome: Outcome, attempts: int) -> float:
    if outcome.retry_after_s is not None:
        return outcome.retry_after_s
    return float(2**attempts) * random.uniform(0.8, 1.2)


def _body(number: int) -> dict[str, Any]:
    chance = random.Random(number)
    length = _PROMPT_CHARACTERS + chance.randrange(-2000, 2000)
    text = f"Section {number}. "
    while len(text) < length:
        text += chance.choice(_WORDS) + " "
    system = "You write flashcards and questions from lecture notes. Quote the notes."
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return {"model": "judged", "messages": messages, "max_tokens": MAX_TOKENS}
