"""Cloze deletions: ``{{c1::hidden}}`` or ``{{c1::hidden::hint}}``, the syntax of Anki.

Checks of new cards accept only well-formed deletions (``find_deletions``, ``replace_deletions``). Exports read any text
as Anki does: the first ``}}`` ends a deletion, and a deletion may contain others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_START = r"\{\{c(?P<number>\d+)::"
_ANY_START = r"\{\{c\d+::"
_END = r"\}\}"

_OPENING = re.compile(_START)
_MARK = re.compile(f"{_START}|{_END}")
# The end may follow a brace of LaTeX: ``{{c1::\frac{a}{b}}}`` ends with the last two.
_WELL_FORMED = re.compile(
    _START + r"(?P<hidden>(?:(?!\{\{c\d|::).)+?)(?:::(?P<hint>(?:(?!\{\{c\d).)*?))?" + _END + r"(?!\})", re.DOTALL
)
_INNERMOST = re.compile(
    rf"{_START}(?P<hidden>(?:(?!{_ANY_START}|::|{_END}).)*)(?:::(?P<hint>(?:(?!{_ANY_START}).)*?))?{_END}", re.DOTALL
)
_TO_FIRST_END = re.compile(rf"{_START}(?P<hidden>.*?)(?:::.*?)?{_END}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deletion; ``start`` and ``end`` are its offsets, marks included. Deletions of one number share a card."""

    number: int
    hidden: str
    hint: str
    start: int
    end: int


def find_deletions(text: str) -> list[Deletion]:
    """Return the well-formed deletions in order. An empty deletion, or one that contains another, is not among them."""
    return [_deletion(match) for match in _WELL_FORMED.finditer(text)]


def replace_deletions(text: str, write: Callable[[Deletion], str]) -> str:
    """Return a text with each well-formed deletion replaced by what ``write`` returns for it."""
    return _WELL_FORMED.sub(lambda match: write(_deletion(match)), text)


def split_deletions(text: str, gap: str) -> tuple[str, list[str]]:
    """Return a text with ``gap`` for each deletion, and the hidden texts in order.

    Stored fingerprints of cards are made from both, so this must keep ending a deletion at its first ``}}``.
    """
    return _TO_FIRST_END.sub(gap, text), [match["hidden"] for match in _TO_FIRST_END.finditer(text)]


def fill_deletions(text: str, *, blank: bool) -> str:
    """Return a text with gaps (showing their hints, if any) or with the hidden texts, nested deletions included."""

    def fill(match: re.Match[str]) -> str:
        return f"[{match['hint'] or '…'}]" if blank else match["hidden"]

    replaced = 1
    while replaced:
        text, replaced = _INNERMOST.subn(fill, text)
    return text


def deletion_numbers(text: str) -> set[int]:
    """Return the numbers of all deletions, nested ones included: Anki makes one card of each.

    A deletion that is empty or has the number 0 does not count, nor do those inside a deletion that is never closed.
    """
    numbers: set[int] = set()
    inside: set[int] = set()  # Found inside an outermost deletion that is still open.
    open_deletions: list[tuple[int, int]] = []  # The number of each and the start of its text, innermost last.
    for mark in _MARK.finditer(text):
        if mark["number"]:
            open_deletions.append((int(mark["number"]), mark.end()))
        elif open_deletions:
            number, start = open_deletions.pop()
            hidden, _, _hint = text[start : mark.start()].partition("::")
            if number > 0 and hidden.strip():
                inside.add(number)
            if not open_deletions:
                numbers |= inside
                inside.clear()
    return numbers


def has_first_deletion(text: str) -> bool:
    """Say whether a text has the ``{{c1::…}}`` that every cloze card must have."""
    return 1 in deletion_numbers(text)


def may_have_deletions(text: str) -> bool:
    """Say whether a text contains the beginning of a deletion, well-formed or not."""
    return "{{c" in text


def guard_formula(formula: str) -> str:
    """Break ``}}`` and ``::`` in a LaTeX formula by a space, except where they belong to a deletion inside it.

    Anki ends a deletion at the first ``}}`` and reads text after ``::`` as a hint, even inside a formula. LaTeX ignores
    the space. The end of a deletion inside the formula is found by counting LaTeX's own braces.
    """
    written: list[str] = []
    depths: list[int] = []  # LaTeX braces open in each open deletion, innermost last.
    previous = ""  # The previous character, or nothing if it belongs to a deletion's own marks.
    position = 0
    while position < len(formula):
        opening = _OPENING.match(formula, position)
        if opening:
            written.append(opening.group())
            depths.append(0)
            previous = ""
            position = opening.end()
            continue
        if depths and depths[-1] == 0 and formula.startswith("}}", position):
            written.append(" }}" if previous == "}" else "}}")
            depths.pop()
            previous = ""
            position += 2
            continue
        # A command such as ``\}`` is one unit: its brace opens or closes nothing.
        unit = formula[position : position + 2] if formula[position] == "\\" else formula[position]
        if depths:
            depths[-1] += {"{": 1, "}": -1}.get(unit, 0)
        written.append(f" {unit}" if unit in ("}", ":") and unit == previous else unit)
        previous = unit[-1]
        position += len(unit)
    return "".join(written)


def _deletion(match: re.Match[str]) -> Deletion:
    return Deletion(int(match["number"]), match["hidden"], match["hint"] or "", match.start(), match.end())
