"""Splits formats without pages: at headings if there are any, else into pages of a fixed size."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.page_writer import PageWriter

PAGE_CHARS: Final = 3_000
"""The target size of a page in characters: about a printed page."""

_MAX_PAGE_CHARS = PAGE_CHARS * 3 // 2
_SMALL_SECTION = PAGE_CHARS // 4
_BREAKS = (re.compile("\n\n+"), re.compile("\n"), re.compile(r"(?<=[.!?…])\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list, a table, code or a heading, in document order, in the notation of ``page_text``.

    ``level`` is 1–6 for headings, else 0; the text of a heading comes without its ``#``. ``new_page``: the document
    begins a page here.
    """

    text: str
    level: int = 0
    new_page: bool = False


def write_blocks(blocks: Iterable[Block], writer: PageWriter) -> None:
    """Write blocks in pages. Warnings of the walk that yields the blocks count for the page that a block is on."""
    for heading, text in pages_of_blocks(_with_warnings(blocks, writer)):
        writer.write(text, heading)


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
    new_page = False
    for block in blocks:
        text = block.text.strip("\n")
        new_page = new_page or block.new_page
        if not text.strip():
            continue
        starts = 0 < block.level <= page_level
        if parts and (new_page or size + len(text) > PAGE_CHARS or (starts and size >= _SMALL_SECTION)):
            yield from _split(heading, parts)
            parts, size, heading = [], 0, applies
        new_page = False
        if starts:
            applies = text
            if not any(parts) or heading is None:
                heading = text
        parts.append(page_text.heading(text, block.level) if block.level else text)
        size += len(text) + 2
    if parts:
        yield from _split(heading, parts)


def pages_of_text(text: str) -> Iterator[str]:
    """Yield pieces of about ``PAGE_CHARS`` characters, cut at the best break near that size.

    What has a kind is not cut, except for code and tables that are longer than a page: these are cut between lines, and
    each piece is code or a table again.
    """
    while len(text) > _MAX_PAGE_CHARS:
        piece, text = _cut(text)
        yield piece
    yield text


def _with_warnings(blocks: Iterable[Block], writer: PageWriter) -> Iterator[Block]:
    walk = iter(blocks)
    while True:
        writer.hold_warnings()
        block = next(walk, None)
        if block is not None:
            # A block that begins a page has the pages before it written before the next block is asked for.
            yield block
        writer.release_warnings()
        if block is None:
            return


def _split(heading: str | None, parts: list[str]) -> Iterator[tuple[str | None, str]]:
    for piece in pages_of_text("\n\n".join(parts)):
        yield heading, piece


def _cut(text: str) -> tuple[str, str]:
    """Cut at the last end of a paragraph, else of a line, sentence or word, in the second half of a page."""
    low, high = PAGE_CHARS // 2, PAGE_CHARS
    marked = page_text.find_marked(text)
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        free = [end for end in ends if not any(start < end < stop for start, stop in marked)]
        if free:
            return text[: free[-1]], text[free[-1] :]
    around = next(((start, stop) for start, stop in marked if start < high < stop), None)
    if around is None:
        return text[:high], text[high:]
    start, stop = around
    if start >= _SMALL_SECTION:
        return text[:start], text[start:]
    pieces = page_text.divide(text[start:stop], high - start)
    if pieces is None:
        return text[:stop], text[stop:]
    return text[:start] + pieces[0], pieces[1] + text[stop:]
