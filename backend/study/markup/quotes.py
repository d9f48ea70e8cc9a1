"""Splits a quote into lines and pieces as its page shows them. Only the page's spans tell what a formula is."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from backend.library.types import PageNotation, Span, SpanKind
from backend.study.markup.plain_text import Piece, PieceKind, clean_lines, one_line, split_shifted
from backend.study.types import Evidence

_VERSION_WITH_SPANS = 2
_BLOCKS = frozenset({SpanKind.CODE, SpanKind.TABLE, SpanKind.HEADING})
# A paragraph ends at an empty line; an entry of a list, at the label of the next one. Other lines are only wrapped.
_LINE_END = re.compile(r"\s*\n\s*(?:\n\s*|(?=(?:[-•–]|\d{1,3}[.)]|[a-zA-Z]\)|\([a-z\d]{1,3}\))[ \t]))")
_ROW = re.compile(r"[^\n]+")
_BETWEEN_HEAD_AND_ROWS = re.compile(r"[\s|:-]*-[\s|:-]*")
_ROW_EDGES = re.compile(r"^[\s|]+|[\s|]+$")
_HEADING_SIGN = re.compile(r"\s*#{1,6}[ \t]+")
_FENCE_LINES = re.compile(r"^\s*`{3,}(?P<language>[\w+#.-]*)[^\n]*\n|\n[ \t]*`{3,}\s*$")
_NOTE = re.compile(r"(?:(?P<before> ?)\[\^(?P<label>[^\[\]\s]{1,12})\])(?::(?=\s))?")


def split_quote(evidence: Evidence, notation: PageNotation | None) -> list[tuple[Piece, ...]]:
    """Return the lines of a quote, none of them empty. Code of several lines is one line.

    Without a notation, and on pages of text version 1, all of it is plain text on one line.
    """
    quote = evidence.quote or ""
    if notation is None or notation.text_version < _VERSION_WITH_SPANS or evidence.start is None:
        text = one_line(quote)
        return [(Piece(PieceKind.TEXT, text),)] if text else []
    spans = [
        replace(span, start=span.start - evidence.start, end=span.end - evidence.start)
        for span in sorted(notation.spans, key=lambda span: span.start)
        if span.start < evidence.start + len(quote) and evidence.start < span.end
    ]
    formulas = [span for span in spans if span.kind is SpanKind.FORMULA]
    lines: list[tuple[Piece, ...]] = []
    for kind, start, end in _blocks(quote, spans):
        if kind is SpanKind.CODE:
            lines.append((_code(quote[start:end]),))
            continue
        for first, last in _lines(quote, kind, start, end, formulas):
            pieces = _trimmed(_pieces(quote, first, last, formulas))
            if pieces:
                lines.append(pieces)
    return lines


def _blocks(quote: str, spans: Sequence[Span]) -> Iterator[tuple[SpanKind | None, int, int]]:
    """Yield the tables, headings and code in a quote, and the running text between them."""
    at = 0
    for span in spans:
        if span.kind not in _BLOCKS or span.start < at > 0:
            continue
        start, end = max(span.start, 0), min(span.end, len(quote))
        if start > at:
            yield None, at, start
        yield span.kind, start, end
        at = end
    if at < len(quote):
        yield None, at, len(quote)


def _lines(
    quote: str, kind: SpanKind | None, start: int, end: int, formulas: Sequence[Span]
) -> Iterator[tuple[int, int]]:
    if kind is SpanKind.TABLE:
        for row in _ROW.finditer(quote, start, end):
            if not _BETWEEN_HEAD_AND_ROWS.fullmatch(row.group()):
                cells = _ROW_EDGES.sub("", row.group())
                first = row.start() + row.group().find(cells)
                yield first, first + len(cells)
        return
    if kind is SpanKind.HEADING and (sign := _HEADING_SIGN.match(quote, start, end)):
        start = sign.end()
    for line_end in _LINE_END.finditer(quote, start, end):
        if not any(span.start < line_end.end() and line_end.start() < span.end for span in formulas):
            yield start, line_end.start()
            start = line_end.end()
    yield start, end


def _code(text: str) -> Piece:
    fence = _FENCE_LINES.match(text)
    language = (fence["language"] or "") if fence else ""
    return Piece(PieceKind.CODE, _FENCE_LINES.sub("", clean_lines(text)).strip("\n"), language)


def _pieces(quote: str, start: int, end: int, formulas: Sequence[Span]) -> Iterator[Piece]:
    for span in formulas:
        if span.end <= start or end <= span.start:
            continue
        formula = _whole_formula(quote, span)
        if formula is None:
            continue
        if span.start > start:
            yield from _prose(quote[start : span.start])
        yield formula
        start = span.end
    if start < end:
        yield from _prose(quote[start:end])


def _whole_formula(quote: str, span: Span) -> Piece | None:
    """Return a formula that is quoted whole. Its outer ``$`` may be left out at the ends of the quote."""
    given = quote[max(span.start, 0) : span.end]
    inline, missing = not (given.startswith("$$") or given.endswith("$$")), max(-span.start, span.end - len(quote), 0)
    if missing > (1 if inline else 2):
        return None
    latex = one_line(given.strip("$"))
    if not latex or any(delimiter in latex for delimiter in (r"\(", r"\)", r"\[", r"\]")):
        return None
    return Piece(PieceKind.FORMULA, rf"\({latex}\)" if inline else rf"\[{latex}\]")


def _prose(text: str) -> Iterator[Piece]:
    """Yield wrapped text with its raised and lowered parts; the marks of notes are raised."""
    text = re.sub(r"\s+", " ", clean_lines(text))
    position = 0
    for note in _NOTE.finditer(text):
        yield from split_shifted(text[position : note.start()])
        yield Piece(PieceKind.RAISED, note["label"])
        position = note.end()
    yield from split_shifted(text[position:])


def _trimmed(pieces: Iterator[Piece]) -> tuple[Piece, ...]:
    """Return the pieces of a line without white space at its ends."""
    line = [piece for piece in pieces if piece.text]
    if line and line[0].kind is PieceKind.TEXT:
        line[0] = replace(line[0], text=line[0].text.lstrip())
    if line and line[-1].kind is PieceKind.TEXT:
        line[-1] = replace(line[-1], text=line[-1].text.rstrip())
    return tuple(piece for piece in line if piece.text)
