"""The charging rule: how much of a call's price the user pays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from types import MappingProxyType

from backend.generation.types import StepKind

# Rounded down, so that the parts of a price never add up to more than the price.
_EXACT = Context(prec=40, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call whose reply was used.

    ``written`` counts everything that the model wrote in the reply: items that were kept, rejected, malformed,
    duplicates, or more than asked. ``delivered`` counts those that the user got. ``is_cut`` tells whether the reply
    was cut off. ``run_delivered`` and ``run_asked`` are those of the whole run, known at its end.
    """

    delivered: int = 0
    written: int = 0
    is_cut: bool = False
    run_delivered: int = 0
    run_asked: int = 0


_Share = Callable[[Outcome], tuple[int, int]]


def _of_reply(outcome: Outcome) -> tuple[int, int]:
    return outcome.delivered, outcome.written


def _of_run(outcome: Outcome) -> tuple[int, int]:
    return outcome.run_delivered, outcome.run_asked


SHARES: Mapping[StepKind, _Share] = MappingProxyType(
    {StepKind.PLAN: _of_run, StepKind.SECTION: _of_reply, StepKind.CONNECT: _of_run}
)
"""The share of a call's price that the user pays, as a part and a whole."""

CHARGED_AT_THE_END = tuple(kind for kind, share in SHARES.items() if share is _of_run)
"""Kinds of steps whose share is known only when the run ends."""


def charge(kind: StepKind, price: Decimal, outcome: Outcome) -> Decimal:
    """Return the exact part of a call's price that the user pays.

    Only the one call of a step whose reply was used is charged. Everything else is ours: failed and repeated calls,
    replies that came too late, repairs, calls that make up for rejected items, and replies that were cut off.
    """
    if outcome.is_cut:
        return Decimal(0)
    part, whole = SHARES[kind](outcome)
    if part <= 0 or whole <= 0:
        return Decimal(0)
    return price if part >= whole else _EXACT.divide(_EXACT.multiply(price, Decimal(part)), Decimal(whole))
