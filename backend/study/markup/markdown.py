"""Item texts in CommonMark: escaped, so that none of them can bring in HTML, links or structure.

A formula is written as ``$`` + code + ``$``, which GitHub and GitLab set as mathematics and every other reader shows as
code: the one form in which LaTeX is unchanged and still cannot become markup.
"""

import re
from string import ascii_uppercase

from backend.study.markup.plain_text import clean_text, one_line, split_formulas

# Punctuation that can start something in the middle of a line; ``&``, ``<`` and ``>`` as entities, which hold
# in readers that know no backslash escapes too.
_MARKDOWN_MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}~|$!"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_BLOCK_START = re.compile(r"^(\d*)([#+\-=.)])")


def letter(index: int) -> str:
    """Return what an option is called by its place: A, B, …."""
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index + 1)


def to_paragraph(text: str) -> str:
    """Return a text of several lines as one paragraph with hard line breaks."""
    lines = (to_line(line) for line in _formulas_on_one_line(clean_text(text)).split("\n"))
    return "\\\n".join(line for line in lines if line)


def _formulas_on_one_line(text: str) -> str:
    return "".join(one_line(piece) if is_formula else piece for piece, is_formula in split_formulas(text))


def to_line(text: str) -> str:
    """Return a text as one line of Markdown in which only its formulas have a meaning."""
    line = "".join(
        _formula(piece) if is_formula else escape(piece) for piece, is_formula in split_formulas(one_line(text))
    )
    return _BLOCK_START.sub(r"\1\\\2", line)


def escape(text: str) -> str:
    """Return one line of text in which nothing has a meaning, not even a formula."""
    return text.translate(_MARKDOWN_MARKS)


def _formula(formula: str) -> str:
    latex = formula[2:-2].strip()
    # A backtick would end the code; a formula with one, which LaTeX hardly knows, is shown as ordinary text.
    return escape(formula) if "`" in latex or not latex else f"$`{latex}`$"
