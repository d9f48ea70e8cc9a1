"""Charts (``c:chartSpace``, ``cx:chartSpace``) as their titles and a table of their figures, for slides and Word."""

from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.drawings.bodies import cells_text, rich_text
from backend.library.extraction.drawings.chart_figures import shown_figure
from backend.library.extraction.drawings.chartex import chartex_text
from backend.library.extraction.drawings.names import CX, C, whole_number
from backend.library.extraction.drawings.paragraphs import Warn

MAX_POINTS: Final = 500
"""A chart with more points is a drawing of measurements, whose figures nobody learns."""

Points = dict[int, str]
"""Values by their place in a series, counted from 0."""


@dataclass(slots=True)
class _Series:
    name: str
    categories: Points
    values: dict[str, Points] = field(default_factory=dict)


def chart_text(chart: Any, warn: Warn) -> str:
    """Return a chart's titles and figures, given the root element of its part, in the notation of ``page_text``.

    Warns ``charts_as_tables``, and ``objects_lost`` if the figures are not in the file or too many.
    """
    warn("charts_as_tables")
    if chart.tag == CX + "chartSpace":
        titles, table = chartex_text(chart, warn, MAX_POINTS)
    else:
        titles, table = _titles(chart, warn), _table(chart, warn)
    if not table:
        warn("objects_lost")
    return "\n\n".join(part for part in (*titles, table) if part.strip())


def _titles(chart: Any, warn: Warn) -> list[str]:
    """Return the title and the titles of the axes."""
    found = []
    for title in chart.iter(C + "title"):
        rich = title.find(f"{C}tx/{C}rich")
        text = rich_text(rich, warn) if rich is not None else " ".join(_points(title.find(C + "tx")).values())
        if text.strip():
            found.append(" ".join(text.split()))
    return found


def _table(chart: Any, warn: Warn) -> str:
    series = [_series(element, warn) for element in chart.iter(C + "ser")]
    series = [one for one in series if any(one.values.values())]
    if sum(len(points) for one in series for points in one.values.values()) > MAX_POINTS:
        return ""
    tables = [_rows(group) for group in _with_same_categories(series)]
    return "\n\n".join(cells_text(rows, has_header=True) for rows in tables)


def _with_same_categories(series: list[_Series]) -> list[list[_Series]]:
    groups: list[list[_Series]] = []
    for one in series:
        if groups and groups[-1][0].categories == one.categories:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _rows(group: list[_Series]) -> list[list[str]]:
    columns = [(_heading(one, kind), points) for one in group for kind, points in one.values.items()]
    categories = group[0].categories
    places = sorted({*categories, *(place for _, points in columns for place in points)})
    names = {place: categories.get(place, "") or (str(place + 1) if not categories else "") for place in places}
    rows = [["", *(heading for heading, _ in columns)]]
    rows += [[names[place], *(points.get(place, "") for _, points in columns)] for place in places]
    return rows


def _heading(series: _Series, kind: str) -> str:
    return f"{series.name} ({kind})" if kind and series.name else series.name or kind


def _series(element: Any, warn: Warn) -> _Series:
    name = " ".join(_points(element.find(C + "tx")).values())
    if not name:
        name = " ".join(node.text or "" for node in element.iterfind(f"{C}tx/{C}v"))
    categories = _points(element.find(C + "cat"))
    x_values = _points(element.find(C + "xVal"))
    found = _Series(page_text.remove_marks(name), categories or x_values)
    values, sizes = element.find(C + "val"), element.find(C + "bubbleSize")
    found.values[""] = _points(values if values is not None else element.find(C + "yVal"))
    if sizes is not None:
        found.values["size"] = _points(sizes)
    # A label that somebody typed says more than the figure.
    for label in element.iterfind(f"{C}dLbls/{C}dLbl"):
        typed, place = label.find(f"{C}tx/{C}rich"), label.find(C + "idx")
        if typed is not None and place is not None:
            text = " ".join(rich_text(typed, warn).split())
            at = whole_number(place.get("val"), -1)
            if text and at in found.values[""] and text != found.values[""][at]:
                found.values[""][at] += f" ({text})"
    return found


def _points(holder: Any) -> Points:
    """Return what an element keeps of the cells that it refers to. Levels of categories are joined from the outside."""
    if holder is None:
        return {}
    levels = [_level(level) for level in holder.iter(C + "lvl")]
    if not levels:
        caches = (cache for cache in holder.iter(C + "strCache", C + "numCache", C + "strLit", C + "numLit"))
        return next((_level(cache) for cache in caches), {})
    joined: Points = {}
    for place in sorted(levels[0]):
        # An outer level names only the first point of each group.
        outer = (
            level[max(at for at in level if at <= place)] for level in levels[1:] if min(level, default=1) <= place
        )
        joined[place] = " / ".join([*reversed(list(outer)), levels[0][place]])
    return joined


def _level(cache: Any) -> Points:
    code = "".join(node.text or "" for node in cache.iterchildren(C + "formatCode"))
    found: Points = {}
    for point in cache.iterchildren(C + "pt"):
        place, value = whole_number(point.get("idx"), -1), point.find(C + "v")
        if place >= 0 and value is not None and value.text:
            text = value.text
            if cache.tag in (C + "numCache", C + "numLit"):
                text = shown_figure(text, point.get("formatCode", code))
            found[place] = " ".join(page_text.remove_marks(text).split())
    return found
