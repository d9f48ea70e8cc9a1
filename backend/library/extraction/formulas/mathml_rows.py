"""Rows, fences, tables and scripts of MathML in LaTeX."""

import re
from dataclasses import dataclass
from typing import Final

from backend.library.extraction.formulas.latex import ACCENTS, join
from backend.library.extraction.formulas.mathml_tokens import BIG_OPERATORS, LIMITS


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula in LaTeX.

    ``sign``: the operator it consists of, if any. ``matrix``: the lines of a table without fences.
    ``stacked``: numerator and denominator of a fraction without a line.
    """

    latex: str
    sign: str = ""
    matrix: str = ""
    stacked: tuple[str, str] | None = None


EMPTY: Final = Piece("")

_MATRICES = {("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("{", "}"): "Bmatrix", ("|", "|"): "vmatrix"}
_MATRICES |= {("‖", "‖"): "Vmatrix", ("∣", "∣"): "vmatrix", ("∥", "∥"): "Vmatrix"}
_ATOM = re.compile(r"\\?[^\\{}^_\s]|[\d.,]+|\\[A-Za-z]+|\\[A-Za-z]+\{[^{}]*\}|\([^()]*\)|\[[^\[\]]*\]")
_MORE_ACCENTS: Final = {"-": "bar", "―": "bar", "ˉ": "bar", "∼": "tilde", "⇀": "vec", "︷": "overbrace"}
_WIDE: Final = {"bar": "overline", "hat": "widehat", "tilde": "widetilde", "vec": "overrightarrow"}
_UNDER: Final = {
    "_": "underline", "‾": "underline", "¯": "underline", "̲": "underline", "̱": "underline", "―": "underline",
    "⏟": "underbrace", "︸": "underbrace", "→": "underrightarrow", "-": "underline", "ˍ": "underline",
}  # fmt: skip
_ARROWS: Final = {
    "→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow", "⇌": "xrightleftharpoons",
    "⇒": "xRightarrow", "⇐": "xLeftarrow", "↔": "xleftrightarrow", "⇔": "xLeftrightarrow", "⟹": "xRightarrow",
}  # fmt: skip
_BRACES = ("\\overbrace", "\\underbrace")


def row(pieces: list[Piece]) -> Piece:
    """Put pieces side by side. A table or a stack between fences becomes one piece with them."""
    pieces = [piece for piece in pieces if piece.latex]
    merged: list[Piece] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        after = pieces[at + 1].sign if at + 1 < len(pieces) else ""
        fenced = _fenced(merged[-1].sign if merged else "", piece, after)
        if fenced is None:
            merged.append(piece)
        else:
            latex, closes = fenced
            merged[-1] = Piece(latex)
            at += closes
        at += 1
    if len(merged) == 1:
        return merged[0]
    return Piece(join([piece.latex for piece in merged]))


def matrix(rows: list[str], *, aligned: bool) -> Piece:
    """Return a table of cells, whose lines are joined with ``&`` already."""
    lines = r" \\ ".join(rows)
    if not lines.strip():
        return EMPTY
    name = "aligned" if aligned else "matrix"
    return Piece(_environment(name, lines), matrix="" if aligned else lines)


def fraction(numerator: Piece, denominator: Piece, *, line: bool, bevelled: bool) -> Piece:
    top, bottom = numerator.latex, denominator.latex
    if not line:
        return Piece(f"{{{top} \\atop {bottom}}}", stacked=(top, bottom))
    if bevelled:
        return Piece(
            "/".join(
                piece.latex if _ATOM.fullmatch(piece.latex) else f"({piece.latex})"
                for piece in (numerator, denominator)
            )
        )
    return Piece(f"\\frac{{{top}}}{{{bottom}}}")


def group(piece: Piece) -> str:
    """Return the piece in braces unless it is one sign, one number or one pair of brackets."""
    return piece.latex if _ATOM.fullmatch(piece.latex) else f"{{{piece.latex}}}"


def scripts(base: Piece, sub: Piece, sup: Piece) -> Piece:
    """Return the base with its scripts."""
    low = f"_{{{sub.latex}}}" if sub.latex else ""
    high = f"^{{{sup.latex}}}" if sup.latex else ""
    if sup.latex and not sup.latex.strip("'"):
        high = sup.latex
    if not low and not high:
        return base
    return Piece((group(base) if base.latex else "{}") + low + high)


def over(base: Piece, mark: Piece) -> Piece:
    """Return the base with an accent, a brace, a bound or something else above it."""
    sign = mark.sign or mark.latex
    accent = ACCENTS.get(sign) or _MORE_ACCENTS.get(sign)
    if accent is not None and not _has_bounds(base):
        is_one = len(base.latex) == 1 or _is_command(base.latex)
        name = ("bar" if accent == "overline" else accent) if is_one else _WIDE.get(accent, accent)
        return Piece(f"\\{name}{{{base.latex}}}")
    if base.sign in _ARROWS:
        return Piece(f"\\{_ARROWS[base.sign]}{{{mark.latex}}}")
    if _has_bounds(base) or base.latex.startswith(_BRACES):
        return Piece(f"{base.latex}^{{{mark.latex}}}") if mark.latex else base
    return Piece(f"\\overset{{{mark.latex}}}{{{base.latex}}}") if mark.latex else base


def under(base: Piece, mark: Piece) -> Piece:
    """Return the base with a line, a brace, a bound or something else below it."""
    sign = mark.sign or mark.latex
    if sign in _UNDER and not _has_bounds(base):
        return Piece(f"\\{_UNDER[sign]}{{{base.latex}}}")
    if base.sign in _ARROWS:
        return Piece(f"\\{_ARROWS[base.sign]}[{mark.latex}]{{}}")
    if _has_bounds(base) or base.latex.startswith(_BRACES):
        return Piece(f"{base.latex}_{{{mark.latex}}}") if mark.latex else base
    return Piece(f"\\underset{{{mark.latex}}}{{{base.latex}}}") if mark.latex else base


def under_over(base: Piece, low: Piece, high: Piece) -> Piece:
    """Return the base with something below and above it."""
    if base.sign in _ARROWS:
        return Piece(f"\\{_ARROWS[base.sign]}[{low.latex}]{{{high.latex}}}")
    if _has_bounds(base):
        return scripts(base, low, high)
    return under(over(base, high), low)


def multiscripts(pieces: list[Piece], prescripts: list[Piece]) -> Piece:
    """Return base, sub, sup, sub, sup …, and the scripts before the base."""
    before = _pairs(prescripts)
    base = pieces[0] if pieces else EMPTY
    after = _pairs(pieces[1:])
    if before:
        before = "{}" + before
    return Piece(join([before, (group(base) if after else base.latex) or "{}"]) + after)


def _pairs(pieces: list[Piece]) -> str:
    subs = join([piece.latex for piece in pieces[0::2]])
    sups = join([piece.latex for piece in pieces[1::2]])
    return (f"_{{{subs}}}" if subs else "") + (f"^{{{sups}}}" if sups else "")


def _fenced(before: str, piece: Piece, after: str) -> tuple[str, int] | None:
    """Return the piece with its fences, and how many pieces after it that takes; None if it has none."""
    if piece.stacked and (before, after) == ("(", ")"):
        return "\\binom{{{}}}{{{}}}".format(*piece.stacked), 1
    if not piece.matrix:
        return None
    name = _MATRICES.get((before, after))
    if name:
        return _environment(name, piece.matrix), 1
    if before == "{":
        return _environment("cases", piece.matrix), 0
    return None


def _environment(name: str, lines: str) -> str:
    return f"\\begin{{{name}}}{lines}\\end{{{name}}}"


def _has_bounds(piece: Piece) -> bool:
    return piece.sign in BIG_OPERATORS or piece.latex.lstrip("\\") in LIMITS


def _is_command(latex: str) -> bool:
    return re.fullmatch(r"\\[A-Za-z]+", latex) is not None
