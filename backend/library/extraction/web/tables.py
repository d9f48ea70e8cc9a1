"""Tables of web pages: every cell, also the empty ones, and merged cells repeated."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from backend.library.extraction import page_text
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.web.flow import Flow, Kind, Piece

_MAX_SPAN = 1_000
_MAX_CELLS: Final = 200_000
_MAX_REPEATED_CHARS: Final = 2_000_000
_LAYOUT_BLOCKS = 4
_LAYOUT_CHARS = 1_000


_ROLES: Final = {
    "table": "table", "grid": "table", "row": "tr", "cell": "td", "gridcell": "td", "columnheader": "th",
    "rowheader": "th",
}  # fmt: skip
_DISPLAYS: Final = {"table": "table", "table-row": "tr", "table-cell": "td"}


def name_in_tables(element: etree._Element, name: str, display: str) -> str:
    """Return an element's name, or what it is by its role or style: a table, its row or its cell."""
    if name not in ("div", "span", "section", "ul", "li", "p"):
        return name
    return _ROLES.get(element.get("role", ""), "") or _DISPLAYS.get(display, "") or name


@dataclass(slots=True)
class _Cell:
    pieces: list[Piece]
    text: str
    is_header: bool
    columns: int
    rows: int


@dataclass(slots=True)
class Table:
    """A table that is being read. ``outside`` collects text that is in no cell, such as its caption."""

    is_layout: bool
    outside: Flow = field(default_factory=Flow)
    _rows: list[list[_Cell]] = field(default_factory=list)
    _foot: list[list[_Cell]] = field(default_factory=list)
    _current: list[_Cell] | None = None
    _in_foot: bool = False

    def open_part(self, name: str) -> None:
        """Begin the head, the body or the foot, which comes last wherever it stands."""
        self._in_foot = name == "tfoot"
        self._current = None

    def open_row(self) -> None:
        self._current = []
        (self._foot if self._in_foot else self._rows).append(self._current)

    def add_cell(self, element: etree._Element, name: str, flow: Flow) -> None:
        if self._current is None:
            self.open_row()
        text = flow.take_plain()
        cell = _Cell(flow.pieces, text, name == "th", _span(element, "colspan"), _span(element, "rowspan"))
        if self._current is not None:
            self._current.append(cell)

    def finish(self) -> list[Piece]:
        """Return the caption and the table, or, if it only lays out a page, the pieces of its cells."""
        self.outside.end_block()
        before = self.outside.pieces
        rows = self._rows + self._foot
        cells = [cell for row in rows for cell in row]
        if not any(cell.text.strip() for cell in cells):
            return before
        if self._lays_out(cells):
            return before + [piece for cell in cells for piece in cell.pieces]
        grid = [row for row in _grid(rows) if any(row)]
        first = rows[0]
        # A row that begins with a header and goes on with data has its header at its side.
        at_side = len(first) > 1 and first[0].is_header and not any(cell.is_header for cell in first[1:])
        text = page_text.table(grid, has_header=not at_side)
        plain = "\n".join("; ".join(" ".join(cell.split()) for cell in row) for row in grid)
        return [*before, Piece(text, Kind.TABLE, plain=plain)]

    def _lays_out(self, cells: list[_Cell]) -> bool:
        if self.is_layout or len(cells) == 1:
            return True
        if any(cell.is_header for cell in cells):
            return False
        return any(
            any(piece.kind in (Kind.HEADING, Kind.TABLE, Kind.CODE) for piece in cell.pieces)
            or (len(cell.pieces) >= _LAYOUT_BLOCKS and len(cell.text) >= _LAYOUT_CHARS)
            for cell in cells
        )


def _grid(rows: list[list[_Cell]]) -> Iterator[list[str]]:
    """Yield the texts of each row, merged cells repeated. Raises UnreadableFile("too_large")."""
    below: dict[int, tuple[int, str]] = {}
    cells = repeated = 0
    for number, row in enumerate(rows):
        texts: dict[int, str] = {}
        left = {column: (more, text) for column, (more, text) in below.items() if more > 0}
        for column, (_, text) in left.items():
            texts[column] = text
        below = {column: (more - 1, text) for column, (more, text) in left.items()}
        column = 0
        for cell in row:
            while column in texts:
                column += 1
            rows_below = (cell.rows or len(rows) - number) - 1
            for at in range(column, column + max(cell.columns, 1)):
                texts[at] = cell.text
                if rows_below > 0:
                    below[at] = (rows_below, cell.text)
            repeated += len(cell.text) * (max(cell.columns, 1) - 1)
            column += max(cell.columns, 1)
        repeated += sum(len(text) for _, text in left.values())
        width = max(texts, default=-1) + 1
        cells += width
        if cells > _MAX_CELLS or repeated > _MAX_REPEATED_CHARS:
            raise UnreadableFile("too_large")
        yield [texts.get(at, "") for at in range(width)]


def _span(element: etree._Element, name: str) -> int:
    """Return how many columns or rows a cell takes; 0 rows are all that follow."""
    value = element.get(name, "1").strip()
    if not (value.isascii() and value.isdigit()):
        return 1
    return min(int(value[:6]), _MAX_SPAN)
