"""Finds the headings of a document: by its bookmarks, and by the sizes and weights of its lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pypdfium2

from backend.library.extraction.pdf.running_heads import PlacedLine

_MAX_BOOKMARKS: Final = 5_000
_MAX_BOOKMARK_DEPTH: Final = 4
_MIN_LARGER: Final = 1.18
_MAX_CHARS: Final = 150
_MAX_BOLD_CHARS: Final = 90
_MAX_LEVEL: Final = 6
# With more of its text in bold, a document does not use it for headings.
_MAX_BOLD_SHARE: Final = 0.2
_MIN_PROSE_SHARE: Final = 0.1
_ENDS_OF_SENTENCES: Final = (".", ",", ";", ":")


@dataclass(slots=True)
class Bookmarks:
    """``of_page`` has the heading that applies to each page: its first bookmark, else the last one before it.

    ``levels`` has those of a page's bookmarks, counted from 1, by their titles without blanks in lower case.
    """

    of_page: list[str | None] = field(default_factory=list)
    levels: dict[int, dict[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class HeadingStyle:
    """How a document sets its headings. ``levels`` has the level of each size, in whole points."""

    levels: dict[int, int]
    uses_bold: bool

    def find_level(self, line: PlacedLine, bookmarks: dict[str, int]) -> int | None:
        """Return the level of a line that looks like a heading, or like a part of one."""
        if not (self.levels or bookmarks or self.uses_bold):
            return None
        if line.angle or line.is_oblique or line.is_mono or line.is_typed or line.is_uncertain:
            return None
        level = self.levels.get(round(line.size))
        if level is not None:
            return level
        deepest = max(self.levels.values(), default=0)
        level = bookmarks.get(fold_title(line.text))
        if level is not None:
            return min(max(level, deepest + 1), _MAX_LEVEL)
        if self.uses_bold and line.is_bold and len(line.text) <= _MAX_BOLD_CHARS:
            return min(deepest + 1, _MAX_LEVEL)
        return None


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
            found.levels.setdefault(index, {})[fold_title(title)] = bookmark.level + 1
    current = None
    for index in range(len(document)):
        found.of_page.append(first.get(index, current))
        current = last.get(index, current)
    return found


def find_body_size(pages: Iterable[Sequence[PlacedLine]]) -> float:
    """Return the size of most characters, in points. Code counts only where there is little else."""
    prose: Counter[float] = Counter()
    code: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            if not line.is_typed:
                (code if line.is_mono else prose)[round(line.size, 1)] += len(line.text)
    sizes = prose if prose.total() >= _MIN_PROSE_SHARE * code.total() else prose + code
    return max(sizes, key=lambda size: (sizes[size], size), default=1.0)


def find_heading_style(pages: Sequence[Sequence[PlacedLine]], body_size: float) -> HeadingStyle:
    """Return how a document sets its headings: the largest size is level 1."""
    sizes: set[int] = set()
    all_chars = bold_chars = 0
    for line in (line for lines in pages for line in lines):
        if _is_title_size(line, body_size):
            sizes.add(round(line.size))
        elif not line.is_typed:
            all_chars += len(line.text)
            bold_chars += len(line.text) * line.is_bold
    levels = {size: min(level, _MAX_LEVEL) for level, size in enumerate(sorted(sizes, reverse=True), 1)}
    return HeadingStyle(levels, 0 < bold_chars <= _MAX_BOLD_SHARE * all_chars)


def is_heading(block: Sequence[PlacedLine]) -> bool:
    """Whether lines of one look are a heading, and not a word in large type or a sentence in bold."""
    text = " ".join(line.text for line in block)
    if len(text) > _MAX_CHARS or sum(char.isalpha() for char in text) < 2:
        return False
    return not (block[0].is_bold and text.rstrip().endswith(_ENDS_OF_SENTENCES)) and not _is_rest(block)


def _is_rest(block: Sequence[PlacedLine]) -> bool:
    """Whether lines are the bold part of a sentence: several that begin with a small letter."""
    return len(block) > 1 and block[0].is_bold and block[0].text[:1].islower()


def fold_title(text: str) -> str:
    return "".join(text.lower().split())


def _is_title_size(line: PlacedLine, body_size: float) -> bool:
    if line.size < _MIN_LARGER * body_size or len(line.text) > _MAX_CHARS:
        return False
    is_plain = line.angle == 0 and not (line.is_oblique or line.is_uncertain or line.is_typed or line.is_mono)
    return is_plain and sum(char.isalpha() for char in line.text) >= 2
