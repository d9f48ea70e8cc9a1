"""The visible shapes of a slide in reading order, and the pictures that they show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.opendocument.names import DRAW, LOEXT, PRESENTATION, SVG, TABLE, TEXT
from backend.library.extraction.opendocument.objects import Objects, description_of
from backend.library.extraction.opendocument.styles import Styles
from backend.library.extraction.slides.geometry import Box, measure
from backend.library.extraction.slides.pictures import Picture, share_of
from backend.library.extraction.slides.reading_order import in_reading_order

_FURNITURE: Final = frozenset({"footer", "header", "date-time", "page-number", "page"})
_FIELDS: Final = frozenset({TEXT + "page-number", TEXT + "page-count", TEXT + "date", TEXT + "time"})
_TRANSLATE = re.compile(r"translate\s*\(\s*(\S+?)[\s,]+([^\s)]+)")
_SHAPES: Final = frozenset(
    DRAW + name
    for name in (
        "frame",
        "g",
        "a",
        "custom-shape",
        "rect",
        "ellipse",
        "circle",
        "path",
        "polygon",
        "polyline",
        "regular-polygon",
        "line",
        "connector",
        "caption",
        "measure",
    )
)
_NOWHERE: Final = Box(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape and its place on the slide. ``place`` is None if the file does not say it."""

    element: Any
    place: Box | None


def shapes_in_order(page: Any, area: Box, warn: Warn) -> Iterator[Shape]:
    """Yield the shapes of a slide, groups opened: the title first, the others as they are read.

    Left out: footers, dates and numbers, empty placeholders, and what is hidden or beside the slide (warned if it
    has text).
    """
    stack: list[Shape] = [Shape(page, None)]
    while stack:
        shape = stack.pop()
        if shape.element is not page and shape.element.tag not in (DRAW + "g", DRAW + "a"):
            yield shape
            continue
        found = [Shape(child, _place(child)) for child in shape.element.iterchildren(*_SHAPES)]
        shown = [one for one in found if _is_shown(one, area, warn)]
        titles = [one for one in shown if _is_title(one)]
        others = [(one.place or _NOWHERE, one) for one in shown if not _is_title(one)]
        stack.extend(reversed([*titles, *in_reading_order(others)]))


def is_furniture(shape: Any) -> bool:
    """Whether a shape has fields for the number or date, and no other text."""
    paragraphs = list(shape.iter(TEXT + "p"))
    fields = [field for paragraph in paragraphs for field in paragraph.iter(*_FIELDS)]
    of_fields = "".join("".join(field.itertext()) for field in fields)
    text = "".join("".join(paragraph.itertext()) for paragraph in paragraphs)
    return bool(fields) and text.split() == of_fields.split()


def pictures_of(shape: Shape, area: Box, styles: Styles, objects: Objects) -> list[Picture]:
    """Return the picture that a shape consists of or is filled with."""
    element = shape.element
    if element.tag == DRAW + "frame":
        content = next(element.iterchildren(DRAW + "*", TABLE + "table"), None)
        image = content if content is not None and content.tag == DRAW + "image" else None
    else:
        image = styles.fill_image("graphic", element.get(DRAW + "style-name"))
    if image is None:
        return []
    part, is_described = objects.picture_part(image), bool(description_of(element))
    return [Picture(part, share_of(shape.place, area), is_described)]


def _is_title(shape: Shape) -> bool:
    return bool(shape.element.get(PRESENTATION + "class") == "title")


def _is_shown(shape: Shape, area: Box, warn: Warn) -> bool:
    element = shape.element
    if element.get(PRESENTATION + "class") in _FURNITURE or element.get(PRESENTATION + "placeholder") == "true":
        return False
    is_hidden = any(element.get(name) in ("none", "printer") for name in (DRAW + "display", LOEXT + "display"))
    is_beside = shape.place is not None and bool(area.area) and not shape.place.meets(area)
    if not is_hidden and not is_beside:
        return True
    if any("".join(paragraph.itertext()).strip() for paragraph in element.iter(TEXT + "p")):
        warn("hidden_text_removed")
    return False


def _place(element: Any) -> Box | None:
    """Return the rectangle of a shape; that of a group holds those of its members."""
    boxes = []
    stack = [element]
    while stack:
        node = stack.pop()
        if node.tag in (DRAW + "g", DRAW + "a"):
            stack.extend(node.iterchildren(*_SHAPES))
        elif (box := _own_place(node)) is not None:
            boxes.append(box)
    if not boxes:
        return None
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _own_place(shape: Any) -> Box | None:
    ends = [measure(shape.get(SVG + name)) for name in ("x1", "y1", "x2", "y2")]
    if None not in ends:
        left, top, right, bottom = (end or 0.0 for end in ends)
        return Box(min(left, right), min(top, bottom), max(left, right), max(top, bottom))
    moved = _TRANSLATE.search(shape.get(DRAW + "transform", ""))
    left_top = moved.groups() if moved else (shape.get(SVG + "x"), shape.get(SVG + "y"))
    sides = [measure(value) for value in (*left_top, shape.get(SVG + "width"), shape.get(SVG + "height"))]
    if sides[0] is None or sides[1] is None:
        return None
    return Box(sides[0], sides[1], sides[0] + (sides[2] or 0), sides[1] + (sides[3] or 0))
