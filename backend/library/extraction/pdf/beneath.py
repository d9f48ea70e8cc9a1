"""Finds what text may stand on: pictures, as readers see a scan and not its text layer, and dark boxes."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

_MAX_OBJECTS: Final = 5_000
_SCAN_SHARE: Final = 0.6
# A rectangle has five points at most; what has more may be a frame.
_MAX_POINTS: Final = 6
# Of 255.
_DARK: Final = 225
_OPAQUE: Final = 128
_KINDS: Final = [pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM]

Box = tuple[float, float, float, float]
"""Left, bottom, right and top in the page's space."""


@dataclass(slots=True)
class Ground:
    """The places of a page's pictures, and the share of the page that they cover."""

    pictures: list[Box]
    share: float

    @property
    def is_scan(self) -> bool:
        return self.share >= _SCAN_SHARE

    def has_picture_at(self, x: float, y: float) -> bool:
        return any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in self.pictures)


def find_ground(page: pypdfium2.PdfPage) -> Ground:
    width, height = page.get_size()
    pictures: list[Box] = []
    form: Box = (0.0, 0.0, width, height)
    for part in islice(page.get_objects(filter=_KINDS, max_depth=3), _MAX_OBJECTS):
        if part.type == pdfium.FPDF_PAGEOBJ_FORM:
            form = part.get_bounds() if part.level == 0 else form
        else:
            # Bounds inside a form are in the units of that form.
            pictures.append(part.get_bounds() if part.level == 0 else form)
    covered = sum(max(0.0, right - left) * max(0.0, top - bottom) for left, bottom, right, top in set(pictures))
    return Ground(pictures, covered / max(width * height, 1.0))


def find_dark_boxes(page: pypdfium2.PdfPage) -> Iterator[Box]:
    """Yield the rectangles that are filled with a colour on which white is seen."""
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    mode, is_stroked = ctypes.c_int(), ctypes.c_int()
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        if (
            pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_PATH
            and pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)
            and min(red.value, green.value, blue.value) < _DARK
            and alpha.value >= _OPAQUE
            and pdfium.FPDFPath_GetDrawMode(item, mode, is_stroked)
            and mode.value
            and pdfium.FPDFPath_CountSegments(item) <= _MAX_POINTS
            and pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
        ):
            yield left.value, bottom.value, right.value, top.value
