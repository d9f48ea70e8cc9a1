"""Reads an option's text as a number with a unit, in the spellings of numeric questions."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_GROUPING = "'’\u00a0\u2009\u202f "
_QUANTITY = re.compile(
    r"(?P<currency>CHF|EUR|USD|Fr\.|[$€£])? ?"
    r"(?P<sign>[-+−–])?(?:"
    rf"(?P<numerator>\d+) ?[/⁄] ?(?P<denominator>\d+)"
    rf"|(?P<whole>\d+)? ?(?P<vulgar>[¼-¾⅐-⅞])"
    rf"|(?P<number>\d{{1,3}}(?:[{_GROUPING}.,]\d{{3}})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r")(?:\s?(?P<unit>%|‰|[^\W\d_][\w./²³^-]*(?: [^\W\d_]\w*)?|°[CFK]?|[€$£]))?"
)
_SCALE = {"%": Fraction(1, 100), "‰": Fraction(1, 1000)}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts. Percentages are values without a unit: 50 % is 0.5."""

    value: Fraction
    unit: str


def read_quantities(texts: Sequence[str]) -> list[Quantity | None]:
    """Read each text as a quantity, or as None if it is not one.

    The texts belong together, so a decimal mark that is certain in one of them applies to all. "1.000" is a thousand
    unless another text shows that the point is the decimal mark.
    """
    matches = [_QUANTITY.fullmatch(_bare(text)) for text in texts]
    decimal_mark = _decimal_mark([match.group("number") for match in matches if match and match.group("number")])
    return [_quantity(match, decimal_mark) if match else None for match in matches]


def _bare(text: str) -> str:
    """Strip white space, a full stop and the delimiters of inline mathematics."""
    text = text.strip().removesuffix(".")
    if text.startswith(r"\(") and text.endswith(r"\)"):
        text = text[2:-2].replace(r"\%", "%")
    return text.strip()


def _decimal_mark(numbers: Sequence[str]) -> str | None:
    """Return the first decimal mark that is certain."""
    return next((mark for mark in map(_own_decimal_mark, numbers) if mark), None)


def _own_decimal_mark(number: str) -> str | None:
    """Return a number's decimal mark, or None if it has none or the mark may group thousands."""
    marks = [character for character in number if character in ".,"]
    if not marks:
        return None
    decimals = number.rpartition(marks[-1])[2]
    certain = len(decimals) != 3 or number.startswith("0") if len(marks) == 1 else marks[-1] != marks[0]
    return marks[-1] if certain else None


def _quantity(match: re.Match[str], decimal_mark: str | None) -> Quantity | None:
    value = _value(match, decimal_mark)
    if value is None:
        return None
    unit = match.group("unit") or ""
    value *= _SCALE.get(unit, Fraction(1))
    if match.group("sign") in {"-", "−", "–"}:
        value = -value
    unit = "" if unit in _SCALE else unit
    return Quantity(value, f"{match.group('currency') or ''}{_singular(unit)}")


def _value(match: re.Match[str], decimal_mark: str | None) -> Fraction | None:
    if match.group("denominator"):
        denominator = int(match.group("denominator"))
        return Fraction(int(match.group("numerator")), denominator) if denominator else None
    if match.group("vulgar"):
        vulgar = Fraction(unicodedata.numeric(match.group("vulgar"))).limit_denominator(10)
        return int(match.group("whole") or 0) + vulgar
    number = re.sub(f"[{_GROUPING}]", "", match.group("number"))
    mark = _own_decimal_mark(number) or decimal_mark
    whole, _, decimals = number.rpartition(mark) if mark and mark in number else (number, "", "")
    return Fraction(f"{re.sub('[.,]', '', whole)}.{decimals or 0}")


def _singular(unit: str) -> str:
    """Remove plural endings from words ("years", "Jahre"), but keep abbreviations of units as they are."""
    return re.sub(r"(?<=\w{3})(?:en|s|e|n)$", "", unit) if len(unit) >= 4 else unit
