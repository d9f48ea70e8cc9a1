"""Finds the pictures of a page that text may stand on. A scan's text layer is invisible, but readers see the scan."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

_MAX_OBJECTS: Final = 5_000
_SCAN_SHARE: Final = 0.6
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
