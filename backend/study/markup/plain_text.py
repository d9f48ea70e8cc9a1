"""Item texts as exports read them: plain text with LaTeX formulas between ``\\( \\)`` or ``\\[ \\]``."""

import re
from collections.abc import Iterator

# Anki keeps a note's fields apart with U+001F, XML 1.0 allows no control characters but tab and line breaks,
# and no reader can see one: they are taken out before any text reaches a file.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_FORMULA = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)


def clean_text(text: str) -> str:
    """Return ``text`` without control characters, with ``\\n`` as its only line break, stripped at both ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """Return ``text`` cleaned, with every run of white space made a single space."""
    return " ".join(clean_text(text).split())


def split_formulas(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of ``text`` in order, each with whether it is a formula (its delimiters included).

    The pieces joined give ``text`` again. An opening delimiter that is never closed is ordinary text.
    """
    position = 0
    for formula in _FORMULA.finditer(text):
        if formula.start() > position:
            yield text[position : formula.start()], False
        yield formula.group(), True
        position = formula.end()
    if position < len(text):
        yield text[position:], False
