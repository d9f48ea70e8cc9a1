"""Pictures of a Word file: which part each is, and how large it is shown."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.word.names import SECTION, R, W, local_name, whole_number

PictureReader = Callable[[bytes, int, int], str]
"""Reads a picture that fills a page, given its bytes, width and height in EMU; returns its text or nothing."""

EMU_PER_INCH: Final = 914_400

_EMU_PER_CM = 360_000
_EMU_PER_TWIP = 635
_EMU_PER = {"pt": 12_700, "in": EMU_PER_INCH, "cm": _EMU_PER_CM, "mm": _EMU_PER_CM // 10, "px": 9_525}
_A4_EMU2 = 21 * 29.7 * _EMU_PER_CM**2
# Room for text: a smaller picture is an ornament or a logo.
_MIN_SIDE_EMU = 2 * _EMU_PER_CM
_MIN_AREA_EMU2 = 30 * _EMU_PER_CM**2
_PAGE_SHARE = 0.4
_WORD_SHAPE = (1.5, 20)
_LINE_HEIGHT_EMU = _EMU_PER_CM // 4
_FORMULA_HEIGHT_EMU = 2 * _EMU_PER_CM
_DRAWN_ENDINGS = (".wmf", ".emf", ".wmz", ".emz")
_LENGTH = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*(\d{1,6}(?:\.\d+)?)\s*(pt|in|cm|mm|px)", re.IGNORECASE)


class Picture(NamedTuple):
    """A picture: its part, None if the file does not have it, and the size at which it is shown, in EMU."""

    part: str | None
    width: int
    height: int
    is_in_line: bool = True

    @property
    def may_be_formula(self) -> bool:
        """Whether it is what a program leaves of a formula: a low drawing in a line of text."""
        return (
            self.is_in_line
            and self.part is not None
            and self.part.lower().endswith(_DRAWN_ENDINGS)
            and 0 < self.height <= _FORMULA_HEIGHT_EMU
        )

    @property
    def may_have_text(self) -> bool:
        """Whether it is so large that text in it can be read."""
        return min(self.width, self.height) >= _MIN_SIDE_EMU and self.width * self.height >= _MIN_AREA_EMU2

    @property
    def is_word(self) -> bool:
        """Whether it is as low as a line of text and wider than high, as a formula is; icons and rules are not."""
        if not self.is_in_line or not _LINE_HEIGHT_EMU <= self.height <= _FORMULA_HEIGHT_EMU:
            return False
        return _WORD_SHAPE[0] <= self.width / self.height <= _WORD_SHAPE[1]

    def fills_page(self, page_area: float) -> bool:
        """Whether it takes most of a page of this area (EMU squared)."""
        return self.part is not None and self.width * self.height >= _PAGE_SHARE * page_area


def drawn_picture(drawing: Any, package: OfficePackage, part: str) -> Picture | None:
    """Return the picture of a drawing (``wp:inline``, ``wp:anchor``); None if it has none."""
    blip = extent = None
    for node in drawing.iter():
        name = local_name(node)
        if name == "blip" and blip is None:
            blip = node
        elif name == "extent" and extent is None:
            extent = node
    if blip is None:
        return None
    width, height = (whole_number(extent.get(side)) if extent is not None else None for side in ("cx", "cy"))
    relation = package.relations(part).get(blip.get(f"{R}embed") or blip.get(f"{R}link") or "")
    is_in_line = local_name(drawing) == "inline"
    return Picture(relation.part if relation else None, width or 0, height or 0, is_in_line)


def old_picture(shape: Any, package: OfficePackage, part: str) -> Picture | None:
    """Return the picture of a VML shape; None if it has none."""
    data = next((node for node in shape if local_name(node) == "imagedata"), None)
    if data is None:
        return None
    size = {
        side.lower(): float(length) * _EMU_PER[unit.lower()]
        for side, length, unit in _LENGTH.findall(shape.get("style", ""))
    }
    relation = package.relations(part).get(data.get(f"{R}id", ""))
    is_in_line = "absolute" not in shape.get("style", "")
    found = relation.part if relation else None
    return Picture(found, int(size.get("width", 0)), int(size.get("height", 0)), is_in_line)


def page_area(body: Any) -> float:
    """Return the area of the document's pages in EMU squared, as its last section says; A4 if it does not."""
    section = body.find(SECTION)
    size = section.find(f"{W}pgSz") if section is not None else None
    if size is None:
        return _A4_EMU2
    width, height = (whole_number(size.get(f"{W}{side}")) for side in ("w", "h"))
    return width * height * _EMU_PER_TWIP**2 if width and height else _A4_EMU2
