"""Tells raised and lowered runs of a line, also nested ones, and writes them in the notation of ``page_text``."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.pdf.runs import Run

SMALLER: Final = 0.86
"""A script's size is at most this share of what it stands at."""

MAX_SHIFT: Final = 0.95
_RAISED: Final = 0.18
_LOWERED: Final = -0.08
_TOUCHING: Final = 0.18
_OVERLAP: Final = 0.3
_DENOMINATOR: Final = -0.3
# Nothing is raised to the power of something after one of these.
_NO_BASES: Final = frozenset(" -−–+±=·×/<>≤≥,(")
# Signs of TeX that other programs have as characters of their own.
_ALWAYS_RAISED: Final = {"\u25e6": "°", "\u2218": "°", "\u2032": "\u2032", "\u2032\u2032": "\u2033"}


def write_runs(runs: Sequence[Run], *, are_script: bool = False) -> tuple[str, bool]:
    """Return the text of a line's runs, and whether it says less than their places.

    This notation cannot show a fraction. ``are_script``: the runs are a script themselves.
    """
    sides = _find_sides(runs)
    pieces: list[str] = []
    groups = [list(group) for _, group in groupby(range(len(runs)), key=sides.__getitem__)]
    is_unsure = any(_is_stacked(runs, sides, at) for at in range(1, len(runs))) or (
        are_script and _is_unclear(runs, sides, groups)
    )
    for number, group in enumerate(groups):
        first = group[0]
        side = sides[first]
        before = _blank_before(runs, sides, first) if first else ""
        if not side:
            pieces.append(before + "".join((runs[at].before if at > first else "") + runs[at].text for at in group))
            continue
        text, is_unsure_script = write_runs([runs[at] for at in group], are_script=True)
        is_second = bool(number) and sides[groups[number - 1][0]] == -side
        is_unsure = is_unsure or is_unsure_script or (is_second and _is_fraction(runs, groups, number))
        pieces.append(before + _write_script(text, side))
    return "".join(pieces), is_unsure


def _is_unclear(runs: Sequence[Run], sides: Sequence[int], groups: Sequence[Sequence[int]]) -> bool:
    """Whether runs of a script stand at several heights, or one of its scripts has nothing to stand at."""
    level = [run for run, side in zip(runs, sides, strict=True) if not side and run.text.strip()]
    bases = [run.base for run in level]
    if level and max(bases) - min(bases) > _RAISED * max(run.size for run in level):
        return True
    for number, group in enumerate(groups):
        if sides[group[0]] and not (number and sides[groups[number - 1][0]]):
            before = runs[groups[number - 1][-1]].text if number else ""
            if not before or runs[group[0]].before == " " or before[-1] in _NO_BASES:
                return True
    return False


def _write_script(text: str, side: int) -> str:
    if side > 0:
        return _ALWAYS_RAISED.get(text.strip()) or page_text.raised(text)
    return page_text.lowered(text)


def _find_sides(runs: Sequence[Run]) -> list[int]:
    """Return 1 for each raised run, -1 for a lowered one, else 0."""
    sides = [0] * len(runs)
    smallest, largest = min(run.size for run in runs), max(run.size for run in runs)
    if smallest > SMALLER * largest:
        return sides
    # The largest come first: they are what others stand at.
    for at in sorted(range(len(runs)), key=lambda at: -runs[at].size):
        if runs[at].text.strip():
            sides[at] = _find_side(runs, sides, at)
    return sides


def _find_side(runs: Sequence[Run], sides: Sequence[int], at: int) -> int:
    run = runs[at]
    before = at - 1
    if before >= 0 and sides[before] and run.size <= SMALLER * runs[before].size and _touches(runs, at):
        # A script of a script.
        return sides[before]
    base = _find_base(runs, sides, at)
    if base is None:
        return 0
    shift = (run.base - base.base) / base.size
    if _RAISED <= shift <= MAX_SHIFT:
        return 1
    return -1 if -MAX_SHIFT <= shift <= _LOWERED else 0


def _find_base(runs: Sequence[Run], sides: Sequence[int], at: int) -> Run | None:
    """Return the nearest larger run that is not a script itself, preferring the one before it."""
    for places in (range(at - 1, -1, -1), range(at + 1, len(runs))):
        for place in places:
            other = runs[place]
            if not sides[place] and runs[at].size <= SMALLER * other.size and other.text.strip():
                return other
    return None


def _blank_before(runs: Sequence[Run], sides: Sequence[int], at: int) -> str:
    """Return what stands before the first run of a group, without a blank that only the shift made PDFium see."""
    run = runs[at]
    if sides[at]:
        return "" if _touches(runs, at) else run.before
    start = at
    while start and sides[start - 1]:
        start -= 1
    right = max((other.right for other in runs[start:at]), default=runs[at - 1].right)
    return "" if start < at and run.left - right <= _TOUCHING * run.size else run.before


def _touches(runs: Sequence[Run], at: int) -> bool:
    """Whether a script stands directly at what is before it."""
    return at > 0 and runs[at].left - runs[at - 1].right <= _TOUCHING * runs[at - 1].size


def _is_stacked(runs: Sequence[Run], sides: Sequence[int], at: int) -> bool:
    """Whether a run stands above or below one just before it, and not on the other side of what both stand at."""
    run = runs[at]
    for place in range(max(at - 3, 0), at):
        before = runs[place]
        if sides[at] == -sides[place] != 0 or abs(run.base - before.base) <= 0.1 * max(run.size, before.size):
            continue
        narrower = min(run.right - run.left, before.right - before.left)
        if min(run.right, before.right) - max(run.left, before.left) > _OVERLAP * narrower > 0:
            return True
    return False


def _is_fraction(runs: Sequence[Run], groups: Sequence[Sequence[int]], number: int) -> bool:
    """Whether two scripts above each other have nothing to stand at: no letter ends where they begin."""
    upper, lower = ([runs[at] for at in groups[place]] for place in (number - 1, number))
    overlap = min(upper[-1].right, lower[-1].right) - max(upper[0].left, lower[0].left)
    if overlap <= 0:
        return False
    if number > 1:
        base = runs[groups[number - 2][-1]]
        if upper[0].left - base.right <= 0.25 * base.size and upper[0].before != " " and not base.text.endswith(" "):
            return False
    # Mass and charge before the sign of an element stand as scripts do; a denominator stands lower.
    following = runs[groups[number + 1][0]] if number + 1 < len(groups) else None
    if following is None or not following.text[:1].isupper():
        return True
    bases = [part[0].base - following.base for part in (upper, lower)]
    return min(bases) < _DENOMINATOR * following.size
