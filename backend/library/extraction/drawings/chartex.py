"""Charts of Office 2016 (``cx:chartSpace``): waterfall, treemap, sunburst, box and whisker, funnel, map."""

from typing import Any

from backend.library.extraction.drawings.bodies import cells_text, rich_text
from backend.library.extraction.drawings.chart_figures import shown_figure
from backend.library.extraction.drawings.names import CX, whole_number
from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.page_text import remove_marks


def chartex_text(chart: Any, warn: Warn, max_points: int) -> tuple[list[str], str]:
    """Return the titles and the table of figures; the table is empty if there are too many or none."""
    titles = [" ".join(rich_text(title, warn).split()) for title in chart.iter(CX + "title")]
    names: dict[str, str] = {}
    for series in chart.iter(CX + "series"):
        data = series.find(CX + "dataId")
        label = series.find(f"{CX}tx/{CX}txData/{CX}v")
        if data is not None and label is not None:
            names[data.get("val", "")] = remove_marks(label.text or "")
    tables = []
    for data in chart.iter(CX + "data"):
        columns = _columns(data, names.get(data.get("id", ""), ""))
        places = sorted({place for _, points in columns for place in points})
        if len(places) * len(columns) > max_points:
            return titles, ""
        rows = [[heading for heading, _ in columns]]
        rows += [[points.get(place, "") for _, points in columns] for place in places]
        tables.append(cells_text(rows, has_header=True) if places else "")
    return titles, "\n\n".join(filter(None, tables))


def _columns(data: Any, name: str) -> list[tuple[str, dict[int, str]]]:
    """Return headings and values: the levels of the categories from the outermost inwards, then the figures."""
    texts: list[tuple[str, dict[int, str]]] = []
    figures: list[tuple[str, dict[int, str]]] = []
    for dimension in data.iterchildren(CX + "strDim", CX + "numDim"):
        is_text = dimension.tag == CX + "strDim"
        levels = [_points(level, is_text) for level in dimension.iterchildren(CX + "lvl")]
        if is_text:
            texts += [("", level) for level in reversed(levels)]
        else:
            figures += [(name, level) for level in levels]
    return texts + figures


def _points(level: Any, is_text: bool) -> dict[int, str]:
    found = {}
    for point in level.iterchildren(CX + "pt"):
        place, text = whole_number(point.get("idx"), -1), " ".join((point.text or "").split())
        if place >= 0 and text:
            found[place] = remove_marks(text) if is_text else shown_figure(text, level.get("formatCode", ""))
    return found
