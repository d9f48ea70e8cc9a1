"""Finds running heads and feet, page numbers and line numbers: furniture that belongs to no sentence."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

_MARGIN: Final = 0.11
"""The share of a page's height in which its heads and feet stand."""

_MIN_PAGES: Final = 3
_MAX_LINES: Final = 2
_MAX_SIZE: Final = 1.08
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
# LaTeX's classes put the number of a page higher than other heads and feet, but always apart from the text.
_NUMBER_MARGIN: Final = 0.2
_NUMBER_GAP: Final = 1.7
_LINE_NUMBER = re.compile(r"(\d{1,4})\s+(?=\S)")
_BARE_NUMBER = re.compile(r"[-–—|·\s]*(\d{1,4})[-–—|·\s]*")


@dataclass(slots=True)
class PlacedLine:
    """A line that has its text. ``height`` is the share of the page below its baseline.

    ``is_typed`` marks what a reader of the file typed; ``notes`` are the footnotes that belong after its paragraph.
    """

    text: str
    size: float
    height: float
    left: float
    base: float
    angle: int = 0
    is_bold: bool = False
    is_mono: bool = False
    is_uncertain: bool = False
    joins: bool = False
    char_width: float = 0.0
    is_typed: bool = False
    is_oblique: bool = False
    is_artifact: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Edge:
    """The candidates at one edge of a page, the outermost first, with their texts' digits folded."""

    lines: list[PlacedLine] = field(default_factory=list)


def remove_running_heads(pages: Sequence[list[PlacedLine]], body_size: float) -> list[str | None]:
    """Remove lines in the margins that repeat on half of the pages, or that carry the number of their page.

    Returns the number that is printed on each page, where pages are counted.

    What the file itself calls an artifact of its pages goes from the margins of any document, and oblique text that
    repeats is a watermark.
    """
    for lines in pages:
        _remove(lines, [line for line in lines if line.is_artifact and (line.is_oblique or _is_in_margin(line))])
    printed: list[str | None] = [None] * len(pages)
    if len(pages) < _MIN_PAGES:
        return printed
    least = max(_MIN_PAGES, (len(pages) + 1) // 2)
    marks = Counter(text for lines in pages for text in {line.text for line in lines if line.is_oblique})
    for lines in pages:
        _remove(lines, [line for line in lines if line.is_oblique and marks[line.text] >= least])
    for at_top in (True, False):
        edges = [_edge(lines, body_size, at_top) for lines in pages]
        keys = Counter(key for edge in edges for key in {_fold(line.text) for line in edge.lines})
        offset = _numbering(edges)
        for at, (lines, edge) in enumerate(zip(pages, edges, strict=True)):
            counted = None
            if offset is not None and edge.lines and str(at + offset) in _numbers(edge.lines[0].text):
                counted = edge.lines[0]
                printed[at] = str(at + offset)
            _remove(lines, [line for line in edge.lines if line is counted or _repeats(line, keys, least)])
    return printed


def remove_line_numbers(lines: list[PlacedLine]) -> None:
    """Remove numbers that count the lines of running text, as in contracts and exams on texts."""
    counted = [(line, match) for line in lines if (match := _LINE_NUMBER.match(line.text))]
    if len(counted) < 4 or len(counted) < 0.8 * len(lines):
        return
    numbers = [int(match[1]) for _, match in counted]
    if any(after - before != 1 for before, after in itertools.pairwise(numbers)):
        return
    rests = [line.text[match.end() :] for line, match in counted]
    # The items of a list begin on a new line each; running text continues.
    if sum(rest[:1].islower() for rest in rests) < len(rests) / 3:
        return
    for (line, _), rest in zip(counted, rests, strict=True):
        line.text = rest


def _remove(lines: list[PlacedLine], gone: list[PlacedLine]) -> None:
    """Remove lines. A page of nothing but furniture keeps it, so that it does not look blank."""
    if gone and len(gone) < len(lines):
        lines[:] = [line for line in lines if not any(line is other for other in gone)]


def _repeats(line: PlacedLine, keys: Counter[str], least: int) -> bool:
    return _is_in_margin(line) and keys[_fold(line.text)] >= least


def _is_in_margin(line: PlacedLine) -> bool:
    return line.angle == 0 and not _MARGIN <= line.height <= 1 - _MARGIN


def _edge(lines: list[PlacedLine], body_size: float, at_top: bool) -> _Edge:
    ordered = sorted(
        (line for line in lines if line.angle == 0 and not line.is_oblique),
        key=attrgetter("height"),
        reverse=at_top,
    )
    found = ordered[: _is_bare_number(ordered, at_top)]
    for line in ordered[len(found) : _MAX_LINES]:
        is_in_margin = line.height > 1 - _MARGIN if at_top else line.height < _MARGIN
        if is_in_margin and line.size <= _MAX_SIZE * body_size:
            found.append(line)
    return _Edge(found)


def _is_bare_number(ordered: list[PlacedLine], at_top: bool) -> bool:
    """Whether the outermost line is a number apart from the text, near the edge of the page."""
    if not ordered:
        return False
    line = ordered[0]
    is_near = line.height > 1 - _NUMBER_MARGIN if at_top else line.height < _NUMBER_MARGIN
    is_apart = len(ordered) == 1 or abs(ordered[1].base - line.base) > _NUMBER_GAP * line.size
    return is_near and is_apart and _BARE_NUMBER.fullmatch(line.text) is not None


def _numbering(edges: list[_Edge]) -> int | None:
    """Return what is added to a page's index to give its printed number, if that holds on half of the pages."""
    offsets = Counter(
        int(number) - at
        for at, edge in enumerate(edges)
        for number in {number for line in edge.lines[:1] for number in _numbers(line.text)}
    )
    if not offsets:
        return None
    offset, count = offsets.most_common(1)[0]
    return offset if count >= max(_MIN_PAGES, (len(edges) + 1) // 2) else None


def _numbers(text: str) -> list[str]:
    return re.findall(r"(?<![\d.])\d{1,4}(?![\d.]\d)", text)


def _fold(text: str) -> str:
    return _NUMBER.sub("#", " ".join(text.lower().split()))
