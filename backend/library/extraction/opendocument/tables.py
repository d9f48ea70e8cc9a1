"""The grid of a table: covered cells repeat the merged one, repetitions are bounded."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from backend.library.extraction.opendocument.names import TABLE, TEXT, count_of
from backend.library.extraction.page_text import remove_marks

_MAX_COLUMNS: Final = 256
_MAX_ROWS: Final = 10_000
_MAX_CELLS: Final = 100_000
_GROUPS: Final = frozenset(
    {TABLE + "table-header-rows", TABLE + "table-rows", TABLE + "table-row-group", TEXT + "soft-page-break"}
)


class _Merged(NamedTuple):
    """A merged cell: the rows and columns that it covers, each up to but without the last."""

    last_row: int
    first_column: int
    last_column: int
    text: str


def grid_of(table: Any, read_cell: Callable[[Any], str]) -> tuple[list[list[str]], bool]:
    """Return the rows of a ``table:table``, and whether it was cut because it is too large."""
    rows: list[list[str]] = []
    merged: list[_Merged] = []
    cells = 0
    for row in _rows(table):
        merged = [one for one in merged if one.last_row > len(rows)]
        line = _line(row, len(rows), merged, read_cell)
        # Empty rows are repeated to fill a sheet; those of a text stand once each.
        repeated = count_of(row, TABLE + "number-rows-repeated", _MAX_ROWS if any(line) else 1)
        cells += len(line) * repeated
        if len(rows) + repeated > _MAX_ROWS or cells > _MAX_CELLS:
            return rows, True
        rows += [line] * repeated
    return rows, False


def sheet_rows(table: Any, max_cells: int) -> list[list[str]]:
    """Return the rows of a sheet without the empty ones at its end and side; none if it has too many cells."""
    rows, is_cut = grid_of(table, _plain_cell)
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((at + 1 for row in rows for at, cell in enumerate(row) if cell), default=0)
    return [] if is_cut or len(rows) * width > max_cells else [row[:width] for row in rows]


def _rows(table: Any) -> Iterator[Any]:
    stack = list(table.iterchildren("*", reversed=True))
    while stack:
        node = stack.pop()
        if node.tag == TABLE + "table-row":
            yield node
        elif node.tag in _GROUPS:
            stack.extend(node.iterchildren("*", reversed=True))


def _line(row: Any, number: int, merged: list[_Merged], read_cell: Callable[[Any], str]) -> list[str]:
    line: list[str] = []
    for cell in row.iterchildren(TABLE + "table-cell", TABLE + "covered-table-cell"):
        repeated = count_of(cell, TABLE + "number-columns-repeated", _MAX_COLUMNS - len(line))
        if len(line) >= _MAX_COLUMNS:
            break
        if cell.tag == TABLE + "covered-table-cell":
            line += [_covering(merged, column) for column in range(len(line), len(line) + repeated)]
            continue
        text = read_cell(cell)
        width = count_of(cell, TABLE + "number-columns-spanned", _MAX_COLUMNS)
        height = count_of(cell, TABLE + "number-rows-spanned", _MAX_ROWS)
        if width > 1 or height > 1:
            merged.append(_Merged(number + height, len(line), len(line) + width, text))
        line += [text] * repeated
    while line and not line[-1] and len(line) == _MAX_COLUMNS:
        line.pop()
    return line


def _covering(merged: list[_Merged], column: int) -> str:
    return next((one.text for one in merged if one.first_column <= column < one.last_column), "")


def _plain_cell(cell: Any) -> str:
    lines = (" ".join("".join(paragraph.itertext()).split()) for paragraph in cell.iterchildren(TEXT + "p"))
    return remove_marks("\n".join(line for line in lines if line))
