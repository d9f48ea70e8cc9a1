"""SmartArt (``dgm:dataModel``) as a nested list, for slides and Word."""

from typing import Any

from backend.library.extraction.drawings.bodies import NO_STYLE, body_text, item_text
from backend.library.extraction.drawings.names import DGM, is_on, whole_number
from backend.library.extraction.drawings.paragraphs import Warn


def diagram_text(model: Any, warn: Warn) -> str:
    """Return the texts of a diagram, given the root element of its data part. Warns ``charts_as_tables``."""
    points = {point.get("modelId", ""): point for point in model.iter(DGM + "pt")}
    children, has_parent = _tree(model)
    roots = [name for name in points if name not in has_parent]
    lines: list[str] = []
    seen: set[str] = set()
    stack = [(name, 0) for name in reversed(roots)]
    # Points that form a circle have no root; they follow at the end.
    rest = list(points)
    while stack or rest:
        if not stack:
            stack.append((rest.pop(0), 0))
        name, level = stack.pop()
        if name in seen or name not in points:
            continue
        seen.add(name)
        text = _point_text(points[name], warn)
        if text:
            lines.append(item_text("-", text, min(level, 8)))
        inner = level + 1 if text else level
        stack.extend((child, inner) for child in reversed(children.get(name, [])))
    if lines:
        warn("charts_as_tables")
    return "\n".join(lines)


def _tree(model: Any) -> tuple[dict[str, list[str]], set[str]]:
    """Return the children of each point in order, and the points that have a parent."""
    links: dict[str, list[tuple[int, str]]] = {}
    has_parent = set()
    for link in model.iter(DGM + "cxn"):
        if link.get("type", "parOf") == "parOf":
            child = link.get("destId", "")
            links.setdefault(link.get("srcId", ""), []).append((whole_number(link.get("srcOrd"), 0), child))
            has_parent.add(child)
    ordered = {parent: [child for _, child in sorted(found, key=lambda one: one[0])] for parent, found in links.items()}
    return ordered, has_parent


def _point_text(point: Any, warn: Warn) -> str:
    """Return the text of a point, unless it only asks for one or belongs to the arrangement."""
    properties = point.find(DGM + "prSet")
    if point.get("type", "") == "pres" or (properties is not None and is_on(properties, "phldr")):
        return ""
    body = point.find(DGM + "t")
    return "" if body is None else body_text(body, NO_STYLE, warn).replace("\n\n", "\n")
