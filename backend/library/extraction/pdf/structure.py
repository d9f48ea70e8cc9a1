"""Writes a page's text: puts headings, paragraphs, lists and code together from its lines."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.pdf.headings import HeadingStyle, is_heading
from backend.library.extraction.pdf.running_heads import PlacedLine

_MAX_HEADING_LINES: Final = 3
_PARAGRAPH_GAP: Final = 1.3
_MIN_CODE_LINES: Final = 2
_SAME_BASE: Final = 0.3
# Signs of bullets, also those of Symbol and Wingdings.
_BULLETS: Final = "•‣⁃∙●○◦▪▫■□▶►▸➢❖\uf0a7\uf0b7\uf0d8\uf076"
_BULLET: Final = re.compile(rf"[{_BULLETS}]\s*")


def write_bullets(lines: list[PlacedLine]) -> None:
    """Write the bullets of lists as hyphens. A bullet on a line of its own goes to the text beside it."""
    for line, following in pairwise(list(lines)):
        is_beside = abs(line.base - following.base) <= _SAME_BASE * following.size and line.left < following.left
        if is_beside and _BULLET.fullmatch(line.text):
            following.text = f"- {following.text}"
            following.left = line.left
            lines[:] = [other for other in lines if other is not line]
    for line in lines:
        bullet = _BULLET.match(line.text)
        if bullet and bullet.end() < len(line.text):
            line.text = f"- {line.text[bullet.end() :]}"


def write_text(lines: Sequence[PlacedLine], style: HeadingStyle, bookmarks: dict[str, int]) -> tuple[str, str | None]:
    """Return the text of a page in the notation of ``page_text``, and its first heading."""
    leading = _leading(lines)
    parts: list[str] = []
    first: str | None = None
    for (level, _), group in groupby(lines, key=lambda line: _look(line, style, bookmarks)):
        block = list(group)
        if level and len(block) <= _MAX_HEADING_LINES and is_heading(block):
            title = "".join(line.text if line.joins else f"{line.text} " for line in block).rstrip()
            parts.append(f"\n\n{page_text.heading(title, level)}\n\n{_write_notes(block)}")
            first = first or title
        elif block[0].is_mono and len(block) >= _MIN_CODE_LINES:
            parts.append("\n\n" + _code(block) + "\n\n")
        else:
            parts.append(_prose(block, leading))
    return "".join(parts), first


def _look(line: PlacedLine, style: HeadingStyle, bookmarks: dict[str, int]) -> tuple[int | None, object]:
    """Return what lines must share to belong together: the level and look of a heading, or whether they are code."""
    level = style.find_level(line, bookmarks)
    if level is None:
        return None, (line.is_mono, line.is_oblique)
    return level, (round(line.size, 1), line.is_bold)


def _leading(lines: Sequence[PlacedLine]) -> float:
    gaps = [before.base - after.base for before, after in pairwise(lines)]
    usual = [gap for gap in gaps if gap > 0]
    return median(usual) if usual else 0.0


def _prose(block: list[PlacedLine], leading: float) -> str:
    pieces: list[str] = []
    notes: list[str] = []
    for at, line in enumerate(block):
        if at:
            before = block[at - 1]
            is_new = leading and (before.base - line.base > _PARAGRAPH_GAP * leading) and not before.joins
            if is_new and notes:
                pieces += ["\n\n", *notes]
                notes = []
            pieces.append("" if before.joins else "\n\n" if is_new else "\n")
        pieces.append(line.text)
        notes += [f"{note}\n" for note in line.notes]
    if notes:
        pieces += ["\n\n", *notes]
    return "\n" + "".join(pieces) + "\n"


def _write_notes(block: Iterable[PlacedLine]) -> str:
    return "".join(f"{note}\n" for line in block for note in line.notes)


def _code(block: list[PlacedLine]) -> str:
    margin = min(line.left for line in block)
    width = median(line.char_width for line in block) or 1.0
    return page_text.code("\n".join(" " * round((line.left - margin) / width) + line.text.rstrip() for line in block))
