"""Converts item texts to CommonMark, escaped so that they cannot add HTML, links or structure.

A formula is written as ``$`` + code + ``$``. GitHub and GitLab render it as mathematics, and other readers show it as
code. In this form LaTeX needs no changes and cannot become markup.
"""

import re
from string import ascii_uppercase

from backend.study.markup.plain_text import clean_text, one_line, split_formulas

# Punctuation that can start markup in the middle of a line. ``&``, ``<`` and ``>`` become entities, because some
# readers do not support backslash escapes.
_MARKDOWN_MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}~|$!"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_BLOCK_START = re.compile(r"^(\d*)([#+\-=.)])")


def letter(index: int) -> str:
    """Return the letter of the option at an index: A, B, …."""
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index + 1)


def to_paragraph(text: str) -> str:
    """Return a text of several lines as one paragraph with hard line breaks."""
    lines = (to_line(line) for line in _formulas_on_one_line(clean_text(text)).split("\n"))
    return "\\\n".join(line for line in lines if line)


def _formulas_on_one_line(text: str) -> str:
    return "".join(one_line(piece) if is_formula else piece for piece, is_formula in split_formulas(text))


def to_line(text: str) -> str:
    """Return a text as one line of Markdown, escaped except for its formulas."""
    line = "".join(
        _formula(piece) if is_formula else escape(piece) for piece, is_formula in split_formulas(one_line(text))
    )
    return _BLOCK_START.sub(r"\1\\\2", line)


def escape(text: str) -> str:
    """Return one line of text, escaped including its formulas."""
    return text.translate(_MARKDOWN_MARKS)


def _formula(formula: str) -> str:
    latex = formula[2:-2].strip()
    # A backtick would end the code. It is rare in LaTeX, so a formula with one is shown as ordinary text.
    return escape(formula) if "`" in latex or not latex else f"$`{latex}`$"
