"""Reads a PDF with PDFium: text as readers see it, headings, printed page labels, scans with OCR.

First all pages are read, because running heads and headings show only in comparison; then they are written.
"""

from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.tesseract import OcrReader
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pdf.headings import body_size, heading_levels, read_bookmarks, write_page
from backend.library.extraction.pdf.page_content import ReadPage
from backend.library.extraction.pdf.reading import read_page
from backend.library.extraction.pdf.rendering import save_image
from backend.library.extraction.pdf.running_heads import remove_line_numbers, remove_running_heads
from backend.library.extraction.pdf.runs import Fonts
from backend.library.extraction.pdf.scans import needs_ocr


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each page of the PDF at ``path``. Raises UnreadableFile(encrypted, damaged, too_large)."""
    document = _open(path)
    writer.expect(len(document))
    bookmarks = read_bookmarks(document)
    pages = _read_all(document, job["max_chars"])
    body = body_size(pages)
    remove_running_heads(pages, body)
    levels = heading_levels(pages, body)
    ocr = OcrReader(job["ocr_languages"], job["ocr_max_pages"], job["ocr_page_s"])
    for index, page in enumerate(pages):
        remove_line_numbers(page.lines)
        text = write_page(page, levels, bookmarks.levels.get(index, {}))
        page.heading, page.label = bookmarks.of_page[index], document.get_page_label(index) or None
        _write_page(document, page, text, ocr, writer)


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


def _read_all(document: pypdfium2.PdfDocument, max_chars: int) -> list[ReadPage]:
    fonts = Fonts()
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        document.init_forms()
    pages, chars = [], 0
    for page in document:
        read = read_page(page, fonts, document.formenv)
        read.needs_ocr = needs_ocr(page, read.content)
        # Closed immediately, or the parsed pages would add up in memory.
        page.close()
        chars += read.content.letters
        if chars > max_chars:
            raise UnreadableFile("too_large")
        pages.append(read)
    return pages


def _write_page(document: pypdfium2.PdfDocument, read: ReadPage, text: str, ocr: OcrReader, writer: PageWriter) -> None:
    if read.needs_ocr and ocr.has_pages_left:
        # Announced before the work starts, so that the parent extends its deadline.
        writer.send({"ocr": writer.next_number})
        page = document[writer.next_number - 1]
        image = save_image(page)
        page.close()
        recognised = ocr.read(image.path, image.dpi)
        if len(recognised) > read.content.letters or (recognised.strip() and read.content.reason):
            if read.content.reason in ("garbage", "unmapped"):
                writer.warn("text_layer_not_used")
            writer.write(recognised, read.heading, source="ocr", label=read.label)
            return
    for code, count in read.warnings:
        writer.warn(code, count)
    is_readable = not read.needs_ocr or read.content.reason == "unmapped"
    writer.write(text, read.heading, skipped=None if is_readable else "not_readable", label=read.label)
