"""Reads an EPUB: its chapters in reading order, each as a web page."""

import html
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, write_blocks
from backend.library.extraction.web.epub_archive import EpubArchive, normalized_part
from backend.library.extraction.web.footnotes import Footnotes
from backend.library.extraction.web.pages import blocks_of_tree, decode_page
from backend.library.extraction.web.parsing import parse_page, shorten_tags
from backend.library.extraction.web.styles import Styles

_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
# Empty elements of XML that would open an element without end in HTML.
_EMPTY = re.compile(r"<(title|script|style|textarea|iframe|a|p|div|span|i|b|em|td|th|li)(\s[^<>]*)?/>", re.IGNORECASE)
_CONTENTS = frozenset({"toc", "landmarks", "page-list", "lot", "loi", "index"})
# Parsed chapters take memory; most books have their notes in one.
_MAX_AHEAD = 4
_TYPE = "{http://www.idpf.org/2007/ops}type"


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the EPUB at ``path``; each chapter begins a page."""
    archive = EpubArchive(path)
    styles = Styles()
    for sheet in archive.style_sheets():
        styles.add_sheet(sheet)
    write_blocks(_blocks(_Book(archive, writer), styles, writer), writer)


class _Book:
    """The chapters of a book, each parsed once: in its turn, or before if the notes of another chapter are in it."""

    def __init__(self, archive: EpubArchive, writer: PageWriter) -> None:
        self._archive = archive
        self._writer = writer
        self._ahead: dict[str, etree._Element | None] = {}
        self._unread = dict.fromkeys(archive.chapters())

    def chapters(self) -> Iterator[tuple[str, etree._Element]]:
        """Yield the part and the root of each chapter."""
        for part in list(self._unread):
            del self._unread[part]
            root = self._ahead.pop(part) if part in self._ahead else self._parse(part)
            if root is not None and not _is_contents(root):
                yield part, root

    def read_ahead(self, part: str) -> etree._Element | None:
        """Return the root of a chapter that is still to come; None if too many are held already."""
        if part not in self._ahead:
            if part not in self._unread or len(self._ahead) >= _MAX_AHEAD:
                return None
            self._ahead[part] = self._parse(part)
        return self._ahead[part]

    def _parse(self, part: str) -> etree._Element | None:
        return _parse_chapter(decode_page(self._archive.chapter(part), self._writer))


def _blocks(book: _Book, styles: Styles, writer: PageWriter) -> Iterator[Block]:
    notes = Footnotes(styles, _locate, book.read_ahead)
    for part, root in book.chapters():
        notes.add_page(root, part)
        begins = True
        for block in blocks_of_tree(root, notes, writer):
            yield Block(block.text, block.level, new_page=begins)
            begins = False


def _locate(part: str, path: str) -> str:
    return normalized_part(posixpath.join(posixpath.dirname(part), path))


def _parse_chapter(source: str) -> etree._Element | None:
    """Parse a chapter as XML; one with errors as a web page."""
    text = _DECLARATION.sub("", _DOCTYPE.sub("", shorten_tags(remove_marks(source)), count=1), count=1)
    text = _NAMED.sub(_character, text)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    try:
        return etree.fromstring(text.strip().encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return parse_page(_EMPTY.sub(r"<\1\2></\1>", text))


def _character(match: re.Match[str]) -> str:
    character = html.unescape(match.group())
    return match.group().replace("&", "&amp;") if character == match.group() else html.escape(character)


def _is_contents(root: etree._Element) -> bool:
    """Whether a chapter is a table of contents."""
    body = next((part for part in root.iter() if local_name(part) == "body"), None)
    if body is None:
        return False
    parts = [body, *(part for part in body if isinstance(part.tag, str))]
    return len(parts) <= 2 and any(_CONTENTS.intersection(part.get(_TYPE, "").split()) for part in parts)
