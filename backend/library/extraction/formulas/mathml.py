"""Turns MathML into LaTeX. Works on any depth, because nothing recurses."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from lxml import etree

from backend.library.extraction.formulas import mathml_tokens as tokens
from backend.library.extraction.formulas.mathml_rows import (
    EMPTY,
    Piece,
    fraction,
    matrix,
    multiscripts,
    over,
    row,
    scripts,
    under,
    under_over,
)

_MAX_ANNOTATION_CHARS = 10_000
_STYLE_WRAPPER = re.compile(r"\{\\(?:displaystyle|textstyle|scriptstyle)\b(.*)\}", re.DOTALL)
_STYLE_START = re.compile(r"\\(?:displaystyle|textstyle)\b\s*")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n")
_TOKENS: Final = frozenset({"mi", "mn", "mo", "mtext", "ms", "mspace"})
_NOT_SHOWN: Final = frozenset({"annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark"})
_CONTENT: Final = frozenset({"apply", "ci", "cn", "csymbol", "bind", "reln", "piecewise"})
_STRIKES: Final = {
    "updiagonalstrike": "cancel", "downdiagonalstrike": "bcancel", "horizontalstrike": "sout", "box": "boxed",
    "roundedbox": "boxed", "radical": "sqrt", "top": "overline", "bottom": "underline",
}  # fmt: skip


def mathml_to_latex(element: etree._Element) -> str:
    """Return a formula in LaTeX, without dollar signs; empty if nothing of it can be read.

    ``element`` is ``math`` or any part of it, in any namespace. TeX that the formula carries with it is preferred.
    """
    stack: list[tuple[etree._Element, Iterator[etree._Element], list[tuple[str, Piece]]]] = []
    current = element
    stack.append((current, iter(_shown_children(current)), []))
    while True:
        parent, children, pieces = stack[-1]
        child = next(children, None)
        if child is not None:
            stack.append((child, iter(_shown_children(child)), []))
            continue
        stack.pop()
        piece = _piece(parent, pieces)
        if not stack:
            return piece.latex.strip()
        stack[-1][2].append((local_name(parent), piece))


def local_name(element: etree._Element) -> str:
    """Return an element's name without namespace or prefix; empty for comments."""
    tag = element.tag
    return re.split("[}:]", tag)[-1] if isinstance(tag, str) else ""


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def tex_annotation(element: etree._Element) -> str:
    """Return the TeX that a ``semantics`` element carries for its whole, if it can be used; else nothing."""
    for child in element:
        name = local_name(child)
        if name == "annotation" and "tex" in child.get("encoding", "").lower():
            return clean_tex(_text(child))
    return ""


def clean_tex(source: str) -> str:
    """Return TeX without what only sets its style; nothing if its braces do not match or it is too long."""
    latex = _COMMENT.sub("", source).strip()
    while match := _STYLE_WRAPPER.fullmatch(latex):
        if not _is_balanced(match[1]):
            break
        latex = match[1].strip()
    latex = _STYLE_START.sub("", latex, count=1) if latex.startswith(("\\displaystyle", "\\textstyle")) else latex
    return latex if len(latex) <= _MAX_ANNOTATION_CHARS and _is_balanced(latex) else ""


