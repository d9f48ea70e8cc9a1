"""Pictures on a slide: which part of the file each is, and how much of the slide it covers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.names import A, P, R
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.geometry import Box

PICTURE_SLIDE_SHARE: Final = 0.6
"""A picture that covers more than this part of a slide is the slide, if there is little other text."""

# A smaller picture is an ornament or a logo.
_NOTABLE_SHARE: Final = 0.06
# A picture on this many slides belongs to their design.
_DESIGN_SLIDES: Final = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: the name of its part in the file (None if it is missing), and its share of the slide from 0 to 1.

    ``is_described``: the author wrote what it shows. ``is_background``: it is the slide's background.
    """

    part: str | None
    share: float
    is_described: bool = False
    is_background: bool = False


def without_design(pictures: Iterable[list[Picture]]) -> list[list[Picture]]:
    """Return the pictures of each slide without those that belong to the design of the presentation."""
    slides = list(pictures)
    counts = Counter(part for found in slides for part in {one.part for one in found} if part is not None)
    return [[one for one in found if counts[one.part or ""] < _DESIGN_SLIDES] for found in slides]


def unread(pictures: Iterable[Picture]) -> list[Picture]:
    """Return the pictures whose text would be missed, beside the texts of a slide."""
    return [one for one in pictures if one.share >= _NOTABLE_SHARE and not one.is_described and not one.is_background]


def picture_part(fill: Any, slide_part: str, package: OfficePackage) -> str | None:
    """Return the part of the picture that an ``a:blipFill`` or ``p:blipFill`` shows."""
    blip = fill.find(A + "blip")
    if blip is None:
        return None
    relation = package.relations(slide_part).get(blip.get(R + "embed") or blip.get(R + "link") or "")
    return None if relation is None else relation.part


def fill_of(shape: Any) -> Any | None:
    """Return the picture that a shape consists of or is filled with."""
    for path in (f"{P}blipFill", f"{P}spPr/{A}blipFill"):
        found = shape.find(path)
        if found is not None:
            return found
    return None


def background_of(root: Any) -> Any | None:
    """Return the picture that is a slide's own background."""
    return root.find(f"{P}cSld/{P}bg/{P}bgPr/{A}blipFill")


def share_of(place: Box | None, slide: Box) -> float:
    """Return how much of the slide a box covers; all of it if nobody knows."""
    if place is None or not slide.area:
        return 1.0
    return place.within(slide).area / slide.area
