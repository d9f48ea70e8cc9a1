"""Reads a plain text file; has the decoding that all text formats share."""

import codecs
from pathlib import Path
from typing import Any

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import pages_of_text
from backend.library.extraction.text_cleaning import clean_text


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text at ``path`` in pages of a fixed size; a form feed ends a page."""
    for part in decode(Path(path).read_bytes()).split("\f"):
        # Cleaned before it is split, so that the size of a page is the size of its final text.
        text, hidden = clean_text(part)
        if hidden:
            writer.warn("hidden_characters_removed", hidden)
        for page in pages_of_text(text):
            if page.strip():
                writer.write(page)


def decode(raw: bytes) -> str:
    """Decode by the byte order mark, else as UTF-8, else as Windows-1252, the usual one of old files.

    Raises UnreadableFile("damaged") for UTF-16 that is none.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise UnreadableFile("damaged") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
