"""Renders a page for text recognition."""

from math import sqrt
from pathlib import Path
from typing import Final

import pypdfium2

_OCR_DPI: Final = 300
_MAX_PIXELS: Final = 30_000_000


def save_image(page: pypdfium2.PdfPage) -> tuple[Path, int]:
    """Render the page in grey to a file in the working folder; return it and its resolution in dpi."""
    width, height = page.get_size()
    scale = min(_OCR_DPI / 72, sqrt(_MAX_PIXELS / max(width * height, 1.0)))
    bitmap = page.render(scale=scale, grayscale=True)
    path = Path("page.pgm")
    with path.open("wb") as file:
        file.write(b"P5 %d %d 255\n" % (bitmap.width, bitmap.height))
        pixels = memoryview(bitmap.buffer)
        for start in range(0, bitmap.stride * bitmap.height, bitmap.stride):
            file.write(pixels[start : start + bitmap.width])
    bitmap.close()
    return path, round(scale * 72)
