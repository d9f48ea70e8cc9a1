"""Converts item texts and quotes to CommonMark, escaped so that they cannot add HTML, links or structure.

A formula is written as ``$`` + code + ``$``. GitHub and GitLab render it as mathematics, and other readers show it as
code. In this form LaTeX needs no changes and cannot become markup. Raised and lowered text becomes ``<sup>`` and
``<sub>``, which CommonMark passes through.
"""

import re
from string import ascii_uppercase

from backend.library.types import PageNotation
from backend.study.markup.plain_text import (
    Piece,
    PieceKind,
    clean_text,
    fence,
    one_line,
    split_code,
    split_formulas,
    split_shifted,
)
from backend.study.markup.quotes import split_quote
from backend.study.types import Evidence

# Punctuation that can start markup in the middle of a line. ``&``, ``<`` and ``>`` become entities, because some
# readers do not support backslash escapes.
_MARKDOWN_MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}~|$!"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_BLOCK_START = re.compile(r"^(\d*)([#+\-=.)])")
_TAGS = {PieceKind.RAISED: "sup", PieceKind.LOWERED: "sub"}


def letter(index: int) -> str:
    """Return the letter of the option at an index: A, B, …."""
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index + 1)


def to_paragraph(text: str) -> str:
    """Return a text of several lines as a paragraph with hard line breaks; fenced code stays a block of its own."""
    blocks = (
        fence(piece) if piece.kind is PieceKind.CODE else _hard_breaks(_formulas_on_one_line(piece.text).split("\n"))
        for piece in split_code(clean_text(text))
    )
    return "\n\n".join(filter(None, blocks))


def to_option(text: str, label: str) -> str:
    """Return a text behind its label: one line, unless it has fenced code."""
    if all(piece.kind is PieceKind.TEXT for piece in split_code(clean_text(text))):
        return f"{label} {to_line(text)}"
    return beside(label, to_paragraph(text))


def beside(label: str, blocks: str) -> str:
    """Return blocks behind a label; fenced code starts below it."""
    return f"{label}\n\n{blocks}" if blocks.startswith("```") else f"{label} {blocks}"


def to_line(text: str) -> str:
    """Return a text as one line of Markdown, escaped except for its formulas."""
    pieces = (
        piece
        for part, is_formula in split_formulas(one_line(text))
        for piece in ((Piece(PieceKind.FORMULA, part),) if is_formula else split_shifted(part))
    )
    return _line(*pieces)


def to_quote(evidence: Evidence, notation: PageNotation | None) -> str:
    """Return a quote: one line, or the paragraphs and blocks of a blockquote without its ``>``."""
    blocks: list[str] = []
    text: list[str] = []
    for line in split_quote(evidence, notation):
        if line[0].kind is PieceKind.CODE:
            blocks += ["\\\n".join(text), fence(line[0])]
            text = []
        else:
            text.append(_line(*line))
    return "\n\n".join(filter(None, [*blocks, "\\\n".join(text)]))


def escape(text: str) -> str:
    """Return one line of text, escaped including its formulas."""
    return text.translate(_MARKDOWN_MARKS)


def _hard_breaks(lines: list[str]) -> str:
    return "\\\n".join(filter(None, map(to_line, lines)))


def _formulas_on_one_line(text: str) -> str:
    return "".join(one_line(piece) if is_formula else piece for piece, is_formula in split_formulas(text))


def _line(*pieces: Piece) -> str:
    return _BLOCK_START.sub(r"\1\\\2", "".join(map(_inline, pieces)))


def _inline(piece: Piece) -> str:
    if piece.kind is PieceKind.FORMULA:
        return _formula(piece.text)
    tag = _TAGS.get(piece.kind)
    return f"<{tag}>{escape(piece.text)}</{tag}>" if tag else escape(piece.text)


def _formula(formula: str) -> str:
    latex = formula[2:-2].strip()
    # A backtick would end the code. It is rare in LaTeX, so a formula with one is shown as ordinary text.
    return escape(formula) if "`" in latex or not latex else f"$`{latex}`$"
