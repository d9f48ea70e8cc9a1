"""Reads a Word file by a walk of our own over its XML: what a reader sees, in the order of the document."""

from typing import Any

from backend.library.extraction import page_text
from backend.library.extraction.ocr.recognition import TextRecognition
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import write_blocks
from backend.library.extraction.word.document import WordDocument
from backend.library.types import OCR_TRUSTED


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the Word file at ``path`` in pages. Raises UnreadableFile(damaged, too_large, encrypted)."""
    recognition = TextRecognition(job, writer)

    def read_picture(content: bytes, _width: int, _height: int) -> str:
        found = recognition.read_picture(content)
        if found is None or not found.text:
            return ""
        writer.warn("ocr_pages")
        if found.unread:
            writer.warn("ocr_parts_unread", found.unread)
        if found.confidence >= OCR_TRUSTED:
            return found.text
        writer.warn("ocr_uncertain")
        return page_text.uncertain(found.text)

    write_blocks(WordDocument(OfficePackage(path), writer, read_picture).blocks(), writer)
