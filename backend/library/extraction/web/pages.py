"""Reads a web page: the text that a browser would show, split by headings. Nothing is fetched."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lxml import etree

from backend.library.extraction.formulas.tex_text import Delimiters
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, write_blocks
from backend.library.extraction.plain.encoding import decode_text
from backend.library.extraction.web.footnotes import Footnotes, note_text, take_places
from backend.library.extraction.web.formulas import find_delimiters
from backend.library.extraction.web.parsing import parse_page
from backend.library.extraction.web.styles import Styles
from backend.library.extraction.web.visible_text import VisibleText

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KNOWN_CHARSET = re.compile(
    r"utf-?8|us-ascii|latin-?\d|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|gb\w+|big5\w*|shift_jis|euc-\w+",
    re.IGNORECASE,
)

# The Encoding Standard reads these names as the larger sets of Windows.
_AS_BROWSERS_DO: Final = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "iso-8859-9": "cp1254",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the visible text of the web page at ``path``."""
    write_blocks(blocks_of_html(decode_page(Path(path).read_bytes(), writer), writer), writer)


def blocks_of_html(source: str, writer: PageWriter, delimiters: Delimiters | None = None) -> Iterator[Block]:
    """Yield the visible blocks of ``source``; what is left out is counted.

    ``delimiters`` says what opens formulas in its text; otherwise the page itself says it.

    Raises UnreadableFile("damaged") if elements are nested too deeply.
    """
    root = parse_page(source)
    if root is not None:
        styles = Styles()
        for sheet in root.iter("{*}style"):
            styles.add_sheet(sheet.text or "")
        notes = Footnotes(styles)
        notes.add_page(root)
        yield from blocks_of_tree(root, notes, writer, delimiters)


def blocks_of_tree(
    root: etree._Element, notes: Footnotes, writer: PageWriter, delimiters: Delimiters | None = None
) -> Iterator[Block]:
    """Yield the visible blocks of a parsed page, each note after the block with its first mark."""
    delimiters = delimiters or find_delimiters(root)
    for piece in VisibleText(writer, notes.styles, delimiters, notes).pieces(root):
        text, waiting = take_places(piece.text)
        yield Block(text, piece.level)
        while waiting:
            label, parts = notes.take(waiting.pop(0))
            read = [
                piece.text
                for part in parts
                for piece in VisibleText(writer, notes.styles, delimiters, notes, in_note=True).pieces(part)
            ]
            text, more = take_places("\n\n".join(read))
            waiting += more
            yield Block(note_text(label, text))


def decode_page(raw: bytes, writer: PageWriter) -> str:
    """Decode as a browser would: byte order mark, then the declared character set, then as any text.

    What is UTF-8 without a fault is UTF-8, whatever a page that was saved anew still declares.
    """
    declared = _CHARSET.search(raw[:4096])
    name = declared[1].decode("ascii", "replace") if declared else ""
    if not _KNOWN_CHARSET.fullmatch(name) or raw.startswith(_BYTE_ORDER_MARKS) or _is_utf8(raw):
        return decode_text(raw, writer)
    if re.fullmatch("utf-?8", name, re.IGNORECASE):
        return decode_text(raw, writer)
    try:
        return raw.decode(_AS_BROWSERS_DO.get(name.lower(), name))
    except (LookupError, UnicodeDecodeError):
        return decode_text(raw, writer)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
