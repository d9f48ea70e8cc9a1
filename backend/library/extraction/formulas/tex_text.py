"""Finds TeX between delimiters in text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from backend.library.extraction.page_text import find_marked, formula

SHIELD: Final = "\ufddf"
"""Stands after a sign that opens nothing, because the text is code. It is not the mark of a span."""

_NOT_MARKED = "\ufdd0-\ufdef"
_ROUND = rf"\\\((?P<round>(?:(?!\\[()\[])[^{_NOT_MARKED}])+)\\\)"
_SQUARE = rf"\\\[(?P<square>(?:(?!\\[(\[\]])[^{_NOT_MARKED}]|(?<=\\)\\\[)+)\\\]"
_DOLLARS = rf"(?<!\\)\$\$(?P<dollars>(?:[^$\\{_NOT_MARKED}]|\\[^{_NOT_MARKED}])+)\$\$"
_DOLLAR = rf"(?<![\\$])\$(?![\s$])(?P<dollar>(?:[^$\\{_NOT_MARKED}]|\\[^{_NOT_MARKED}])+)(?<!\s)\$(?![\d$])"
_NAMES = "equation|align|aligned|gather|gathered|multline|eqnarray|split|flalign|alignat|math|displaymath"
_ENVIRONMENT = rf"(?P<environment>\\begin\{{(?P<name>(?:{_NAMES})\*?)\}}[^{_NOT_MARKED}]+?\\end\{{(?P=name)\}})"
_WITH_DOLLAR = re.compile("|".join((_ROUND, _SQUARE, _DOLLARS, _ENVIRONMENT, _DOLLAR)))
_WITH_DOLLARS = re.compile("|".join((_ROUND, _SQUARE, _DOLLARS, _ENVIRONMENT)))
_TEX_SIGN = re.compile(r"\\[a-zA-Z{}|,;!]|[\^_=+<>]")
WRAPPED: Final = re.compile(r"\s*(?:\\\((?P<a>.*)\\\)|\\\[(?P<b>.*)\\\]|\$\$(?P<c>.*)\$\$|\$(?P<d>.*)\$)\s*", re.DOTALL)
"""A formula and the delimiters around it."""

_WORD = re.compile("[^\\W\\d_]{2}")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What opens formulas in a text. ``certain``: formulas are known to be used, so all between delimiters is one."""

    certain: bool = False
    dollar: bool = False


def mark_formulas(text: str, delimiters: Delimiters, line_end: str = "\n") -> str:
    """Return the text with its formulas in the notation of ``page_text``."""
    if "\\" not in text and "$" not in text:
        return text
    parts, last = [], 0
    for start, end in find_marked(text):
        parts += [_mark(text[last:start], delimiters, line_end), text[start:end]]
        last = end
    return "".join(parts) + _mark(text[last:], delimiters, line_end)


def _mark(text: str, delimiters: Delimiters, line_end: str) -> str:
    pattern = _WITH_DOLLAR if delimiters.dollar else _WITH_DOLLARS
    marked = pattern.sub(_replacement(delimiters, line_end), text)
    return marked.replace("\\$", "$") if delimiters.dollar else marked


def looks_like_tex(text: str) -> bool:
    """Whether what stands between backslashed brackets is a formula, and not words in brackets."""
    return _TEX_SIGN.search(text) is not None or not _WORD.search(text)


def unwrap_tex(text: str) -> str:
    """Return TeX without the delimiters around it."""
    match = WRAPPED.fullmatch(text)
    return next(part for part in match.groups() if part is not None) if match else text.strip()


def shield(text: str) -> str:
    """Return code so that nothing in it is taken for a delimiter."""
    return re.sub(r"[\\$]", lambda match: match.group() + SHIELD, text)


def _replacement(delimiters: Delimiters, line_end: str) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        kind = match.lastgroup if match.lastgroup != "name" else "environment"
        latex = match[kind or 0]
        if not delimiters.certain and not looks_like_tex(latex):
            return match.group()
        if kind == "dollars" and not delimiters.certain and "\\" not in latex:
            return match.group()
        latex = " ".join(latex.replace(line_end, " ").split())
        if kind in ("round", "dollar"):
            return formula(latex)
        return f"{line_end}{formula(latex, display=True)}{line_end}"

    return replace
