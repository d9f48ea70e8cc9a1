"""Converts texts to Anki's formats: HTML fields, cloze fields, tags.

Anki renders fields as HTML and passes ``\\( \\)`` and ``\\[ \\]`` to MathJax (docs.ankiweb.net/math.html), except in
``<pre>``. Everything else in a text is untrusted data and is escaped here.
"""

import html
import re
from collections.abc import Sequence

from backend.library.types import PageNotation
from backend.study.markup.plain_text import (
    Piece,
    PieceKind,
    clean_text,
    fence,
    one_line,
    split_code,
    split_formulas,
    split_text,
)
from backend.study.markup.quotes import split_quote
from backend.study.types import Evidence
from backend.text.cloze import guard_formula

# Anki looks for these in the stored HTML and would play a sound, speak, or run LaTeX. An HTML entity looks the same
# but is not a command to Anki. The ``\[`` of a formula stays as it is.
_COMMAND_BRACKET = re.compile(r"\[(?=/?latex\]|/?\${1,2}\]|sound:|anki:)", re.IGNORECASE)
_SHIFTED_AT_END = re.compile(r"([\^_]\{[^{}\n]{1,60}\})(?=\}\})")
_TAGS = {PieceKind.CODE: "pre", PieceKind.RAISED: "sup", PieceKind.LOWERED: "sub"}


def to_field(text: str) -> str:
    """Return ``text`` as the HTML of a field; formulas are kept, line breaks become ``<br>``."""
    return "".join(map(_to_html, split_text(clean_text(text))))


def to_verbatim_field(text: str) -> str:
    """Return ``text`` as HTML without formulas, for names."""
    return _escape(clean_text(text))


def to_quote_field(evidence: Evidence, notation: PageNotation | None) -> str:
    """Return a quote as HTML for a place where MathJax finds formulas only in ``tex2jax_process``."""
    field = ""
    for line in split_quote(evidence, notation):
        is_code = line[0].kind is PieceKind.CODE
        field += "" if is_code or not field or field.endswith("</pre>") else "<br>"
        field += "".join(map(_to_quoted_html, line))
    return field


def guard_cloze(text: str) -> str:
    """Return the cleaned text of a cloze card with every formula on one line and harmless to Anki's parser."""
    return "\n".join(
        fence(piece) if piece.kind is PieceKind.CODE else _guard(piece.text) for piece in split_code(clean_text(text))
    )


def to_cloze_field(text: str) -> str:
    """Return the text of a cloze card as the HTML of a field, its deletions kept."""
    return to_field(guard_cloze(text))


def to_tag(path: Sequence[str]) -> str:
    """Return the tag of a topic from the path of names to it, such as ``analysis::mean_value_theorem``.

    Lower case, with ``_`` for white space, which separates tags, and ``::`` only between parent and child. No part
    begins with a character that starts a formula in spreadsheets.
    """
    return "::".join(_tag_part(name) for name in path)


def _to_html(piece: Piece) -> str:
    inner = _escape(_unbroken(piece.text) if piece.kind is PieceKind.FORMULA else piece.text)
    tag = _TAGS.get(piece.kind)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _to_quoted_html(piece: Piece) -> str:
    inner = _to_html(piece)
    return f"<span class=tex2jax_process>{inner}</span>" if piece.kind is PieceKind.FORMULA else inner


def _guard(text: str) -> str:
    return "".join(
        # Anki ends a deletion at the first ``}}``.
        guard_formula(_unbroken(piece)) if is_formula else _SHIFTED_AT_END.sub(r"\1 ", piece)
        for piece, is_formula in split_formulas(text)
    )


def _escape(text: str) -> str:
    return _COMMAND_BRACKET.sub("&#91;", html.escape(text).replace("\n", "<br>"))


def _unbroken(formula: str) -> str:
    """Return a formula on one line: MathJax does not find formulas that contain ``<br>``."""
    return re.sub(r"\s*\n\s*", " ", formula)


def _tag_part(name: str) -> str:
    words = re.sub(r"[\s\"]+", "_", one_line(name).lower())
    return re.sub(r":{2,}", ":", words).lstrip("=+-@＝＋－＠#:_").rstrip(":_") or "topic"
