"""Reads a Word file by a walk of our own over its XML: what a reader sees, in the order of the document."""

from typing import Any

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import pages_of_blocks
from backend.library.extraction.word.document import WordDocument


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the Word file at ``path`` in pages. Raises UnreadableFile(damaged, too_large, encrypted)."""
    for heading, text in pages_of_blocks(WordDocument(OfficePackage(path), writer).blocks()):
        writer.write(text, heading)
