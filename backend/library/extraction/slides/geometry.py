"""Where shapes are on a slide, in EMU (English Metric Units) or the unit of a group."""

import re
from dataclasses import dataclass
from typing import Any, Final

from backend.library.extraction.drawings.names import A, P

_EMU: Final = {"mm": 36_000, "cm": 360_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "pi": 152_400}
_MEASURE = re.compile(r"(-?\d+(?:\.\d+)?)(mm|cm|in|pt|pc|pi)?")
_QUARTER_TURN = 5_400_000
_FULL_TURN = 21_600_000


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the slide."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """The area, 0 for a box without width or height."""
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def within(self, other: "Box") -> "Box":
        """Return the part of this box that is in another one."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def meets(self, other: "Box") -> bool:
        """Whether the boxes have a point in common."""
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.top <= other.bottom
            and other.top <= self.bottom
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns the coordinates within a group into those of the slide."""

    x: float = 1
    y: float = 1
    left: float = 0
    top: float = 0

    def box(self, box: Box) -> Box:
        """Return a box of the group as a box of the slide."""
        return Box(
            box.left * self.x + self.left,
            box.top * self.y + self.top,
            box.right * self.x + self.left,
            box.bottom * self.y + self.top,
        )

    def inner(self, transform: Any) -> "Scale":
        """Return the scale within a group that has this ``a:xfrm``."""
        outer, inner = _rectangle(transform, "off", "ext"), _rectangle(transform, "chOff", "chExt")
        if outer is None or inner is None:
            return self
        x = (outer.right - outer.left) / (inner.right - inner.left) if inner.right > inner.left else 1
        y = (outer.bottom - outer.top) / (inner.bottom - inner.top) if inner.bottom > inner.top else 1
        return Scale(
            self.x * x,
            self.y * y,
            self.left + self.x * (outer.left - inner.left * x),
            self.top + self.y * (outer.top - inner.top * y),
        )


def transform_of(shape: Any) -> Any | None:
    """Return the ``xfrm`` of a shape, a group or a frame, or None."""
    for path in (f"{P}spPr/{A}xfrm", f"{P}grpSpPr/{A}xfrm", f"{P}xfrm"):
        found = shape.find(path)
        if found is not None and found.find(A + "off") is not None:
            return found
    return None


def box_of(transform: Any) -> Box | None:
    """Return the rectangle that a transform sets, turned if the shape stands on its side."""
    box = _rectangle(transform, "off", "ext")
    turned = measure(transform.get("rot")) or 0
    if box is None or round(turned % _FULL_TURN / _QUARTER_TURN) % 2 == 0:
        return box
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    half_width, half_height = (box.bottom - box.top) / 2, (box.right - box.left) / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def measure(value: str | None) -> float | None:
    """Return a coordinate in EMU; the strict format also writes ``2.5cm``."""
    found = _MEASURE.fullmatch((value or "").strip())
    return float(found.group(1)) * _EMU.get(found.group(2) or "", 1) if found else None


def _rectangle(transform: Any, offset: str, extent: str) -> Box | None:
    corner, size = transform.find(A + offset), transform.find(A + extent)
    if corner is None or size is None:
        return None
    left, top = measure(corner.get("x")), measure(corner.get("y"))
    width, height = measure(size.get("cx")), measure(size.get("cy"))
    if left is None or top is None or width is None or height is None:
        return None
    return Box(left, top, left + width, top + height)
