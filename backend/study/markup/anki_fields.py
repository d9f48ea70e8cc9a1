"""Converts texts to Anki's formats: HTML fields, cloze fields, tags.

Anki renders fields as HTML and passes ``\\( \\)`` and ``\\[ \\]`` to MathJax (docs.ankiweb.net/math.html).
Everything else in a text is untrusted data and is escaped here.
"""

import html
import re
from collections.abc import Sequence

from backend.study.markup.plain_text import clean_text, one_line, split_formulas
from backend.text.cloze import guard_formula

# Anki looks for these in the stored HTML and would play a sound, speak, or run LaTeX. An HTML entity looks the same
# but is not a command to Anki. The ``\[`` of a formula stays as it is.
_COMMAND_BRACKET = re.compile(r"\[(?=/?latex\]|/?\${1,2}\]|sound:|anki:)", re.IGNORECASE)


def to_field(text: str) -> str:
    """Return ``text`` as the HTML of a field; formulas are kept, line breaks become ``<br>``."""
    return "".join(
        _escape(_unbroken(piece) if is_formula else piece) for piece, is_formula in split_formulas(clean_text(text))
    )


def to_verbatim_field(text: str) -> str:
    """Return ``text`` as HTML without formulas, for names and for quotes of a page."""
    return _escape(clean_text(text))


def guard_cloze(text: str) -> str:
    """Return the cleaned text of a cloze card with every formula on one line and harmless to Anki's parser."""
    return "".join(
        guard_formula(_unbroken(piece)) if is_formula else piece
        for piece, is_formula in split_formulas(clean_text(text))
    )


def to_cloze_field(text: str) -> str:
    """Return the text of a cloze card as the HTML of a field, its deletions kept."""
    return _escape(guard_cloze(text))


def to_tag(path: Sequence[str]) -> str:
    """Return the tag of a topic from the path of names to it, such as ``analysis::mean_value_theorem``.

    Lower case, with ``_`` for white space, which separates tags, and ``::`` only between parent and child. No part
    begins with a character that starts a formula in spreadsheets.
    """
    return "::".join(_tag_part(name) for name in path)


def _escape(text: str) -> str:
    return _COMMAND_BRACKET.sub("&#91;", html.escape(text).replace("\n", "<br>"))


def _unbroken(formula: str) -> str:
    """Return a formula on one line: MathJax does not find formulas that contain ``<br>``."""
    return re.sub(r"\s*\n\s*", " ", formula)


def _tag_part(name: str) -> str:
    words = re.sub(r"[\s\"]+", "_", one_line(name).lower())
    return re.sub(r":{2,}", ":", words).lstrip("=+-@＝＋－＠#:_").rstrip(":_") or "topic"
