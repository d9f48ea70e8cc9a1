"""Estimates what a run costs, from measured numbers of tokens. All such figures are here."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backend.generation.language_models.interface import Usage
from backend.study.types import Counts

Price = Callable[[Usage], Decimal]
"""Returns the price of a call in credits."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Tokens of a call that makes the items of a section, and of one that connects topics.

    Attributes:
        prompt: Our instructions and the schema.
        prompt_cached: Whether the vendor has the prompt in its cache.
        context: Known topics and items of the same pages, which the model must not repeat.
        chars_per_token: Characters of the pages' text for one input token.
        output_per_item: An item with its quotes.
        output_per_section: Topics with their summaries.
        topics_per_section: Topics that a section adds.
        tokens_per_topic: A topic, as input and as output of connecting.
        share: Delivered items for each written one.
    """

    prompt: int
    prompt_cached: bool
    context: int
    chars_per_token: float
    output_per_item: int
    output_per_section: int
    topics_per_section: int
    tokens_per_topic: int
    share: Decimal


# Measured with the present prompts in November 2026: an item takes about 205 output tokens, and 570 input tokens in
# dense runs or 2,400 in sparse ones, where each item has a section of 6,000 characters to itself. Our prompt with its
# schema is about 900 of them, and four characters of English text are a token. The outer figures are what we have seen
# at most: German needs more tokens, compatible servers get the schema in the prompt, and some models reason.
LOW = Figures(800, True, 0, 5.0, 140, 40, 1, 20, Decimal("0.6"))
LIKELY = Figures(900, False, 150, 4.0, 205, 120, 3, 40, Decimal(1))
HIGH = Figures(1600, False, 1500, 2.5, 400, 400, 6, 80, Decimal(1))


@dataclass(frozen=True, slots=True)
class Part:
    """A section to make items from: the length of its text, and the items to make."""

    chars: int
    asked: Counts


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run costs in whole credits, with ``low <= likely <= high``."""

    low: int = 0
    likely: int = 0
    high: int = 0


def predict_section(part: Part, price: Price, figures: Figures = LIKELY) -> Decimal:
    """Return the exact price of the call for a section."""
    text = math.ceil(part.chars / figures.chars_per_token)
    return figures.share * price(
        Usage(
            input_tokens=figures.prompt + figures.context + text,
            cached_tokens=figures.prompt if figures.prompt_cached else 0,
            output_tokens=figures.output_per_section + figures.output_per_item * part.asked.total,
        )
    )


def predict_tokens(sections: int, chars: int, items: int, figures: Figures = HIGH) -> int:
    """Return how many tokens, input and output, the calls for so many sections with their items take at most."""
    each = figures.prompt + figures.context + figures.output_per_section
    return sections * each + math.ceil(chars / figures.chars_per_token) + items * figures.output_per_item


def predict_connecting(topics: int, price: Price, figures: Figures = LIKELY) -> Decimal:
    """Return the exact price of the call that connects topics."""
    tokens = figures.tokens_per_topic * topics
    return figures.share * price(Usage(input_tokens=figures.prompt + tokens, output_tokens=tokens))


@dataclass(frozen=True, slots=True)
class Scenarios:
    """The sections of a run that are known only roughly: as few, as likely, and as many as there may be.

    ``topics`` counts those that the study set has already, which are connected too.
    """

    low: Sequence[Part]
    likely: Sequence[Part]
    high: Sequence[Part]
    topics: int = 0


def estimate(scenarios: Scenarios, price: Price) -> Estimate:
    """Return what a run costs. The outer values are at least as far out as those of the likely scenario."""
    expected = _sum(scenarios.likely, scenarios.topics, price, LIKELY)
    low, high = (
        [_sum(parts, scenarios.topics, price, figures) for parts in (outer, scenarios.likely)]
        for outer, figures in ((scenarios.low, LOW), (scenarios.high, HIGH))
    )
    return Estimate(math.ceil(min(*low, expected)), math.ceil(expected), math.ceil(max(*high, expected)))


def _sum(parts: Sequence[Part], topics: int, price: Price, figures: Figures) -> Decimal:
    made = [part for part in parts if part.asked]
    if not made:
        return Decimal(0)
    sections = sum((predict_section(part, price, figures) for part in made), Decimal(0))
    return sections + predict_connecting(topics + figures.topics_per_section * len(made), price, figures)
