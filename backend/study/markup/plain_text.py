"""Reads item texts: plain text with LaTeX formulas between ``\\( \\)`` or ``\\[ \\]``."""

import re
from collections.abc import Iterator

# Anki separates a note's fields with U+001F, and XML 1.0 allows no control characters except tab and line breaks.
# Readers cannot see them, so they are removed before any text reaches a file.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_FORMULA = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)


def clean_text(text: str) -> str:
    """Return ``text`` without control characters, with ``\\n`` as its only line break, stripped at both ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """Return ``text`` cleaned, with each run of white space replaced by one space."""
    return " ".join(clean_text(text).split())


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
