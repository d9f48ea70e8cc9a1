"""All positions of the key are equally likely; numbers ascend; ids are stable."""

import itertools
import random
from uuid import UUID

import pytest

from backend.generation.checks.shuffling import shuffle_options
from backend.generation.language_models.interface import DraftOption

ITEM = UUID("01920000-0000-7000-8000-000000000001")


def options(*texts: str) -> list[DraftOption]:
    return [DraftOption(name, text) for name, text in zip("ABCDEFGH", texts, strict=False)]


def order(*texts: str) -> list[str]:
    return [option.text for option in shuffle_options(options(*texts), "A", ITEM)[0]]


def test_key_positions_are_even() -> None:
    source = random.Random(7)
    counts = [0, 0, 0, 0]
    for _ in range(2000):
        shuffled, key = shuffle_options(
            options("Zelle", "Kern", "Membran", "Plasma"), "B", UUID(int=source.getrandbits(128))
        )
        counts[[option.id for option in shuffled].index(key)] += 1
    # 16.27 is the chi-square distribution's quantile for p = 0.001 with three degrees of freedom.
    assert sum((count - 500) ** 2 / 500 for count in counts) < 16.27


def test_the_key_keeps_its_text() -> None:
    for name, text in zip("ABCD", ("Zelle", "Kern", "Membran", "Plasma"), strict=True):
        shuffled, key = shuffle_options(options("Zelle", "Kern", "Membran", "Plasma"), name, ITEM)
        assert {option.id: option.text for option in shuffled}[key] == text


def test_order_and_ids_depend_only_on_the_item() -> None:
    results = {
        shuffle_options([DraftOption(f"x{text}", text) for text in texts], "xKern", ITEM)
        for texts in itertools.permutations(("Zelle", "Kern", "Membran", "Plasma"))
    }
    assert len(results) == 1
    ((shuffled, key),) = results
    assert (key, len({option.id for option in shuffled})) == ("a5446c25", 4)
    other, _ = shuffle_options(options("Zelle", "Kern", "Membran", "Plasma"), "A", UUID(int=ITEM.int + 1))
    assert {option.id for option in other}.isdisjoint(option.id for option in shuffled)


@pytest.mark.parametrize(
    "ascending",
    [
        ("2", "10", "33", "100"),
        ("-5", "-0.5", "0", "3"),
        ("5 %", "10 %", "50 %", "100 %"),
        ("1/4", "1/2", "3/4", "1"),
        ("¼", "½", "2/3", "1½"),
        ("0,5 mg", "2 mg", "10 mg", "20,25 mg"),
        ("0.5 mg", "2 mg", "10 mg", "1,000 mg"),
        ("1 Jahr", "2 Jahre", "3 Jahre", "10 Jahre"),
        ("CHF 5.50", "CHF 10", "CHF 1'000", "CHF 1'000'000"),
        ("500", "1.000", "2.000", "10.000"),
        ("500", "1,000", "2,000", "10,000"),
        ("1.125", "1.5", "2", "3"),
        (r"\(2\)", r"\(3\)", r"\(12\)", r"\(20\)"),
        ("−3 °C", "0 °C", "4 °C", "100 °C"),
        ("1914", "1918", "1939", "1945"),
    ],
)
def test_numbers_ascend(ascending: tuple[str, ...]) -> None:
    for texts in itertools.permutations(ascending):
        assert order(*texts) == list(ascending)


@pytest.mark.parametrize(
    "texts",
    [
        ("1 mg", "2 g", "3 mg", "4 g"),
        ("1", "2", "3", "none"),
        ("1-2", "3-4", "5-6", "7-8"),
        ("1/0", "1/2", "1/3", "1/4"),
        ("1.1.2020", "2.1.2020", "3.1.2020", "4.1.2020"),
    ],
)
def test_other_options_are_shuffled(texts: tuple[str, ...]) -> None:
    orders = {
        tuple(option.text for option in shuffle_options(options(*texts), "A", UUID(int=ITEM.int + n))[0])
        for n in range(50)
    }
    assert len(orders) > 10


@pytest.mark.parametrize("key", ["E", "", "a"])
def test_a_key_must_be_an_option(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        shuffle_options(options("a", "b"), key, ITEM)


def test_options_must_differ() -> None:
    with pytest.raises(ValueError, match="same text"):
        shuffle_options(options("a", "b", "a"), "B", ITEM)
    with pytest.raises(ValueError, match="exactly one"):
        shuffle_options([DraftOption("A", "a"), DraftOption("A", "b")], "A", ITEM)
    with pytest.raises(ValueError, match="same id"):
        shuffle_options([DraftOption("A", "a"), DraftOption("A", "b"), DraftOption("B", "c")], "B", ITEM)
