"""Decides which pages need text recognition."""

from itertools import islice
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.page_content import PageContent

# A page with an image and fewer characters than this is a scan whose only text is a page number or a stamp
# ("Downloaded from …").
_FEW_CHARS: Final = 20
_STAMP_CHARS: Final = 120
_SCAN_SHARE: Final = 0.6
_PICTURE_SHARE: Final = 0.05
# Text converted to outlines has one path per letter; a page has fewer rules and boxes than that.
_OUTLINED_PATHS: Final = 150
_MAX_OBJECTS: Final = 5_000


def needs_ocr(page: pypdfium2.PdfPage, content: PageContent) -> bool:
    """Whether a page is an image, or its text cannot be used."""
    if content.reason in ("garbage", "unmapped"):
        return True
    return content.letters < _STAMP_CHARS and _is_picture(page, content.letters)


def _is_picture(page: pypdfium2.PdfPage, chars: int) -> bool:
    """Whether the page's content is an image: a scan, a single figure, or letters as outlines."""
    width, height = page.get_size()
    covered, paths = 0.0, 0
    kinds = [pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH]
    for part in islice(page.get_objects(filter=kinds, max_depth=3), _MAX_OBJECTS):
        if part.type == pdfium.FPDF_PAGEOBJ_PATH:
            paths += 1
        elif part.level == 0:
            left, bottom, right, top = part.get_bounds()
            covered += max(0.0, right - left) * max(0.0, top - bottom)
        else:
            # Bounds inside a form are in the units of that form.
            covered += width * height
    share: float = covered / max(width * height, 1.0)
    if chars >= _FEW_CHARS:
        return share >= _SCAN_SHARE
    return share >= _PICTURE_SHARE or paths >= _OUTLINED_PATHS
