"""Reads a PDF with PDFium: text in reading order, headings from the bookmarks, scans with OCR."""

from collections.abc import Iterator
from ctypes import c_ushort
from itertools import islice
from math import sqrt
from pathlib import Path
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.tesseract import OcrReader
from backend.library.extraction.page_writer import PageWriter

# A page with an image and fewer characters than this is a scan whose only text is a page number or a stamp
# ("Downloaded from …").
_FEW_CHARS: Final = 20
_STAMP_CHARS: Final = 120
_SCAN_SHARE: Final = 0.6
_PICTURE_SHARE: Final = 0.05
# Text converted to outlines has one path per letter; a page has fewer rules and boxes than that.
_OUTLINED_PATHS: Final = 150
_MAX_OBJECTS: Final = 5_000

_OCR_DPI: Final = 300
_MAX_PIXELS: Final = 30_000_000
_MAX_BOOKMARKS: Final = 5_000
_MAX_BOOKMARK_DEPTH: Final = 4


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each page of the PDF at ``path``. Raises UnreadableFile(encrypted, damaged, too_large)."""
    document = _open(path)
    writer.expect(len(document))
    headings = _headings(document)
    ocr = OcrReader(job["ocr_languages"], job["ocr_max_pages"], job["ocr_page_s"])
    for page in document:
        _write_page(page, next(headings), ocr, writer)
        # Closed immediately, or the parsed pages would add up in memory.
        page.close()


def _open(path: str) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(path)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise UnreadableFile("encrypted" if locked else "damaged") from None
    if pages == 0:
        raise UnreadableFile("damaged")
    return document


def _headings(document: pypdfium2.PdfDocument) -> Iterator[str | None]:
    """Yield the heading of each page in turn: the first bookmark on it, else the last one before it."""
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    for bookmark in islice(document.get_toc(max_depth=_MAX_BOOKMARK_DEPTH), _MAX_BOOKMARKS):
        destination, title = bookmark.get_dest(), bookmark.get_title().strip()
        index = destination.get_index() if destination else None
        if index is not None and title:
            first.setdefault(index, title)
            last[index] = title
    current = None
    for index in range(len(document)):
        yield first.get(index, current)
        current = last.get(index, current)


def _write_page(page: pypdfium2.PdfPage, heading: str | None, ocr: OcrReader, writer: PageWriter) -> None:
    text = _visible_text(page, writer)
    chars = len(text.strip())
    if chars >= _STAMP_CHARS or not _is_picture(page, chars):
        writer.write(text, heading)
        return
    if ocr.has_pages_left:
        # Announced before the work starts, so that the parent extends its deadline.
        writer.send({"ocr": writer.next_number})
        recognised = ocr.read(*_save_image(page))
        if len(recognised) > chars:
            writer.write(recognised, heading, source="ocr")
            return
    writer.write(text, heading, skipped="not_readable")


def _visible_text(page: pypdfium2.PdfPage, writer: PageWriter) -> str:
    """Return the text in the page's visible box; text outside it, which readers do not see, is counted."""
    textpage = page.get_textpage()
    chars = textpage.count_chars()
    # pypdfium2 asks PDFium for the text twice, once for its size; a UTF-16 buffer for the most there can be
    # halves that. Its other call, get_text_range, loses characters beyond U+FFFF (mathematical letters).
    buffer = (c_ushort * (2 * chars + 1))()
    left, bottom, right, top = page.get_bbox()
    units = pdfium.FPDFText_GetBoundedText(textpage, left, top, right, bottom, buffer, len(buffer))
    text = bytes(memoryview(buffer)[: min(units, len(buffer))]).decode("utf-16-le", "ignore")
    text = text.removesuffix("\0")
    # The two counts differ by the text outside the box, and by generated spaces.
    outside = chars - len(text)
    if outside > 0 and len("".join(textpage.get_text_range().split())) > len("".join(text.split())):
        writer.warn("hidden_text_removed", outside)
    textpage.close()
    return text


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


def _save_image(page: pypdfium2.PdfPage) -> tuple[Path, int]:
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
