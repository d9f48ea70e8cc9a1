"""What one token of MathML (an identifier, a number, an operator or text) is in LaTeX."""

import re
from typing import Final

from backend.library.extraction.formulas.latex import FUNCTIONS, mathematics, styled, upright, words

LIMITS: Final = frozenset({"lim", "liminf", "limsup", "max", "min", "sup", "inf", "det", "gcd", "Pr"})
"""Functions whose lower script stands below them."""

BIG_OPERATORS: Final = frozenset("∑∏∐∫∬∭∮∯∰⋀⋁⋂⋃⨀⨁⨂⨄⨆")
"""Signs whose scripts are their bounds."""

_VARIANTS: Final = {
    "normal": "mathrm", "bold": "mathbf", "bold-italic": "boldsymbol", "double-struck": "mathbb",
    "fraktur": "mathfrak", "bold-fraktur": "mathfrak", "script": "mathcal", "bold-script": "mathcal",
    "sans-serif": "mathsf", "bold-sans-serif": "mathsf", "monospace": "mathtt",
}  # fmt: skip


def signs(text: str) -> str:
    """Return signs and letters in LaTeX, each by itself."""
    return mathematics(" ".join(text.split()))


def identifier(text: str, variant: str | None) -> str:
    """Return a variable or the name of a function."""
    name = text.strip()
    command = _VARIANTS.get(variant or "", "")
    if len(name) > 1 and name.isalpha():
        # Several letters are one upright name.
        return styled(name, command) if command not in ("", "mathrm") else upright(name)
    return styled(name, command) if command and name.isalpha() else signs(name)


def number(text: str, variant: str | None) -> str:
    """Return a number as it is written; a thin space divides its groups."""
    latex = r"\,".join(signs(group) for group in text.split())
    command = _VARIANTS.get(variant or "", "")
    return f"\\{command}{{{latex}}}" if latex and command not in ("", "mathrm") else latex


def operator(text: str) -> str:
    """Return an operator: a sign, or a word such as "mod"."""
    name = text.strip()
    if len(name) > 1 and name.isascii() and name.isalpha():
        return f"\\{name}" if name in FUNCTIONS else f"\\operatorname{{{name}}}"
    return signs(name)


def text_in_formula(text: str) -> str:
    """Return words inside a formula; blanks at their ends stay, because formulas have none of their own."""
    inner = re.sub(r"\s+", " ", text)
    if not inner.strip():
        return r"\ " if inner else ""
    return words(inner)
