"""Tables: every cell at its place, merged ones repeated, also those in content controls."""

from collections.abc import Callable, Iterator
from typing import Any

from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.names import TEXT, VAL, W, is_set, local_name, number_of

_ROW = f"{W}tr"
_CELL = f"{W}tc"
_MAX_SPAN = 200
# What may enclose rows and cells without being one.
_ENCLOSING = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo"})


def rows_of(table: Any, read_cell: Callable[[Any], str], writer: PageWriter) -> list[list[str]]:
    """Return the rows of a table; ``read_cell`` gives the text of a cell."""
    rows: list[list[str]] = []
    merged: dict[int, str] = {}
    for row in _enclosed(table, _ROW):
        properties = row.find(f"{W}trPr")
        if properties is not None and (properties.find(f"{W}del") is not None or is_set(properties, "hidden")):
            if any((text.text or "").strip() for text in row.iter(TEXT, f"{W}delText")):
                writer.warn("hidden_text_removed")
            continue
        cells = [""] * _skipped(properties, "gridBefore")
        for cell in _enclosed(row, _CELL):
            text, span = _cell(cell, len(cells), merged, read_cell)
            # In old files each cell of a row that is merged with the one before says so.
            cells += [cells[-1] if cells and _goes_on(cell, "hMerge") else text] * span
        cells += [""] * _skipped(properties, "gridAfter")
        rows.append(cells)
    return rows


def cells_of(table: Any) -> list[Any]:
    """Return all cells of a table."""
    return [cell for row in _enclosed(table, _ROW) for cell in _enclosed(row, _CELL)]


def _cell(cell: Any, column: int, merged: dict[int, str], read_cell: Callable[[Any], str]) -> tuple[str, int]:
    properties = cell.find(f"{W}tcPr")
    span = 1
    merge = None
    if properties is not None:
        span = min(max(number_of(properties, "gridSpan") or 1, 1), _MAX_SPAN)
        merge = properties.find(f"{W}vMerge")
    text = read_cell(cell)
    if _goes_on(cell, "vMerge"):
        # The cell goes on with the one above; what Word still keeps in it is not shown.
        return merged.get(column, text), span
    merged.pop(column, None)
    if merge is not None:
        merged[column] = text
    return text, span


def _goes_on(cell: Any, name: str) -> bool:
    merge = cell.find(f"{W}tcPr/{W}{name}")
    return merge is not None and merge.get(VAL) != "restart"


def _skipped(properties: Any, name: str) -> int:
    found = number_of(properties, name) if properties is not None else None
    return min(max(found or 0, 0), _MAX_SPAN)


def _enclosed(container: Any, tag: str) -> Iterator[Any]:
    """Yield the rows or cells of a container, also those that content controls enclose."""
    stack = [iter(container)]
    while stack:
        for child in stack[-1]:
            if child.tag == tag:
                yield child
            elif local_name(child) in _ENCLOSING:
                stack.append(iter(child))
                break
        else:
            stack.pop()
