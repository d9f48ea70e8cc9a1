"""Reads a plain text file."""

from pathlib import Path
from typing import Any

from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import pages_of_text
from backend.library.extraction.plain.encoding import decode_text
from backend.library.extraction.text_cleaning import clean_text


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text at ``path`` in pages of a fixed size; a form feed ends a page."""
    for part in remove_marks(decode_text(Path(path).read_bytes(), writer)).split("\f"):
        # Cleaned before it is split, so that the size of a page is the size of its final text.
        text, hidden = clean_text(part)
        if hidden:
            writer.warn("hidden_characters_removed", hidden)
        for page in pages_of_text(text):
            if page.strip():
                writer.write(page)
