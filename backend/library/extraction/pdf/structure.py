"""Finds headings, paragraphs and code by the sizes, places and fonts of lines, and writes a page's text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.pdf.running_heads import PlacedLine

_MIN_HEADING: Final = 1.18
_MAX_HEADING_CHARS: Final = 150
_MAX_HEADING_LINES: Final = 3
_MAX_LEVELS: Final = 6
_PARAGRAPH_GAP: Final = 1.45
_MIN_CODE_LINES: Final = 2


def find_body_size(pages: Iterable[Sequence[PlacedLine]]) -> float:
    """Return the size of most characters, in points."""
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=1.0)


def find_heading_sizes(pages: Iterable[Sequence[PlacedLine]], body_size: float) -> dict[float, int]:
    """Return the level of a heading by its size: the largest size is level 1."""
    sizes = {round(line.size) for lines in pages for line in lines if _may_be_heading(line, body_size)}
    return {size: min(level, _MAX_LEVELS) for level, size in enumerate(sorted(sizes, reverse=True), 1)}


def write_text(lines: Sequence[PlacedLine], heading_sizes: dict[float, int]) -> tuple[str, str | None]:
    """Return the text of a page in the notation of ``page_text``, and its first heading."""
    leading = _leading(lines)
    parts: list[str] = []
    first: str | None = None
    smallest = min(heading_sizes, default=1e9)
    for kind, group in groupby(lines, key=lambda line: _kind(line, smallest)):
        block = list(group)
        if kind > 0 and len(block) <= _MAX_HEADING_LINES and _is_heading(block):
            title = " ".join(line.text for line in block)
            parts.append(
                "\n\n" + page_text.heading(title, heading_sizes.get(round(block[0].size), _MAX_LEVELS)) + "\n\n"
            )
            first = first or title
        elif kind == 0 and len(block) >= _MIN_CODE_LINES and all(line.is_mono for line in block):
            parts.append("\n\n" + _code(block) + "\n\n")
        else:
            parts.append(_prose(block, leading))
    return "".join(parts), first


def _kind(line: PlacedLine, smallest: float) -> float:
    """Return what lines must share to belong together: the size of a heading, or whether they are code."""
    if round(line.size) >= smallest and not line.is_mono and line.angle == 0:
        return line.size
    return 0 if line.is_mono else -1


def _may_be_heading(line: PlacedLine, body_size: float) -> bool:
    has_letters = any(char.isalpha() for char in line.text)
    return (
        line.size >= _MIN_HEADING * body_size
        and has_letters
        and len(line.text) <= _MAX_HEADING_CHARS
        and line.angle == 0
        and not line.is_uncertain
    )


def _is_heading(block: list[PlacedLine]) -> bool:
    text = " ".join(line.text for line in block)
    return (
        any(char.isalpha() for char in text)
        and len(text) <= _MAX_HEADING_CHARS
        and not any(line.is_uncertain for line in block)
    )


def _leading(lines: Sequence[PlacedLine]) -> float:
    gaps = [before.base - after.base for before, after in pairwise(lines)]
    usual = [gap for gap in gaps if gap > 0]
    return median(usual) if usual else 0.0


def _prose(block: list[PlacedLine], leading: float) -> str:
    pieces = []
    for at, line in enumerate(block):
        if at:
            before = block[at - 1]
            gap = before.base - line.base
            is_new = leading and (gap > _PARAGRAPH_GAP * leading) and not before.joins
            pieces.append("" if before.joins else "\n\n" if is_new else "\n")
        pieces.append(line.text)
    return "\n" + "".join(pieces) + "\n"


def _code(block: list[PlacedLine]) -> str:
    margin = min(line.left for line in block)
    width = median(line.char_width for line in block) or 1.0
    return page_text.code("\n".join(" " * round((line.left - margin) / width) + line.text.rstrip() for line in block))
