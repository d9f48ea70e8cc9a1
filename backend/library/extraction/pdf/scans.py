"""Tells pages whose text is in their image, and which of a page's two texts is the better one."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final, Literal

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction import page_text
from backend.library.extraction.ocr.recognised import Recognised
from backend.library.extraction.pdf.running_heads import PlacedLine

Reason = Literal["garbage", "unmapped"]
"""Why a text layer is not to be used: it is not a language, or some of its characters have no known meaning."""

# A page with an image and fewer characters than this is a scan whose only text is a page number.
_FEW_CHARS: Final = 20
# A stamp, such as "Downloaded from …", may be longer, but it leaves most of a scan's page without text.
_STAMP_CHARS: Final = 400
_SCAN_SHARE: Final = 0.6
_PICTURE_SHARE: Final = 0.05
# Text converted to outlines has one path per letter; a page has fewer rules and boxes than that.
_OUTLINED_PATHS: Final = 150
_MAX_OBJECTS: Final = 5_000

# Recognised text of a page with text over a picture differs by less than this from the text layer.
_MORE_SHARE: Final = 1.1
_MORE_LETTERS: Final = 5
# Stamps are within these parts of a page's height, measured from its edges.
_MARGIN: Final = 0.12
_MAX_UNKNOWN_SHARE: Final = 0.05
_UNKNOWN: Final = "\ufffd"
_UNKNOWN_WORD = re.compile(f"[^\\s\ufdd0-\ufdef]*{_UNKNOWN}[^\\s\ufdd0-\ufdef]*")


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


def says_more(found: Recognised, layer: str, reason: Reason | None) -> bool:
    """Whether the recognised text is to be used instead of the text layer.

    Text over a picture, such as a slide with a background, is recognised as well, but the layer is exact.
    """
    if reason is not None:
        return found.letters > 0
    return found.letters > _MORE_SHARE * _letters(layer) + _MORE_LETTERS


def is_usable(found: Recognised | None, lines: Iterable[PlacedLine], layer: str, reason: Reason | None) -> bool:
    """Whether the text layer can be used, as the recognised text does not say more."""
    if reason == "unmapped":
        return layer.count(_UNKNOWN) <= _MAX_UNKNOWN_SHARE * _letters(layer)
    if reason is not None:
        return False
    if found is not None:
        return True
    placed = [line.text for line in lines if line.angle == 0 and _MARGIN < line.height < 1 - _MARGIN]
    return _letters("".join(placed)) >= _FEW_CHARS


def mark_unknown(layer: str) -> str:
    """Return a text layer in which words with characters of no known meaning are uncertain."""
    return _UNKNOWN_WORD.sub(lambda word: page_text.uncertain(word.group()), layer)


def _letters(text: str) -> int:
    return sum(char.isalnum() for char in text)


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
