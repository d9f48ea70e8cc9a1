"""Tables of drawings (``a:tbl``), merged cells repeated."""

from typing import Any

from backend.library.extraction.drawings.bodies import NO_STYLE, body_text, cells_text
from backend.library.extraction.drawings.names import A, is_on
from backend.library.extraction.drawings.paragraphs import Warn


def table_text(table: Any, warn: Warn) -> str:
    """Return a table in the notation of ``page_text``, or an empty string if it has no text."""
    rows: list[list[str]] = []
    for row in table.iterchildren(A + "tr"):
        cells: list[str] = []
        for cell in row.iterchildren(A + "tc"):
            column = len(cells)
            if is_on(cell, "hMerge") and cells:
                cells.append(cells[-1])
            elif is_on(cell, "vMerge") and rows and column < len(rows[-1]):
                cells.append(rows[-1][column])
            else:
                body = cell.find(A + "txBody")
                cells.append("" if body is None else body_text(body, NO_STYLE, warn))
        rows.append(cells)
    properties = table.find(A + "tblPr")
    has_header = properties is None or properties.get("firstRow") is None or is_on(properties, "firstRow")
    return cells_text(rows, has_header=has_header)
