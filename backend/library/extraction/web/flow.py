"""Text that runs down a page, in blocks: collected by the walk, for the page, a list's item or a table's cell."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from backend.library.extraction.formulas.tex_text import SHIELD, Delimiters, mark_formulas
from backend.library.extraction.page_text import find_marked

NEW_LINE: Final = "\0"
"""Marks a line end: no parsed page contains this character, and HTML treats real line ends as spaces."""

_WHITE_SPACE = re.compile(r"[ \t\r\n\f]+")


class Kind(Enum):
    """What a piece is."""

    PROSE = "prose"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Piece:
    """A block in the notation of ``page_text``. A heading's text has no ``#``.

    ``plain`` is the text of a table or of code inside a cell, where neither can be.
    """

    text: str
    kind: Kind = Kind.PROSE
    level: int = 0
    plain: str = ""


@dataclass(slots=True)
class Flow:
    """Blocks so far, and the parts of the one that is being read."""

    level: int = 0
    preformatted: bool = False
    delimiters: Delimiters = field(default_factory=Delimiters)
    pieces: list[Piece] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _lines_taken: int = 0

    def add(self, text: str) -> None:
        """Add text of the page, whose white space means a blank unless it is preformatted."""
        self._parts.append(text.replace("\n", NEW_LINE) if self.preformatted else _WHITE_SPACE.sub(" ", text))

    def add_finished(self, text: str) -> None:
        """Add text in the notation of ``page_text``."""
        if text:
            self._parts.append(text.replace("\n", NEW_LINE))

    def break_line(self) -> None:
        self._parts.append(NEW_LINE)

    def position(self) -> tuple[int, int]:
        """Return where the next text comes, for ``wrap``."""
        return self._lines_taken, len(self._parts)

    def wrap(self, position: tuple[int, int], enclose: Callable[[str], str]) -> None:
        """Enclose the text since ``position``, unless a block has ended since then."""
        taken, start = position
        if taken == self._lines_taken and len(self._parts) > start:
            text = "".join(self._parts[start:])
            self._parts[start:] = [enclose(text.replace(NEW_LINE, " "))]

    def take_line(self) -> str:
        """Return the text of the block that is being read, which begins again."""
        text = "".join(self._parts)
        self._parts.clear()
        self._lines_taken += 1
        if self.preformatted:
            return text.replace(NEW_LINE, "\n")
        text = mark_formulas(text, self.delimiters, NEW_LINE)
        if SHIELD in text:
            text = text.replace(SHIELD, "")
        lines = (re.sub(" {2,}", " ", text) if "  " in text else text).split(NEW_LINE)
        return "\n".join([line.strip(" ") for line in lines]).strip("\n")

    def end_block(self) -> None:
        """Finish the block that is being read, if there is one. Lines of preformatted text stay together."""
        if not self._parts:
            return
        if self.preformatted:
            if not self._parts[-1].endswith(NEW_LINE):
                self._parts.append(NEW_LINE)
            return
        text = self.take_line()
        if text.strip():
            self.pieces.append(Piece(text, Kind.HEADING if self.level else Kind.PROSE, self.level))

    def take_plain(self) -> str:
        """Return the whole as plain lines, for a cell."""
        self.end_block()
        return "\n".join(piece.plain or piece.text for piece in self.pieces)


def indent(text: str, width: int) -> str:
    """Indent all lines but the first, except those inside code or a table."""
    marked = find_marked(text) if "\n" in text else []
    parts, last = [], 0
    for match in re.finditer("\n", text):
        if not any(start < match.start() < end for start, end in marked):
            parts.append(text[last : match.end()] + " " * width)
            last = match.end()
    return "".join(parts) + text[last:]
