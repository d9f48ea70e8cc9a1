"""Reads a web page with lxml: the text that a browser would show, split by headings. Nothing is fetched."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree, html

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, pages_of_blocks
from backend.library.extraction.plain.text_pages import decode

_DROPPED = frozenset(
    {"script", "style", "nav", "head", "template", "noscript", "svg", "iframe", "object", "button", "select"}
    | {"textarea", "dialog", "canvas", "audio", "video"}
)
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "table"}
    | {"figure", "figcaption", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "address", "hr", "body"}
)
_LINES = frozenset({"li", "tr", "dt", "dd", "br", "caption"})
_HEADING_LEVEL = {f"h{level}": level for level in range(1, 7)}
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KNOWN_CHARSET = re.compile(
    r"utf-?8|us-ascii|latin-?\d|iso-?8859-\d+|windows-\d+|cp\d+|koi8-[ru]|gb\w+|big5\w*|shift_jis|euc-\w+",
    re.IGNORECASE,
)
# Marks a line end: no parsed page contains this character, and HTML treats real line ends as spaces.
_NEW_LINE = "\0"
_WHITE_SPACE = re.compile(r"[ \t\r\n\f]+")


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the visible text of the web page at ``path``."""
    for heading, text in pages_of_blocks(blocks_of_html(_decode_page(Path(path).read_bytes()), writer)):
        writer.write(text, heading)


def blocks_of_html(source: str, writer: PageWriter) -> Iterator[Block]:
    """Yield the visible blocks of ``source``; hidden elements are left out and counted.

    Raises UnreadableFile("damaged") if elements are nested too deeply.
    """
    # The parser recovers from errors and has no network access. HTML has no custom entities.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        return
    # The parser stops at a depth of 2,048 elements, and reports it only here.
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise UnreadableFile("damaged")
    yield from _VisibleText(writer).blocks(root)


class _VisibleText:
    """Walks a tree without recursion, however deep it is, and collects its text in blocks."""

    def __init__(self, writer: PageWriter) -> None:
        self._writer = writer
        self._parts: list[str] = []
        self._level = 0
        self._preformatted = 0

    def blocks(self, root: html.HtmlElement) -> Iterator[Block]:
        """Yield a block at each boundary between block elements."""
        walker = etree.iterwalk(root, events=("start", "end"))
        skipped: html.HtmlElement | None = None
        for event, element in walker:
            if skipped is not None:
                # The next event after a skipped start is its end.
                self._add(skipped.tail)
                skipped = None
                continue
            tag = element.tag if isinstance(element.tag, str) else ""
            is_start = event == "start"
            if is_start and (not tag or tag in _DROPPED or self._is_hidden(element)):
                walker.skip_subtree()
                skipped = element
                continue
            if tag in _BLOCKS:
                yield from self._end_block()
                self._level = _HEADING_LEVEL.get(tag, 0) if is_start else 0
            if tag == "pre":
                self._preformatted += 1 if is_start else -1
            if is_start:
                self._mark(tag)
            self._add(element.text if is_start else element.tail)
        yield from self._end_block()

    def _mark(self, tag: str) -> None:
        if tag in _LINES:
            self._parts.append(_NEW_LINE)
        elif tag in ("td", "th") and self._parts and self._parts[-1].strip(_NEW_LINE + " "):
            self._parts.append(" | ")

    def _add(self, text: str | None) -> None:
        if text:
            self._parts.append(text.replace("\n", _NEW_LINE) if self._preformatted else _WHITE_SPACE.sub(" ", text))

    def _end_block(self) -> Iterator[Block]:
        lines = "".join(self._parts).split(_NEW_LINE)
        self._parts.clear()
        text = "\n".join(line.rstrip() if self._preformatted else line.strip() for line in lines).strip("\n")
        if text.strip():
            yield Block(text, self._level)

    def _is_hidden(self, element: html.HtmlElement) -> bool:
        hidden = "hidden" in element.attrib or _HIDING_STYLE.search(element.get("style", "")) is not None
        if hidden and element.text_content().strip():
            self._writer.warn("hidden_text_removed")
        return hidden


def _decode_page(raw: bytes) -> str:
    """Decode as a browser would: byte order mark, then the declared character set, then as any text."""
    declared = _CHARSET.search(raw[:4096])
    name = declared.group(1).decode("ascii", "ignore") if declared else ""
    if _KNOWN_CHARSET.fullmatch(name) and not raw.startswith(_BYTE_ORDER_MARKS):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError):
            return decode(raw)
    return decode(raw)
