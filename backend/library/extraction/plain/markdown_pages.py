"""Reads Markdown: its text in the notation of a page, split by headings."""

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from backend.library.extraction import page_text
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formulas.tex_text import Delimiters
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block, write_blocks
from backend.library.extraction.plain.encoding import decode_text
from backend.library.extraction.plain.footnotes import marks_in
from backend.library.extraction.plain.markdown_inline import inline_text
from backend.library.extraction.plain.markdown_source import MarkdownSource, prepare
from backend.library.extraction.web.flow import Kind, Piece
from backend.library.extraction.web.lists import Listing
from backend.library.extraction.web.pages import blocks_of_html

_MAX_NESTING = 100
_CALLOUT = re.compile(r"\[!([\w-]+)(?:\|[^\]\n]*)?\][+-]?[ \t]*([^\n]*)")
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_LANGUAGE = re.compile(r"\{?\.?([A-Za-z][\w+#-]*)")


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write the text of the Markdown file at ``path``."""
    blocks = blocks_of_markdown(decode_text(Path(path).read_bytes(), writer), writer)
    write_blocks(blocks, writer)


def blocks_of_markdown(raw: str, writer: PageWriter) -> Iterator[Block]:
    """Yield the blocks of Markdown. Raises UnreadableFile("damaged") if it is nested too deeply."""
    source = prepare(raw)
    if source.lost_pictures:
        writer.warn_of_rest("pictures_not_read", source.lost_pictures)
    if source.lost_notes:
        writer.warn_of_rest("objects_lost", source.lost_notes)
    for piece in _Document(source, writer).pieces(source.text):
        yield Block(piece.text, piece.level)


def _parse(text: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):
        # The parser drops what is nested deeper.
        raise UnreadableFile("damaged")
    return tokens


class _Document:
    """Goes through the tokens of a document, and through those of its footnotes."""

    def __init__(self, source: MarkdownSource, writer: PageWriter) -> None:
        self._source = source
        self._writer = writer
        self._notes = dict(source.notes)

    def pieces(self, text: str) -> Iterator[Piece]:
        """Yield the pieces, each note after the piece with its mark, and notes without a mark at the end."""
        for piece in self._read(text):
            yield piece
            yield from self._notes_of(piece.text)
        for label in list(self._notes):
            yield from self._note(label)

    def _notes_of(self, text: str) -> Iterator[Piece]:
        for label in marks_in(text):
            yield from self._note(label)

    def _note(self, label: str) -> Iterator[Piece]:
        note = self._notes.pop(label, None)
        if note is None:
            return
        pieces = list(self._read(note))
        first = pieces[0].text if pieces else ""
        yield Piece(f"[^{label}]: {first}".strip())
        yield from pieces[1:]
        yield from self._notes_of(" ".join(piece.text for piece in pieces))

    def _read(self, text: str) -> Iterator[Piece]:
        return _Walk(self._source, self._writer).pieces(_parse(text))


class _Walk:
    """Collects pieces; those of a list's items until the list ends."""

    def __init__(self, source: MarkdownSource, writer: PageWriter) -> None:
        self._source = source
        self._writer = writer
        self._pieces: list[list[Piece]] = [[]]
        self._lists: list[Listing] = []
        self._labels: list[str] = []
        self._rows: list[list[str]] = []
        self._in_cell = False
        self._level = 0
        self._begins_quote = False

    def pieces(self, tokens: Sequence[Token]) -> Iterator[Piece]:
        html_source = ""
        for token in tokens:
            if token.type == "html_block":
                # Blank lines divide a block of HTML for the parser, but not its elements.
                html_source += token.content + "\n"
                continue
            if html_source:
                self._add_html(html_source)
                html_source = ""
            self._take(token)
            if len(self._pieces) == 1 and self._pieces[0]:
                yield from self._pieces[0]
                self._pieces[0].clear()
        if html_source:
            self._add_html(html_source)
        yield from self._pieces[0]

    def _take(self, token: Token) -> None:
        kind = token.type
        if kind == "inline":
            self._take_inline(token)
        elif kind in ("fence", "code_block"):
            self._add_code(token)
        elif kind == "heading_open":
            self._level = int(token.tag[1:])
        elif kind == "heading_close":
            self._level = 0
        elif kind == "blockquote_open":
            self._begins_quote = True
        elif kind.startswith(("bullet_list", "ordered_list", "list_item")):
            self._take_list(kind, token)
        elif kind in ("tr_open", "table_close"):
            self._take_table(kind)
        elif kind in ("td_open", "th_open"):
            self._in_cell = True

    def _take_inline(self, token: Token) -> None:
        in_line = self._in_cell or self._level > 0
        text = inline_text(token.children or [], self._source, self._writer, in_line=in_line)
        if self._in_cell:
            self._rows[-1].append(text)
            self._in_cell = False
        elif self._level:
            self._add(Piece(_ATTRIBUTES.sub("", text), Kind.HEADING, self._level))
        else:
            if self._begins_quote:
                text = _callout(text)
            self._add(Piece(text))
        self._begins_quote = False

    def _take_list(self, kind: str, token: Token) -> None:
        if kind in ("bullet_list_open", "ordered_list_open"):
            ordered = kind == "ordered_list_open"
            start = int(token.attrs.get("start", 1)) if ordered else 1
            self._lists.append(Listing(ordered, "decimal" if ordered else "", start, 1, token.markup))
        elif kind == "list_item_open":
            self._labels.append(self._lists[-1].label(None))
            self._pieces.append([])
        elif kind == "list_item_close":
            self._lists[-1].add(self._labels.pop(), self._pieces.pop())
        else:
            self._pieces[-1].extend(self._lists.pop().finish())

    def _take_table(self, kind: str) -> None:
        if kind == "tr_open":
            self._rows.append([])
        else:
            self._add(Piece(page_text.table(self._rows), Kind.TABLE))
            self._rows.clear()

    def _add_code(self, token: Token) -> None:
        language = _LANGUAGE.match(token.info.strip())
        name = language[1].lower() if language else ""
        text = self._source.restore_source(token.content)
        if name == "math":
            self._add(Piece(page_text.formula(text, display=True)))
        elif text.strip():
            self._add(Piece(page_text.code(text, name), Kind.CODE))

    def _add_html(self, source: str) -> None:
        written = self._source.restore_source(source, html.escape)
        for block in blocks_of_html(written, self._writer, _FORMULAS):
            self._add(Piece(block.text, Kind.HEADING if block.level else Kind.PROSE, block.level))

    def _add(self, piece: Piece) -> None:
        if piece.text.strip():
            self._pieces[-1].append(piece)


_FORMULAS: Final = Delimiters(certain=True, dollar=True)


def _callout(text: str) -> str:
    """Return the first paragraph of a quotation; if that is a callout, with the title that it shows."""
    match = _CALLOUT.match(text)
    if match is None:
        return text
    title = match[2].strip() or match[1].replace("-", " ").capitalize()
    return f"{title}{text[match.end() :]}"
