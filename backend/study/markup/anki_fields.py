"""Texts as Anki stores them: HTML fields, cloze deletions, tags.

Anki's clients render fields as HTML and hand ``\\( \\)`` and ``\\[ \\]`` to MathJax (docs.ankiweb.net/math.html).
Everything else in a text is data, whoever wrote it, and is escaped here.
"""

import html
import re
from collections.abc import Sequence

from backend.study.markup.plain_text import clean_text, one_line, split_formulas

_OPENING = re.compile(r"\{\{c\d+::")
_DELETION_MARK = re.compile(r"\{\{c(?P<number>\d+)::|\}\}")
# Anki looks for these in the stored HTML and would play a sound, speak, or start LaTeX. Written with an entity
# the bracket looks the same to a reader and is no command to Anki; ``\[`` of a formula stays as it is.
_COMMAND_BRACKET = re.compile(r"\[(?=/?latex\]|/?\${1,2}\]|sound:|anki:)", re.IGNORECASE)


def to_field(text: str) -> str:
    """Return ``text`` as the HTML of a field; formulas stay formulas, line breaks become ``<br>``."""
    return "".join(
        _escape(_unbroken(piece) if is_formula else piece) for piece, is_formula in split_formulas(clean_text(text))
    )


def to_verbatim_field(text: str) -> str:
    """Return ``text`` as HTML in which nothing is a formula, for names and for quotes of a page."""
    return _escape(clean_text(text))


def guard_cloze(text: str) -> str:
    """Return the cleaned text of a cloze card with every formula on one line and harmless to Anki's parser.

    Anki ends a deletion at the first ``}}`` and takes what follows ``::`` for a hint, in the middle of a formula
    too; inside formulas both are broken by a space, which LaTeX ignores.
    """
    return "".join(
        _guard_formula(_unbroken(piece)) if is_formula else piece
        for piece, is_formula in split_formulas(clean_text(text))
    )


def to_cloze_field(text: str) -> str:
    """Return the text of a cloze card as the HTML of a field, its deletions kept."""
    return _escape(guard_cloze(text))


def deletion_numbers(cloze_field: str) -> set[int]:
    """Return the numbers of a cloze field's deletions, those of nested ones included: Anki makes a card of each.

    A deletion that is empty or has the number 0 is none; one that is never closed takes those inside it along.
    """
    numbers: set[int] = set()
    inside: set[int] = set()  # Found inside an outermost deletion that is still open.
    open_deletions: list[tuple[int, int]] = []  # The number of each and where its text begins, innermost last.
    for mark in _DELETION_MARK.finditer(cloze_field):
        if mark["number"]:
            open_deletions.append((int(mark["number"]), mark.end()))
        elif open_deletions:
            number, start = open_deletions.pop()
            hidden, _, _hint = cloze_field[start : mark.start()].partition("::")
            if number > 0 and hidden.strip():
                inside.add(number)
            if not open_deletions:
                numbers |= inside
                inside.clear()
    return numbers


def has_first_deletion(cloze_field: str) -> bool:
    """Tell whether a field from ``to_cloze_field`` has the ``{{c1::…}}`` that every cloze card must have."""
    return 1 in deletion_numbers(cloze_field)


def to_tag(path: Sequence[str]) -> str:
    """Return a topic's tag from the names that lead to it: ``analysis::mean_value_theorem``.

    Lower case, ``_`` for white space (which separates tags), ``::`` between parent and child only. A part never
    begins with a sign that spreadsheets take for the start of a formula.
    """
    return "::".join(_tag_part(name) for name in path)


def _escape(text: str) -> str:
    return _COMMAND_BRACKET.sub("&#91;", html.escape(text).replace("\n", "<br>"))


def _unbroken(formula: str) -> str:
    """Return a formula on one line, because MathJax does not look for formulas across ``<br>``."""
    return re.sub(r"\s*\n\s*", " ", formula)


def _tag_part(name: str) -> str:
    words = re.sub(r"[\s\"]+", "_", one_line(name).lower())
    return re.sub(r":{2,}", ":", words).lstrip("=+-@＝＋－＠#:_").rstrip(":_") or "topic"


def _guard_formula(formula: str) -> str:
    """Break ``}}`` and ``::`` by a space, except where they belong to a deletion that lies inside the formula.

    The end of such a deletion is found by counting LaTeX's own braces: ``{{c1::\\frac{a}{b}}}`` ends with the
    last two.
    """
    written: list[str] = []
    depths: list[int] = []  # LaTeX braces open in each deletion that is open, innermost last.
    previous = ""  # The character before, or nothing where it belongs to a deletion's own marks.
    position = 0
    while position < len(formula):
        opening = _OPENING.match(formula, position)
        if opening:
            written.append(opening.group())
            depths.append(0)
            previous = ""
            position = opening.end()
            continue
        if depths and depths[-1] == 0 and formula.startswith("}}", position):
            written.append(" }}" if previous == "}" else "}}")
            depths.pop()
            previous = ""
            position += 2
            continue
        # A command such as ``\}`` is one unit: its brace opens or closes nothing.
        unit = formula[position : position + 2] if formula[position] == "\\" else formula[position]
        if depths:
            depths[-1] += {"{": 1, "}": -1}.get(unit, 0)
        written.append(f" {unit}" if unit in ("}", ":") and unit == previous else unit)
        previous = unit[-1]
        position += len(unit)
    return "".join(written)
