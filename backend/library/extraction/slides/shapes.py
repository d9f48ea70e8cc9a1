"""The visible shapes of a slide, groups opened, in reading order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.names import MC, P, alternatives, is_on
from backend.library.extraction.drawings.paragraphs import Warn, texts_of
from backend.library.extraction.slides.geometry import Box, Scale, box_of
from backend.library.extraction.slides.placeholders import FURNITURE, TITLES, Inheritance, placeholder_of, type_of
from backend.library.extraction.slides.reading_order import in_reading_order

_NOT_SHAPES: Final = frozenset({P + "nvGrpSpPr", P + "grpSpPr", P + "extLst"})
_NOWHERE: Final = Box(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape and its place on the slide. ``place`` is None if the file does not say it."""

    element: Any
    place: Box | None


def shapes_in_order(tree: Any, layout: str | None, models: Inheritance, slide: Box, warn: Warn) -> Iterator[Shape]:
    """Yield the shapes of a shape tree: the title first, the others as they are read.

    Left out: footers, dates and numbers, and what is hidden or beside the slide (warned if it has text).
    """
    stack: list[tuple[Any, Scale, Shape | None]] = [(tree, Scale(), None)]
    while stack:
        element, scale, shape = stack.pop()
        if shape is not None and element.tag != P + "grpSp":
            yield shape
            continue
        inner = scale
        if shape is not None:
            transform = models.transform(element, layout)
            inner = scale if transform is None else scale.inner(transform)
        found = [
            _shape(child, inner, layout, models)
            for child in _children(element)
            if _is_shown(child, warn) and not _is_furniture(child)
        ]
        shown = [one for one in found if _is_on_slide(one, slide, warn)]
        titles = [one for one in shown if is_title(one.element)]
        others = [(one.place or _NOWHERE, one) for one in shown if not is_title(one.element)]
        stack.extend((one.element, inner, one) for one in reversed([*titles, *in_reading_order(others)]))


def is_title(element: Any) -> bool:
    """Whether a shape is the title's placeholder."""
    placeholder = placeholder_of(element)
    return placeholder is not None and type_of(placeholder) in TITLES


def properties_of(element: Any) -> Any | None:
    """Return the ``p:cNvPr`` of a shape: its name, its description, whether it is hidden."""
    for child in element.iterchildren("*"):
        found = child.find(P + "cNvPr")
        if found is not None:
            return found
    return None


def _children(element: Any) -> Iterator[Any]:
    stack = list(element.iterchildren("*", reversed=True))
    while stack:
        child = stack.pop()
        if child.tag == MC + "AlternateContent":
            stack.extend(reversed(alternatives(child)))
        elif child.tag not in _NOT_SHAPES:
            yield child


def _shape(element: Any, scale: Scale, layout: str | None, models: Inheritance) -> Shape:
    transform = models.transform(element, layout)
    box = None if transform is None else box_of(transform)
    return Shape(element, None if box is None else scale.box(box))


def _is_shown(element: Any, warn: Warn) -> bool:
    properties = properties_of(element)
    if properties is None or not is_on(properties, "hidden"):
        return True
    if texts_of(element):
        warn("hidden_text_removed")
    return False


def _is_furniture(element: Any) -> bool:
    placeholder = placeholder_of(element)
    return placeholder is not None and type_of(placeholder) in FURNITURE


def _is_on_slide(shape: Shape, slide: Box, warn: Warn) -> bool:
    if shape.place is None or not slide.area or shape.place.meets(slide):
        return True
    if texts_of(shape.element):
        warn("hidden_text_removed")
    return False
