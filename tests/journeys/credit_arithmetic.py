"""What runs cost, computed from the tokens that the stand-in counted and from the price file, without our code."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from config.local.folders import CHECKOUT

Json = dict[str, Any]
CREDITS_PER_CHF = 1000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Credits for a token, and for CHF 1 of the vendor's price. ``name`` is that of the price list."""

    name: str
    input: Fraction
    cached: Fraction
    output: Fraction
    per_chf: int

    def of(self, call: Json) -> Fraction:
        """Return the price of a call that the stand-in has recorded."""
        plain = call["prompt_tokens"] - call["cached_tokens"]
        return plain * self.input + call["cached_tokens"] * self.cached + call["completion_tokens"] * self.output


def read_prices(model: str) -> Prices:
    """Read the price file in force."""
    today = datetime.now(UTC).date().isoformat()
    file = max(path for path in (CHECKOUT / "config" / "prices").glob("*.toml") if path.stem <= today)
    content = tomllib.loads(file.read_text(), parse_float=Decimal)
    factor = Fraction(content["usd_to_chf"]) * content["margin"] * CREDITS_PER_CHF / _MILLION
    usd = content["models"][model]
    plain, cached, output = (Fraction(usd[name]) * factor for name in ("input", "cached_input", "output"))
    name = f"{file.stem}x{content['margin']}"
    return Prices(name, plain, cached, output, content["margin"] * CREDITS_PER_CHF)


@dataclass(frozen=True)
class Charge:
    """A call, its price, and the part of it that the student pays."""

    call: Json
    price: Fraction
    share: Fraction

    @property
    def credits(self) -> Fraction:
        return self.price * self.share


def written_by(call: Json) -> int:
    """Return how many items the stand-in wrote: what it was asked for, and those that it repeats on purpose."""
    repeated = sum(min(1, call[kind]) for kind in ("flashcards", "questions")) if _does(call, "duplicates") else 0
    return int(call["flashcards"] + call["questions"] + repeated)


def rejected_of(call: Json) -> int:
    """Return how many of them have a quote that is not in the notes: the first of each kind."""
    spoilt = _does(call, "foreign_quotes")
    repeated = written_by(call) - call["flashcards"] - call["questions"]
    return repeated + (sum(min(1, call[kind]) for kind in ("flashcards", "questions")) if spoilt else 0)


def is_ours(call: Json) -> bool:
    """Tell whether a reply was of no use, or cut off: these are never charged."""
    return _does(call, "invalid_json") or _does(call, "cut")


def charges_of(calls: Sequence[Json], prices: Prices, *, delivered: int, asked: int) -> list[Charge]:
    """Apply the charging rule to the calls of a run, which delivered some of the items that were asked for."""
    return [Charge(call, prices.of(call), _share(call, delivered, asked)) for call in calls]


def _share(call: Json, delivered: int, asked: int) -> Fraction:
    if is_ours(call):
        return Fraction(0)
    if call["kind"] == "connect":
        return min(Fraction(delivered, asked), Fraction(1))
    written = written_by(call)
    return Fraction(written - rejected_of(call), written)


def _does(call: Json, behaviour: str) -> bool:
    return behaviour in call["behaviours"]
