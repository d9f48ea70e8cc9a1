"""The title of a slide: its placeholder, else a short line at the top in the largest letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.names import A
from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.placeholders import placeholder_of
from backend.library.extraction.slides.shapes import Shape, is_title

_MAX_CHARS: Final = 120
# A title stands in this upper part of the slide, in letters larger than all others by this factor.
_UPPER_PART: Final = 0.35
_LARGER: Final = 1.15


@dataclass(slots=True)
class Title:
    """The shape that is a slide's title, and the level of its heading."""

    shape: Shape
    level: int = 2


def find_title(pieces: Sequence[tuple[str, Shape]], slide: Box) -> Title | None:
    """Return the title of a slide whose texts are in reading order, or None."""
    for _, shape in pieces:
        if is_title(shape.element):
            return Title(shape)
    if not pieces:
        return None
    text, first = pieces[0]
    others = [_letter_size(shape.element) for _, shape in pieces[1:]]
    if (
        first.place is None
        or first.place.top > slide.top + _UPPER_PART * (slide.bottom - slide.top)
        or placeholder_of(first.element) is not None
        or len(text) > _MAX_CHARS
        or "\n\n" in text
        or not others
        or not all(others)
        or _letter_size(first.element) < _LARGER * max(others)
    ):
        return None
    return Title(first)


def _letter_size(shape: Any) -> int:
    """Return the size of a shape's largest letters, 0 if it does not say any."""
    sizes = [properties.get("sz", "") for properties in shape.iter(A + "rPr")]
    return max((int(size) for size in sizes if size.isdigit()), default=0)
