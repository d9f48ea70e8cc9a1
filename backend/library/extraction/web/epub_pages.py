"""Reads an EPUB: its chapters in reading order, each as a web page."""

import html
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, write_blocks
from backend.library.extraction.web.epub_archive import EpubArchive
from backend.library.extraction.web.pages import blocks_of_tree, decode_page
from backend.library.extraction.web.parsing import parse_page, shorten_tags
from backend.library.extraction.web.styles import Styles

_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
# Empty elements of XML that would open an element without end in HTML.
_EMPTY = re.compile(r"<(title|script|style|textarea|iframe|a|p|div|span|i|b|em|td|th|li)(\s[^<>]*)?/>", re.IGNORECASE)
_CONTENTS = frozenset({"toc", "landmarks", "page-list", "lot", "loi", "index"})
_TYPE = "{http://www.idpf.org/2007/ops}type"


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the EPUB at ``path``; each chapter begins a page."""
    archive = EpubArchive(path)
    styles = Styles()
    for sheet in archive.style_sheets():
        styles.add_sheet(sheet)
    write_blocks(_blocks(archive, styles, writer), writer)


def _blocks(archive: EpubArchive, styles: Styles, writer: PageWriter) -> Iterator[Block]:
    for chapter in archive.chapters():
        root = _parse_chapter(decode_page(chapter, writer))
        if root is None or _is_contents(root):
            continue
        begins = True
        for block in blocks_of_tree(root, styles, writer):
            yield Block(block.text, block.level, new_page=begins)
            begins = False


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
