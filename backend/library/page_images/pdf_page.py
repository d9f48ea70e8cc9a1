"""Renders one page of a PDF with PDFium, as a PNG."""

from math import sqrt
from typing import Any, Final

import pypdfium2
from PIL import Image

from backend.library.page_images.page_words import words_of_page

MAX_PIXELS: Final = 12_000_000
# A width of 2,400 pixels for pages up to twice as tall as wide; beyond that, less.
_MAX_SIDE: Final = 8_000
_GREYS: Final = 256


def render_page(job: dict[str, Any]) -> list[list[Any]]:
    """Write the page to ``image``, if a width is given; return its words as ``[word, left, top, right, bottom]``.

    The four are fractions of the page as it is shown. Raises PdfiumError, IndexError and MemoryError.
    """
    document = pypdfium2.PdfDocument(job["path"])
    # Form fields are drawn only with their environment.
    document.init_forms()
    page = document[job["page"] - 1]
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise ValueError("a page without size")
    if job["width"] is not None:
        scale = min(job["width"] / width, _MAX_SIDE / height, sqrt(MAX_PIXELS / (width * height)))
        # Four bytes for each pixel, which Pillow uses where they are.
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=True)
        # Text in few colours is small already; more effort takes three times as long.
        _without_fourth_byte(bitmap.to_pil()).save("image", "PNG", compress_level=1)
    return words_of_page(page) if job["text"] else []


def _without_fourth_byte(image: Image.Image) -> Image.Image:
    """Return the image with a palette of greys if it has no other colours, else as RGB. No pixel changes.

    Text takes half the bytes and a fifth of the time so. For a greyscale PNG, Pillow would try several filters on each
    line, which takes twice as long and makes text no smaller.
    """
    colours: Any = image.getcolors(_GREYS)
    if colours is None or any(not red == green == blue for _, (red, green, blue, _) in colours):
        return image.convert("RGB")
    grey = image.getchannel("R")
    grey.putpalette(bytes(value for value in range(_GREYS) for _ in "RGB"))
    return grey
