"""A probe answers in time, looks once however many ask, and sees that a part has come back."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.core import probe
from backend.core.probe import Probe


class Part:
    """A part that can hang, fail and come back, and counts how often it was looked at."""

    def __init__(self) -> None:
        self.looks = 0
        self.at_once = 0
        self.failing = False
        self.answers = threading.Event()
        self.answers.set()

    def look(self) -> str:
        """Return ``up``, as soon as the part answers."""
        self.looks += 1
        self.at_once += 1
        self.answers.wait()
        self.at_once -= 1
        if self.failing:
            raise ConnectionError
        return "up"


@pytest.fixture
def part() -> Iterator[Part]:
    """A part that is well; whoever hangs is let go at the end."""
    part = Part()
    yield part
    part.answers.set()


@pytest.fixture
def seen(part: Part, monkeypatch: pytest.MonkeyPatch) -> Probe[str]:
    """A probe of it with little patience and memory."""
    monkeypatch.setattr(probe, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(probe, "_REMEMBERED_S", 0.2)
    return Probe("part", part.look, when_silent="down")


def ask_until(seen: Probe[str], answer: str) -> None:
    """Ask until the answer comes; the test's time limit ends it when it does not."""
    while seen.answer() != answer:
        time.sleep(0.01)


def test_many_who_ask_at_once_are_one_look(part: Part, seen: Probe[str]) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: seen.answer(), range(20)))
    assert set(answers) == {"up"}
    assert part.looks < 20


def test_a_part_that_hangs_is_down_and_is_looked_at_by_one_thread(part: Part, seen: Probe[str]) -> None:
    part.answers.clear()
    for _ in range(10):
        assert seen.answer() == "down"
    assert (part.looks, part.at_once) == (1, 1)
    part.answers.set()
    ask_until(seen, "up")


def test_what_was_found_is_forgotten(part: Part, seen: Probe[str]) -> None:
    assert seen.answer() == "up"
    part.failing = True
    ask_until(seen, "down")
    part.failing = False
    ask_until(seen, "up")


def test_two_parts_are_waited_for_at_the_same_time(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_PATIENCE_S", 1.0)
    part.answers.clear()
    both = [Probe(name, part.look, when_silent="down") for name in ("first", "second")]
    for each in both:
        each.ask()
    time.sleep(1.0)
    # The time of both is over, so neither is waited for any more: a wait would be seen as a third look.
    began = time.monotonic()
    assert [each.answer() for each in both] == ["down", "down"]
    assert time.monotonic() - began < 1.0
    assert part.looks == 2
