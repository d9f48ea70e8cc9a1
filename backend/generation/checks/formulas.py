"""Gives formulas of a model's reply the delimiters of items, where it is certain that they are formulas.

Models that read ``$…$`` on a page also write it. A ``$`` may be money, so only LaTeX that the pages name as a formula
counts.
"""

import re
from collections.abc import Iterable

from backend.library.types import PageText, SpanKind

_DOLLARS = re.compile(r"(?P<sign>\$\$?)(?P<latex>[^$]+)(?P=sign)(?!\$)")
# Formulas that have their delimiters already, and fenced code.
_DELIMITED = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]|^`{3,}.*?^`{3,}[ \t]*$", re.DOTALL | re.MULTILINE)
_ONE_SIGN_IN_BRACES = re.compile(r"([\^_])\{(\w)\}")
_NOTATION = re.compile(r"[\\^_=]")
_MIN_CONTAINED_CHARS = 3


def formulas_of(pages: Iterable[PageText]) -> frozenset[str]:
    """Return the LaTeX of all formulas on the pages, without delimiters and without what LaTeX ignores."""
    spans = (page.text[span.start : span.end] for page in pages for span in page.spans if span.kind is SpanKind.FORMULA)
    return frozenset(filter(None, map(_normal, spans)))


def delimit_formulas(text: str, formulas: frozenset[str]) -> str:
    """Return a text with the delimiters of items around LaTeX that is, or contains, one of the formulas."""
    if "$" not in text or not formulas:
        return text
    written: list[str] = []
    position = 0
    for delimited in (*_DELIMITED.finditer(text), None):
        end = delimited.start() if delimited else len(text)
        written.append(_delimit(text[position:end], formulas))
        if delimited:
            written.append(delimited.group())
            position = delimited.end()
    return "".join(written)


def _delimit(text: str, formulas: frozenset[str]) -> str:
    written: list[str] = []
    position = 0
    while (start := text.find("$", position)) >= 0:
        match = _DOLLARS.match(text, start)
        # This sign may be money, and the next one the start of a formula.
        end = match.end() if match and _is_formula(match["latex"], formulas) else start + 1
        written.append(text[position:start])
        written.append(_with_delimiters(match) if match and end > start + 1 else text[start:end])
        position = end
    written.append(text[position:])
    return "".join(written)


def _with_delimiters(match: re.Match[str]) -> str:
    latex = match["latex"].strip()
    return rf"\[{latex}\]" if match["sign"] == "$$" else rf"\({latex}\)"


def _is_formula(latex: str, formulas: frozenset[str]) -> bool:
    normal = _normal(latex)
    if normal in formulas:
        return True
    return (
        any(
            len(formula) >= _MIN_CONTAINED_CHARS and _NOTATION.search(formula) and formula in normal
            for formula in formulas
        )
        and latex[0] not in " \t\n0123456789"
    )


def _normal(latex: str) -> str:
    return _ONE_SIGN_IN_BRACES.sub(r"\1\2", "".join(latex.strip("$").split()))
