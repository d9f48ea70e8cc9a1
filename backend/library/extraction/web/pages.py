"""Reads a web page: the text that a browser would show, split by headings. Nothing is fetched."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, pages_of_blocks
from backend.library.extraction.plain.text_pages import decode
from backend.library.extraction.web.parsing import parse_page
from backend.library.extraction.web.styles import Styles
from backend.library.extraction.web.visible_text import VisibleText

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KNOWN_CHARSET = re.compile(
    r"utf-?8|us-ascii|latin-?\d|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|gb\w+|big5\w*|shift_jis|euc-\w+",
    re.IGNORECASE,
)


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the visible text of the web page at ``path``."""
    for heading, text in pages_of_blocks(blocks_of_html(_decode_page(Path(path).read_bytes()), writer)):
        writer.write(text, heading)


def blocks_of_html(source: str, writer: PageWriter) -> Iterator[Block]:
    """Yield the visible blocks of ``source``; what is left out is counted.

    Raises UnreadableFile("damaged") if elements are nested too deeply.
    """
    root = parse_page(source)
    if root is not None:
        styles = Styles()
        for sheet in root.iter("style"):
            styles.add_sheet(sheet.text or "")
        yield from blocks_of_tree(root, styles, writer)


def blocks_of_tree(root: etree._Element, styles: Styles, writer: PageWriter) -> Iterator[Block]:
    """Yield the visible blocks of a parsed page."""
    for piece in VisibleText(writer, styles).pieces(root):
        yield Block(piece.text, piece.level)


def _decode_page(raw: bytes) -> str:
    """Decode as a browser would: byte order mark, then the declared character set, then as any text."""
    declared = _CHARSET.search(raw[:4096])
    if declared and not raw.startswith(_BYTE_ORDER_MARKS):
        name = declared[1].decode("ascii", "replace")
        if _KNOWN_CHARSET.fullmatch(name):
            try:
                return raw.decode(name)
            except (LookupError, UnicodeDecodeError):
                return decode(raw)
    return decode(raw)
