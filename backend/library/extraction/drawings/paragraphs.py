"""The text of a paragraph in a drawing (``a:p``), with raised and lowered text, formulas and symbols."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from backend.library.extraction import page_text
from backend.library.extraction.drawings.names import A14, MC, A, M, alternatives, text_of
from backend.library.extraction.formulas.omml import has_unknown, latex_of
from backend.library.extraction.formulas.symbols import UNKNOWN, character_of, decode, is_symbol_font

Warn = Callable[..., None]
"""Counts a warning: its code and, if not 1, ``count``."""

Piece = tuple[int, str]
"""Text, and whether it is raised (1), lowered (-1) or neither (0)."""

_PRIVATE = re.compile("([\uf020-\uf0ff]+)")
_ARROW = re.compile(r"(?<!\S)[àßóèç](?!\S)")
_LANGUAGES_WITH_THESE_WORDS = frozenset({"fr", "pt", "ca", "it", "pl"})
_FURNITURE_FIELDS = ("slidenum", "datetime", "footer", "header")


def paragraph_text(paragraph: Any, warn: Warn, baseline: int = 0) -> str:
    """Return the text of an ``a:p`` in the notation of ``page_text``, with line ends for breaks.

    ``baseline`` is the shift that the paragraph inherits, as in ``rPr``.
    """
    return join_pieces(_pieces(paragraph, warn, baseline))


def join_pieces(pieces: Iterator[Piece]) -> str:
    """Join pieces; neighbours that are shifted alike become one raised or lowered text."""
    parts: list[str] = []
    pending, shift = "", 0
    for next_shift, text in pieces:
        if next_shift != shift:
            parts.append(_shown(shift, pending))
            pending, shift = "", next_shift
        pending += text
    parts.append(_shown(shift, pending))
    return "".join(parts)


def is_furniture(paragraphs: list[Any]) -> bool:
    """Whether the paragraphs hold fields for a slide's number, date or footer, and nothing else."""
    has_field = False
    for paragraph in paragraphs:
        for child in paragraph.iterchildren("*"):
            if child.tag == A + "fld" and (child.get("type") or "").startswith(_FURNITURE_FIELDS):
                has_field = True
            elif "".join(node.text or "" for node in child.iter(A + "t")).strip():
                return False
    return has_field


def texts_of(element: Any) -> str:
    """Return all text of a drawing's element as it is, for elements that nothing is known about."""
    lines = ("".join(text_of(node) for node in paragraph.iter(A + "t")) for paragraph in element.iter(A + "p"))
    return "\n".join(line for line in lines if line.strip())


def _pieces(paragraph: Any, warn: Warn, baseline: int) -> Iterator[Piece]:
    stack = [paragraph]
    while stack:
        node = stack.pop()
        if node.tag in (A + "r", A + "fld"):
            yield from _run(node, warn, baseline)
        elif node.tag == A + "br":
            yield 0, "\n"
        elif node.tag == MC + "AlternateContent":
            stack.extend(reversed(alternatives(node)))
        elif node.tag in (M + "oMath", M + "oMathPara"):
            yield 0, formula_text(node, warn, is_alone=_is_alone(node, paragraph))
        elif node.tag == A + "t":
            yield 0, text_of(node)
        elif node.tag not in (A + "pPr", A + "endParaRPr", A + "rPr"):
            stack.extend(node.iterchildren("*", reversed=True))


def formula_text(math: Any, warn: Warn, *, is_alone: bool) -> str:
    """Return a formula, on lines of its own if it is alone in its paragraph; a sign for a lost one."""
    latex = latex_of(math)
    if not latex.strip():
        if math.find(f".//{M}t") is None:
            return ""
        warn("formulas_lost")
        return page_text.MISSING_FORMULA
    shown = page_text.formula(latex, display=is_alone and math.tag == M + "oMathPara")
    if has_unknown(latex):
        warn("formulas_uncertain")
        return page_text.uncertain(shown)
    return shown


def _is_alone(math: Any, paragraph: Any) -> bool:
    """Whether a paragraph has one formula and no other text."""
    if len(list(paragraph.iter(A14 + "m"))) > 1:
        return False
    return not "".join(node.text or "" for node in paragraph.iter(A + "t")).strip()


def _run(run: Any, warn: Warn, baseline: int) -> Iterator[Piece]:
    text = "".join(text_of(node) for node in run.iterchildren(A + "t"))
    if not text:
        return
    properties = run.find(A + "rPr")
    shift = baseline
    if properties is not None:
        if is_invisible(properties):
            if text.strip():
                warn("hidden_text_removed")
            return
        if properties.get("strike", "noStrike") != "noStrike":
            if text.strip():
                warn("struck_text_removed")
            return
        shift = percentage(properties.get("baseline"), baseline)
        text = _decoded(text, properties, warn)
    yield (shift > 0) - (shift < 0), text


def is_invisible(properties: Any) -> bool:
    """Whether the properties of a run give its letters neither fill nor outline."""
    return properties.find(A + "noFill") is not None and properties.find(f"{A}ln") is None


def percentage(value: str | None, default: int = 0) -> int:
    """Return a share in thousandths of a percent; the strict format writes ``30%``."""
    if value is None:
        return default
    try:
        return int(float(value[:-1]) * 1000) if value.endswith("%") else int(value)
    except (ValueError, OverflowError):
        return default


def _decoded(text: str, properties: Any, warn: Warn) -> str:
    latin = _font(properties, "latin")
    symbols = _font(properties, "sym")
    font = latin if is_symbol_font(latin) else None
    if font is None and is_symbol_font(symbols):
        if text.isascii():
            return text
        text = _with_arrows(text, symbols or "", properties.get("lang", ""))
        # Plain letters stay: programs leave the symbol font on the text that follows a symbol.
        pieces = _PRIVATE.split(text)
    else:
        pieces = [text]
    unknown = 0
    for at, piece in enumerate(pieces):
        if len(pieces) == 1 or at % 2:
            pieces[at], missing = decode(piece, font if len(pieces) == 1 else symbols)
            unknown += missing
    if not unknown:
        return "".join(pieces)
    warn("characters_unknown", count=unknown)
    return "".join(pieces).replace(UNKNOWN, page_text.uncertain(UNKNOWN))


def _with_arrows(text: str, font: str, language: str) -> str:
    """Return text with the arrows of Wingdings, which PowerPoint stores as the letters ``à``, ``ß`` and so on."""
    if language[:2] in _LANGUAGES_WITH_THESE_WORDS and not _ARROW.fullmatch(text.strip()):
        return text
    return _ARROW.sub(lambda match: character_of(font, ord(match.group())) or match.group(), text)


def _font(properties: Any, name: str) -> str | None:
    element = properties.find(A + name)
    return None if element is None else element.get("typeface")


def _shown(shift: int, text: str) -> str:
    if shift > 0:
        return page_text.raised(text)
    return page_text.lowered(text) if shift < 0 else text
