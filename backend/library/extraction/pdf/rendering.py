"""Renders a page for text recognition."""

from math import sqrt
from typing import Any, Final

import pypdfium2

_OCR_DPI: Final = 300
_MAX_PIXELS: Final = 20_000_000


def render_page(page: pypdfium2.PdfPage) -> Any:
    """Render the page in grey, as an image of Pillow's."""
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, sqrt(_MAX_PIXELS / max(width * height, 1.0)))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        return bitmap.to_pil().copy()
    finally:
        bitmap.close()
