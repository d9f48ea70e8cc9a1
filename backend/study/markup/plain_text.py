"""Reads item texts: plain text with LaTeX, raised and lowered text, and fenced code (docs/page-text.md)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

# Anki separates a note's fields with U+001F, and XML 1.0 allows no control characters except tab and line breaks.
# Readers cannot see them, so they are removed before any text reaches a file.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_FORMULA = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
_FENCE = re.compile(
    r"^(?P<mark>`{3,})[ \t]*(?P<language>[\w+#.-]*)[ \t]*\n(?P<code>(?:.*\n)*?)(?P=mark)`*[ \t]*$", re.MULTILINE
)
_BACKTICKS = re.compile("`+")
_SHIFTED = re.compile(r"(?P<sign>[\^_])\{(?P<text>[^{}\n]{1,60})\}")


class PieceKind(StrEnum):
    TEXT = "text"
    FORMULA = "formula"
    CODE = "code"
    RAISED = "raised"
    LOWERED = "lowered"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: a formula with its delimiters, anything else without notation. ``language`` is that of code."""

    kind: PieceKind
    text: str
    language: str = ""


def clean_text(text: str) -> str:
    """Return ``text`` without control characters, with ``\\n`` as its only line break, stripped at both ends."""
    return clean_lines(text).strip()


def clean_lines(text: str) -> str:
    """Return ``text`` without control characters, with ``\\n`` as its only line break."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Return ``text`` cleaned, with each run of white space replaced by one space."""
    return " ".join(clean_text(text).split())


def split_text(text: str) -> Iterator[Piece]:
    """Yield the pieces of an item's text in order. The line breaks around fenced code are left out."""
    for fenced in split_code(text):
        if fenced.kind is PieceKind.CODE:
            yield fenced
            continue
        for piece, is_formula in split_formulas(fenced.text):
            if is_formula:
                yield Piece(PieceKind.FORMULA, piece)
            else:
                yield from split_shifted(piece)


def split_code(text: str) -> Iterator[Piece]:
    """Yield fenced code and the texts around it. A fence that is never closed is ordinary text."""
    position = 0
    for fence in _FENCE.finditer(text):
        if before := text[position : fence.start()].rstrip("\n"):
            yield Piece(PieceKind.TEXT, before)
        yield Piece(PieceKind.CODE, fence["code"].removesuffix("\n"), fence["language"])
        position = fence.end()
        while text.startswith("\n", position):
            position += 1
    if position < len(text):
        yield Piece(PieceKind.TEXT, text[position:])


def fence(code: Piece) -> str:
    """Return fenced code. Its fence is longer than any run of backticks in it, so nothing in it can end it."""
    mark = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(code.text)), default=0))
    return f"{mark}{code.language}\n{code.text}\n{mark}"


def split_formulas(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of ``text`` in order, each with whether it is a formula, delimiters included.

    The joined pieces equal ``text``. An opening delimiter that is never closed is ordinary text.
    """
    position = 0
    for formula in _FORMULA.finditer(text):
        if formula.start() > position:
            yield text[position : formula.start()], False
        yield formula.group(), True
        position = formula.end()
    if position < len(text):
        yield text[position:], False


def split_shifted(text: str) -> Iterator[Piece]:
    """Yield the raised and lowered parts of a text (``^{…}``, ``_{…}``) and the text around them."""
    position = 0
    for shifted in _SHIFTED.finditer(text):
        if shifted.start() > position:
            yield Piece(PieceKind.TEXT, text[position : shifted.start()])
        yield Piece(PieceKind.RAISED if shifted["sign"] == "^" else PieceKind.LOWERED, shifted["text"])
        position = shifted.end()
    if position < len(text):
        yield Piece(PieceKind.TEXT, text[position:])
