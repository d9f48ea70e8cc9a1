"""Reads a PDF with PDFium: text in reading order, headings from bookmarks and sizes, scans with OCR.

The document is read twice: first the text of all pages, because only together they tell running heads and the sizes of
headings, and then, page by page, what is recognised and written.
"""

from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.recognition import TextRecognition
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pdf.footnotes import mark_footnotes
from backend.library.extraction.pdf.headings import find_body_size, find_heading_style, read_bookmarks
from backend.library.extraction.pdf.page_reading import PageContent, PageReader
from backend.library.extraction.pdf.rendering import render_page
from backend.library.extraction.pdf.running_heads import remove_line_numbers, remove_running_heads
from backend.library.extraction.pdf.scans import is_usable, mark_unknown, says_more
from backend.library.extraction.pdf.structure import write_bullets, write_text


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each page of the PDF at ``path``. Raises UnreadableFile(encrypted, damaged, too_large)."""
    document = _open(path)
    writer.expect(len(document))
    contents = _read_contents(document, job["max_chars"])
    lines = [content.lines for content in contents]
    body_size = find_body_size(lines)
    printed = remove_running_heads(lines, body_size)
    style = find_heading_style(lines, body_size)
    bookmarks = read_bookmarks(document)
    ocr = TextRecognition(job, writer)
    for index, content in enumerate(contents):
        remove_line_numbers(content.lines)
        mark_footnotes(content.lines, body_size)
        write_bullets(content.lines)
        text, first_heading = write_text(content.lines, style, bookmarks.levels.get(index, {}))
        heading = bookmarks.of_page[index] or first_heading
        label = document.get_page_label(index) or printed[index]
        _write_page(document, index, _Page(content, text, heading, label), ocr, writer)


class _Page:
    """A page that is ready to be written."""

    def __init__(self, content: PageContent, text: str, heading: str | None, label: str | None) -> None:
        self.content = content
        self.text = text
        self.heading = heading
        self.label = label


def _read_contents(document: pypdfium2.PdfDocument, max_chars: int) -> list[PageContent]:
    reader = PageReader(is_from_tex=_is_from_tex(document))
    contents = []
    chars = 0
    for page in document:
        contents.append(reader.read(page))
        # Closed immediately, or the parsed pages would add up in memory.
        page.close()
        chars += contents[-1].visible_chars
        if chars > max_chars:
            raise UnreadableFile("too_large")
    return contents


def _is_from_tex(document: pypdfium2.PdfDocument) -> bool:
    makers = f"{document.get_metadata_value('Producer')} {document.get_metadata_value('Creator')}".lower()
    return "tex" in makers or "dvi" in makers


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


def _write_page(
    document: pypdfium2.PdfDocument, index: int, page: _Page, ocr: TextRecognition, writer: PageWriter
) -> None:
    content = page.content
    found = ocr.read(lambda: _render(document, index)) if content.needs_ocr else None
    if found is not None and says_more(found, page.text, content.reason):
        if content.reason:
            writer.warn("text_layer_not_used")
        if found.unread:
            writer.warn("ocr_parts_unread", found.unread)
        writer.write(found.text, page.heading, source="ocr", label=page.label, confidence=found.confidence)
    elif not content.needs_ocr or is_usable(found, content.lines, page.text, content.reason):
        for code, count in content.warnings:
            writer.warn(code, count)
        if content.needs_ocr and found is None and not content.reason:
            writer.warn("pictures_not_read")
        text = mark_unknown(page.text) if content.reason else page.text
        writer.write(text, page.heading, label=page.label)
    else:
        # Garbage is worse than no text.
        text = "" if content.reason == "garbage" else page.text
        writer.write(text, page.heading, skipped="not_readable", label=page.label)


def _render(document: pypdfium2.PdfDocument, index: int) -> Any:
    page = document[index]
    try:
        return render_page(page)
    finally:
        page.close()
