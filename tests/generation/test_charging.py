"""The charging rule and estimates, as arithmetic."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.billing.prices.price_list import get_price_list
from backend.billing.types import TokenUsage
from backend.generation.charging.estimates import (
    HIGH,
    LIKELY,
    LOW,
    Part,
    Scenarios,
    estimate,
    predict_connecting,
    predict_section,
)
from backend.generation.charging.rule import CHARGED_AT_THE_END, SHARES, Outcome, charge
from backend.generation.language_models.interface import Usage
from backend.generation.types import StepKind
from backend.study.types import Counts

PRICE = Decimal("12.5")


def test_every_kind_of_step_has_a_rule() -> None:
    assert set(SHARES) == set(StepKind)
    assert set(CHARGED_AT_THE_END) == {StepKind.PLAN, StepKind.CONNECT}


@pytest.mark.parametrize(
    ("kind", "outcome", "charged"),
    [
        (StepKind.SECTION, Outcome(delivered=5, written=5), "12.5"),
        (StepKind.SECTION, Outcome(delivered=3, written=5), "7.5"),
        (StepKind.SECTION, Outcome(delivered=0, written=5), "0"),
        (StepKind.SECTION, Outcome(delivered=0, written=0), "0"),
        (StepKind.SECTION, Outcome(delivered=3, written=5, is_cut=True), "0"),
        # The run's own share says nothing about a section, and a reply's nothing about connecting.
        (StepKind.SECTION, Outcome(delivered=5, written=5, run_delivered=1, run_asked=10), "12.5"),
        (StepKind.CONNECT, Outcome(delivered=1, written=5, run_delivered=4, run_asked=10), "5.0"),
        (StepKind.CONNECT, Outcome(run_delivered=12, run_asked=10), "12.5"),
        (StepKind.CONNECT, Outcome(run_delivered=0, run_asked=10), "0"),
        (StepKind.PLAN, Outcome(run_delivered=4, run_asked=10), "5.0"),
    ],
)
def test_the_rule(kind: StepKind, outcome: Outcome, charged: str) -> None:
    assert charge(kind, PRICE, outcome) == Decimal(charged)


prices = st.decimals(min_value=0, max_value=100_000, places=9)
writes = st.integers(1, 500)


@given(price=prices, written=writes, delivered=st.integers(0, 500))
def test_a_charge_is_never_more_than_its_price(price: Decimal, written: int, delivered: int) -> None:
    charged = charge(StepKind.SECTION, price, Outcome(delivered=delivered, written=written))
    assert 0 <= charged <= price


@given(price=prices, written=writes)
def test_parts_of_a_price_never_add_up_to_more(price: Decimal, written: int) -> None:
    # Compared as fractions, because decimals would be rounded again.
    total = Fraction(charge(StepKind.SECTION, price, Outcome(delivered=1, written=written))) * written
    assert total <= Fraction(price)
    assert ceil(total) == ceil(price)


def in_credits(model: str):
    def price(usage: Usage) -> Decimal:
        tokens = TokenUsage(usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens)
        cost = get_price_list().cost(model, tokens)
        assert cost is not None
        return cost.credits

    return price


parts = st.builds(Part, st.integers(0, 1_000_000), st.builds(Counts, st.integers(0, 300), st.integers(0, 150)))
part_lists = st.lists(parts, max_size=5)


@given(
    low=part_lists,
    likely=part_lists,
    high=part_lists,
    topics=st.integers(0, 500),
    model=st.sampled_from(["gpt-4o", "gpt-6-luna", "gpt-6.1-terra", "gpt-6.2-sol"]),
)
def test_an_estimate_is_ordered(
    settings: object, low: list[Part], likely: list[Part], high: list[Part], topics: int, model: str
) -> None:
    price = in_credits(model)
    found = estimate(Scenarios(low, likely, high, topics), price)
    assert 0 <= found.low <= found.likely <= found.high
    # The reservation covers all predictions by which steps are admitted.
    made = [part for part in likely if part.asked]
    predicted = sum((predict_section(part, price) for part in made), Decimal(0))
    assert predicted <= found.high


@given(part=parts, topics=st.integers(0, 500))
def test_the_figures_are_ordered(settings: object, part: Part, topics: int) -> None:
    price = in_credits("gpt-4o")
    sections = [predict_section(part, price, figures) for figures in (LOW, LIKELY, HIGH)]
    connecting = [predict_connecting(topics, price, figures) for figures in (LOW, LIKELY, HIGH)]
    assert sections == sorted(sections)
    assert connecting == sorted(connecting)


def test_the_likely_figures_follow_what_was_measured() -> None:
    tokens: list[Usage] = []
    predict_section(Part(6_000, Counts(1, 0)), lambda usage: tokens.append(usage) or Decimal(0))
    assert 2_200 <= tokens[0].input_tokens <= 2_700
    assert LIKELY.output_per_item == 205
