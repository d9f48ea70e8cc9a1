"""Tells pages whose text is in their image."""

from itertools import islice
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

# A page with an image and fewer characters than this is a scan whose only text is a page number.
_FEW_CHARS: Final = 20
# A stamp, such as "Downloaded from …", may be longer, but it leaves most of a scan's page without text.
_STAMP_CHARS: Final = 400
_SCAN_SHARE: Final = 0.6
_PICTURE_SHARE: Final = 0.05
# Text converted to outlines has one path per letter; a page has fewer rules and boxes than that.
_OUTLINED_PATHS: Final = 150
_MAX_OBJECTS: Final = 5_000


def needs_ocr(page: pypdfium2.PdfPage, visible_chars: int, invisible_chars: int) -> bool:
    """Whether the page's content is an image: a scan, a single figure, or letters as outlines.

    Invisible text on a scan is the result of an earlier recognition, and is used.
    """
    if visible_chars >= _STAMP_CHARS or invisible_chars >= _FEW_CHARS:
        return False
    share, paths = _pictures(page)
    if visible_chars >= _FEW_CHARS:
        return share >= _SCAN_SHARE
    return share >= _PICTURE_SHARE or paths >= _OUTLINED_PATHS


def _pictures(page: pypdfium2.PdfPage) -> tuple[float, int]:
    """Return the share of the page that pictures cover, and the number of paths."""
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
    return covered / max(width * height, 1.0), paths