def _is_balanced(latex: str) -> bool:
    depth = 0
    for match in re.finditer(r"\\.|[{}]", latex, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth < 0:
            return False
    return depth == 0


def _shown_children(element: etree._Element) -> list[etree._Element]:
    name = local_name(element)
    if name in _TOKENS or name in _NOT_SHOWN or name in _CONTENT:
        return []
    children = [child for child in element if isinstance(child.tag, str)]
    if name == "semantics":
        return [] if tex_annotation(element) else children[:1]
    if name == "maction":
        chosen = element.get("selection", "1")
        return children[int(chosen) - 1 :][:1] if chosen.isdigit() and chosen != "0" else children[:1]
    return children


def _piece(element: etree._Element, named: list[tuple[str, Piece]]) -> Piece:
    name = local_name(element)
    pieces = [piece for _, piece in named]
    if name in _TOKENS:
        return _token(name, element)
    if name in _NOT_SHOWN or name in _CONTENT:
        return EMPTY
    if name == "semantics" and not pieces:
        return Piece(tex_annotation(element))
    if name == "mmultiscripts":
        names = [child for child, _ in named]
        at = names.index("mprescripts") if "mprescripts" in names else len(names)
        return multiscripts(pieces[:at], pieces[at + 1 :])
    structure = _STRUCTURES.get(name)
    if structure is not None:
        return structure(element, pieces)
    return row([*_loose(element.text), *_with_tails(element, pieces)])


def _with_tails(element: etree._Element, pieces: list[Piece]) -> Iterator[Piece]:
    tails = [child.tail for child in _shown_children(element)]
    for piece, tail in zip(pieces, tails, strict=False):
        yield piece
        yield from _loose(tail)


def _loose(text: str | None) -> list[Piece]:
    """Return text that stands between elements, where none should be."""
    return [Piece(tokens.signs(text))] if text and text.strip() else []


def _token(name: str, element: etree._Element) -> Piece:
    text = _text(element)
    variant = element.get("mathvariant")
    if name == "mspace":
        return Piece(_space(element))
    if name == "mi":
        return Piece(tokens.identifier(text, variant), sign=text.strip() if len(text.strip()) == 1 else "")
    if name == "mn":
        return Piece(tokens.number(text, variant))
    if name == "mo":
        return Piece(tokens.operator(text), sign=text.strip())
    return Piece(tokens.text_in_formula(f'"{text}"' if name == "ms" else text))


def _space(element: etree._Element) -> str:
    if element.get("linebreak") == "newline":
        return r"\\ "
    width = re.match(r"([\d.]+)\s*em", element.get("width", ""))
    size = float(width[1]) if width and width[1].count(".") <= 1 and width[1] != "." else 0.0
    return r"\quad " if size >= 0.9 else r"\ " if size >= 0.25 else ""


def _fraction(element: etree._Element, pieces: list[Piece]) -> Piece:
    top, bottom = _exactly(pieces, 2)
    thickness = element.get("linethickness", "").strip()
    line = not re.fullmatch(r"0+(?:\.0*)?\s*\w*|0?\.0+\w*", thickness)
    return fraction(top, bottom, line=line, bevelled=element.get("bevelled") == "true")


def _root(element: etree._Element, pieces: list[Piece]) -> Piece:
    base, index = _exactly(pieces, 2)
    return Piece(f"\\sqrt[{index.latex}]{{{base.latex}}}" if index.latex else f"\\sqrt{{{base.latex}}}")


def _fenced(element: etree._Element, pieces: list[Piece]) -> Piece:
    opening, closing = element.get("open", "("), element.get("close", ")")
    separators = "".join(element.get("separators", ",").split())
    inside: list[Piece] = []
    for at, piece in enumerate(pieces):
        if at and separators:
            separator = separators[min(at - 1, len(separators) - 1)]
            inside.append(Piece(tokens.signs(separator), sign=separator))
        inside.append(piece)
    ends = [Piece(tokens.signs(sign), sign=sign.strip()) for sign in (opening, closing)]
    return row([ends[0], row(inside), ends[1]])


def _enclosed(element: etree._Element, pieces: list[Piece]) -> Piece:
    latex = row(pieces).latex
    notations = element.get("notation", "longdiv").split()
    if {"updiagonalstrike", "downdiagonalstrike"} <= set(notations):
        return Piece(f"\\xcancel{{{latex}}}")
    command = next((_STRIKES[notation] for notation in notations if notation in _STRIKES), None)
    return Piece(f"\\{command}{{{latex}}}") if command and latex else Piece(latex)


def _table(element: etree._Element, pieces: list[Piece]) -> Piece:
    align = element.get("columnalign", "").split()
    aligned = align[:2] == ["right", "left"] or (element.get("displaystyle") == "true" and not element.get("frame"))
    return matrix([piece.latex for piece in pieces], aligned=aligned)


def _table_row(element: etree._Element, pieces: list[Piece]) -> Piece:
    return Piece(" & ".join(piece.latex for piece in pieces))


def _labelled_row(element: etree._Element, pieces: list[Piece]) -> Piece:
    label = pieces[0].latex if pieces else ""
    cells = " & ".join(piece.latex for piece in pieces[1:])
    return Piece(f"{cells} \\qquad {label}" if label else cells)


def _cell(element: etree._Element, pieces: list[Piece]) -> Piece:
    span = element.get("columnspan", "1")
    more = int(span) - 1 if span.isdigit() and 1 < int(span) <= 50 else 0
    latex = row(pieces).latex
    return Piece((latex or " ") + " & " * more)


def _exactly(pieces: list[Piece], count: int) -> list[Piece]:
    """Return so many pieces: missing ones are empty, and those over go into the last."""
    if len(pieces) > count:
        return [*pieces[: count - 1], row(pieces[count - 1 :])]
    return pieces + [EMPTY] * (count - len(pieces))


def _of_pieces(count: int, build: Callable[..., Piece]) -> Callable[[etree._Element, list[Piece]], Piece]:
    return lambda element, pieces: build(*_exactly(pieces, count))


_STRUCTURES: Final[dict[str, Callable[[Any, list[Piece]], Piece]]] = {
    "menclose": _enclosed,
    "mfenced": _fenced,
    "mfrac": _fraction,
    "mlabeledtr": _labelled_row,
    "mover": _of_pieces(2, over),
    "mroot": _root,
    "msqrt": lambda element, pieces: Piece(f"\\sqrt{{{row(pieces).latex}}}"),
    "msub": _of_pieces(2, lambda base, sub: scripts(base, sub, EMPTY)),
    "msubsup": _of_pieces(3, scripts),
    "msup": _of_pieces(2, lambda base, sup: scripts(base, EMPTY, sup)),
    "mtable": _table,
    "mtd": _cell,
    "mtr": _table_row,
    "munder": _of_pieces(2, under),
    "munderover": _of_pieces(3, under_over),
    "none": lambda element, pieces: EMPTY,
}
