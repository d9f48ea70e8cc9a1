"""Renders a photograph, or one of several that an upload combined, as a JPEG."""

import zipfile
from typing import Any, Final

from PIL import Image

from backend.library.extraction.ocr.photographs import open_coloured_picture
from backend.library.page_images.pdf_page import MAX_PIXELS

_ARCHIVE: Final = "photos"
_MAX_SIDE: Final = 8_000
_QUALITY: Final = 85


def render_page(job: dict[str, Any]) -> list[list[Any]]:
    """Write the photograph to ``image`` as people hold it, no larger than it is; return no words.

    Raises UnreadableFile, BadZipFile, IndexError and MemoryError.
    """
    if job["width"] is None:
        return []
    if job["format"] == _ARCHIVE:
        with zipfile.ZipFile(job["path"]) as archive, archive.open(archive.infolist()[job["page"] - 1]) as file:
            _write(open_coloured_picture(file, job["width"]), job["width"])
    else:
        if job["page"] != 1:
            raise IndexError("a photograph is one page")
        with open(job["path"], "rb") as file:
            _write(open_coloured_picture(file, job["width"]), job["width"])
    return []


def _write(image: Image.Image, width: int) -> None:
    factor = min(1.0, width / image.width, _MAX_SIDE / image.height, (MAX_PIXELS / (image.width * image.height)) ** 0.5)
    if factor < 1:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    # Without the place and the time in the photograph's data.
    image.info.clear()
    image.save("image", "JPEG", quality=_QUALITY)
