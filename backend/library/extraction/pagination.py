"""Splits formats without pages: at headings if there are any, else into pages of a fixed size."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

PAGE_CHARS: Final = 3_000
"""The target size of a page in characters: about a printed page."""

_MAX_PAGE_CHARS = PAGE_CHARS * 3 // 2
_SMALL_SECTION = PAGE_CHARS // 4
_BREAKS = (re.compile("\n\n+"), re.compile("\n"), re.compile(r"(?<=[.!?…])\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a table or a heading, in document order; ``level`` is 1–6 for headings, else 0."""

    text: str
    level: int = 0


def pages_of_blocks(blocks: Iterable[Block], page_level: int = 2) -> Iterator[tuple[str | None, str]]:
    """Yield ``(heading, text)`` for each page.

    A heading of ``page_level`` or above begins a page, unless the page so far is small (a quarter of
    ``PAGE_CHARS``); a page that would grow over ``PAGE_CHARS`` ends at the paragraph before. The heading of
    a page is the first one on it, else the one that still applies.
    """
    heading: str | None = None
    applies: str | None = None
    parts: list[str] = []
    size = 0
    for block in blocks:
        text = block.text.strip("\n")
        if not text.strip():
            continue
        starts = 0 < block.level <= page_level
        if parts and (size + len(text) > PAGE_CHARS or (starts and size >= _SMALL_SECTION)):
            yield from _split(heading, parts)
            parts, size, heading = [], 0, applies
        if starts:
            applies = text
            if not any(parts) or heading is None:
                heading = text
        parts.append(text)
        size += len(text) + 2
    if parts:
        yield from _split(heading, parts)


def pages_of_text(text: str) -> Iterator[str]:
    """Yield pieces of about ``PAGE_CHARS`` characters, cut at the best break near that size."""
    start = 0
    while len(text) - start > _MAX_PAGE_CHARS:
        end = _best_break(text, start)
        yield text[start:end]
        start = end
    yield text[start:]


def _split(heading: str | None, parts: list[str]) -> Iterator[tuple[str | None, str]]:
    for piece in pages_of_text("\n\n".join(parts)):
        yield heading, piece


def _best_break(text: str, start: int) -> int:
    """Return the last end of a paragraph, else of a line, sentence or word, in the second half of a page."""
    low, high = start + PAGE_CHARS // 2, start + PAGE_CHARS
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        if ends:
            return ends[-1]
    return high
