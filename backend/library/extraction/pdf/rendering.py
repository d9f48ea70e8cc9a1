"""Renders a page for text recognition."""

from math import sqrt
from typing import TYPE_CHECKING, Final

import pypdfium2

if TYPE_CHECKING:
    from PIL import Image

_OCR_DPI: Final = 300
_MAX_PIXELS: Final = 20_000_000


def render_page(page: pypdfium2.PdfPage) -> "Image.Image":
    """Render the page in grey."""
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, sqrt(_MAX_PIXELS / max(width * height, 1.0)))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        image: Image.Image = bitmap.to_pil().copy()
        return image
    finally:
        bitmap.close()
