"""Finds headings among the lines of a document: bookmarks, and lines in clearly larger type."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pypdfium2

from backend.library.extraction import page_text
from backend.library.extraction.pdf.characters import LINE_END_HYPHEN
from backend.library.extraction.pdf.page_content import PlacedLine, ReadPage

_MAX_BOOKMARKS: Final = 5_000
_MAX_BOOKMARK_DEPTH: Final = 4
_LARGER: Final = 1.15
_MAX_CHARS: Final = 120
_MAX_LINES: Final = 3
_MIN_LETTERS: Final = 3
_MAX_LEVEL: Final = 3
_MAX_SHARE: Final = 0.25


@dataclass(slots=True)
class Bookmarks:
    """``of_page`` is the heading that applies to each page: its first bookmark, else the last one before it.

    ``levels`` are those of a page's bookmarks by their folded titles.
    """

    of_page: list[str | None] = field(default_factory=list)
    levels: dict[int, dict[str, int]] = field(default_factory=dict)


def read_bookmarks(document: pypdfium2.PdfDocument) -> Bookmarks:
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    found = Bookmarks()
    for bookmark in islice(document.get_toc(max_depth=_MAX_BOOKMARK_DEPTH), _MAX_BOOKMARKS):
        destination, title = bookmark.get_dest(), bookmark.get_title().strip()
        index = destination.get_index() if destination else None
        if index is not None and title:
            first.setdefault(index, title)
            last[index] = title
            found.levels.setdefault(index, {})[_fold(title)] = bookmark.level + 1
    current = None
    for index in range(len(document)):
        found.of_page.append(first.get(index, current))
        current = last.get(index, current)
    return found


def body_size(pages: list[ReadPage]) -> float:
    """Return the size of most characters."""
    sizes: Counter[float] = Counter()
    for page in pages:
        sizes.update(page.sizes)
    return max(sizes, key=lambda size: (sizes[size], -size), default=_MAX_CHARS)


def heading_levels(pages: list[ReadPage], body: float) -> dict[float, int]:
    """Return the level of each size that is used for headings; none if much of the document is in large type."""
    chars: Counter[float] = Counter()
    for page in pages:
        chars.update(page.sizes)
    large = sorted((size for size in chars if size >= _LARGER * body), reverse=True)
    if sum(chars[size] for size in large) > _MAX_SHARE * sum(chars.values()):
        return {}
    return {size: min(level, _MAX_LEVEL) for level, size in enumerate(large, 1)}


def write_page(page: ReadPage, sizes: dict[float, int], bookmarks: dict[str, int]) -> str:
    """Return a page's text, with its headings and its uncertain lines marked."""
    pieces: list[str] = []
    at = 0
    while at < len(page.lines):
        line = page.lines[at]
        group = [line]
        level = bookmarks.get(_fold(line.text))
        if level is None and line.size in sizes:
            while at + len(group) < len(page.lines) and page.lines[at + len(group)].size == line.size:
                group.append(page.lines[at + len(group)])
            level = sizes[line.size] if _is_heading(group) else None
        if level is not None:
            title = " ".join(part.text for part in group).replace(f"{LINE_END_HYPHEN} ", LINE_END_HYPHEN)
            pieces.append("\n" * bool(pieces) + page_text.heading(title, level) + "\n\n")
        else:
            pieces += [_write_line(part) for part in group]
        at += len(group)
    return "".join(pieces)


def _write_line(line: PlacedLine) -> str:
    if line.text.endswith(LINE_END_HYPHEN):
        return line.text
    return (page_text.uncertain(line.text) if line.is_formula else line.text) + "\n"


def _is_heading(group: list[PlacedLine]) -> bool:
    text = " ".join(line.text for line in group)
    is_short = len(group) <= _MAX_LINES and len(text) <= _MAX_CHARS
    has_words = sum(char.isalpha() for char in text) >= _MIN_LETTERS
    is_plain = not any(line.is_formula or line.is_typed for line in group)
    return is_short and has_words and is_plain and not text.rstrip().endswith((".", ",", ";"))


def _fold(text: str) -> str:
    return "".join(text.lower().split())
