"""A probe returns in time, checks once for concurrent callers, and notices that a dependency is back."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from backend.core.process.probe import Probe
from tests.patience import HANG_S, Stopwatch, wait_for


class Part:
    """A dependency that can hang, fail and recover, and counts its checks."""

    def __init__(self) -> None:
        self.looks = 0
        self.at_once = 0
        self.failing = False
        self.answers = threading.Event()
        self.answers.set()

    def look(self) -> str:
        """Return ``up`` once the dependency answers."""
        self.looks += 1
        self.at_once += 1
        self.answers.wait()
        self.at_once -= 1
        if self.failing:
            raise ConnectionError
        return "up"


@pytest.fixture
def part() -> Iterator[Part]:
    """A healthy dependency. Hanging checks are released at the end."""
    part = Part()
    yield part
    part.answers.set()


@pytest.fixture
def seen(part: Part) -> Probe[[], str]:
    """A probe of it that remembers results only briefly."""
    return Probe("part", part.look, when_silent="down", wait_s=HANG_S, remember_s=0.2)


def ask_until(seen: Probe[[], str], answer: str) -> None:
    """Ask until the answer comes."""
    wait_for(answer, lambda: seen.answer() == answer)


def test_concurrent_callers_share_one_check(part: Part, seen: Probe[[], str]) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: seen.answer(), range(20)))
    assert set(answers) == {"up"}
    assert part.looks < 20


def test_a_hanging_dependency_is_down_and_checked_by_one_thread(part: Part) -> None:
    seen = Probe("part", part.look, when_silent="down", wait_s=0.05)
    part.answers.clear()
    for _ in range(10):
        assert seen.answer() == "down"
    assert (part.looks, part.at_once) == (1, 1)
    part.answers.set()
    ask_until(seen, "up")


def test_a_remembered_result_expires(part: Part, seen: Probe[[], str]) -> None:
    assert seen.answer() == "up"
    part.failing = True
    ask_until(seen, "down")
    part.failing = False
    ask_until(seen, "up")


def test_two_probes_wait_at_the_same_time() -> None:
    # Each answers only once both are being checked, so waiting for the first before starting the second would fail.
    together = threading.Barrier(2)

    def look() -> str:
        together.wait()
        return "up"

    both = [Probe(name, look, when_silent="down", wait_s=60) for name in ("first", "second")]
    assert [answer() for answer in [each.ask() for each in both]] == ["up", "up"]


def test_a_check_that_never_returns_is_abandoned_with_its_resources() -> None:
    held = [threading.Lock()]
    hangs, released = iter([True, False]), threading.Event()

    def look(number: int) -> int | None:
        with held[-1]:
            if next(hangs, False):
                released.wait()
        return number

    probe = Probe(
        "part", look, when_silent=None, wait_s=0.05, abandon_s=0.2, renew=lambda: held.append(threading.Lock())
    )
    assert probe.answer(1) is None
    numbers = count(2)
    asked = 1

    def ask_another() -> int | None:
        nonlocal asked
        asked = next(numbers)
        return probe.answer(asked)

    assert (wait_for("an answer", ask_another), len(held)) == (asked, 2)
    # The first check's late result must not be used for later callers.
    released.set()
    assert wait_for("an answer", lambda: probe.answer(-1)) == -1


def test_each_hanging_check_doubles_the_time_until_the_next(part: Part) -> None:
    part.answers.clear()
    probe = Probe("part", part.look, when_silent="down", wait_s=0.0, abandon_s=0.02)
    watch = Stopwatch()
    wait_for("six looks", lambda: probe.answer() == "down" and part.looks >= 6)
    # At least 0.02 + 0.04 + 0.08 + 0.16 + 0.32 s. Without the doubling it would be 0.1 s.
    assert watch.took_s > 0.6


def test_a_hanging_check_is_not_repeated_and_its_late_result_is_ignored() -> None:
    asked, answered = [], threading.Event()

    def look(number: int) -> int | None:
        asked.append(number)
        answered.wait(HANG_S)
        return number

    probe = Probe("part", look, when_silent=None, wait_s=0.05)
    assert [probe.answer(number) for number in range(5)] == [None] * 5
    assert asked == [0]
    answered.set()
    assert wait_for("an answer", lambda: probe.answer(7)) == 7
    assert asked == [0, 7]


def test_a_caller_joins_a_running_check(part: Part) -> None:
    part.answers.clear()
    probe = Probe("part", part.look, when_silent="down", wait_s=60)
    first, second = probe.ask(), probe.ask()
    part.answers.set()
    assert (first(), second(), part.looks) == ("up", "up", 1)


def test_a_failed_check_counts_as_silence() -> None:
    assert Probe("part", lambda: 1 // 0, when_silent=None).answer() is None
