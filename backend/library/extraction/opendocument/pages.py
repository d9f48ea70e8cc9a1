"""Reads OpenDocument texts (ODT): paragraphs, lists, tables and notes in order."""

from typing import Any

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.opendocument.document import read_document
from backend.library.extraction.opendocument.items import Items
from backend.library.extraction.opendocument.names import OFFICE
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import write_blocks
from backend.library.extraction.word.blocks import blocks_of_items


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the file at ``path`` in pages. Raises UnreadableFile(damaged, encrypted, too_large)."""
    package = OfficePackage(path)
    document = read_document(package)
    body = document.content.find(f"{OFFICE}body/{OFFICE}text")
    if body is None:
        raise UnreadableFile("damaged")
    items = Items(package, document.styles, writer.warn)
    write_blocks(blocks_of_items(items.read(body)), writer)
