"""Renders one page of a PDF with PDFium, as a PNG."""

from math import sqrt
from typing import Any, Final

import pypdfium2

from backend.library.page_images.page_words import words_of_page

MAX_PIXELS: Final = 12_000_000
# A width of 2,400 pixels for pages up to twice as tall as wide; beyond that, less.
_MAX_SIDE: Final = 8_000


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
        image = page.render(scale=scale, rev_byteorder=True).to_pil()
        # Text in few colours is small already; more effort takes three times as long.
        image.save("image", "PNG", compress_level=1)
    return words_of_page(page) if job["text"] else []
