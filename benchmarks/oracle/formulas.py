"""Formulas in LaTeX without what can be written in several ways and looks the same."""

import re
import unicodedata

from backend.library.extraction.formulas.latex import mathematics

_LAYOUT = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|middle|displaystyle|textstyle|limits|nolimits|q?quad|mspace\{[^}]*\}|nonumber"
    r"|label\{[^}]*\}|notag|(?:begin|end)\{(?:aligned|align|split|gathered|equation)\*?\})(?![A-Za-z])"
    r"|\\[,;:!> ]|~|[\^_]\{\s*\}"
)
_WORDS = re.compile(
    r"\\(?:text(?:rm|it|bf|tt)?|math(?:rm|it|bf|tt|sf|normal|cal|scr|bb|frak|bin|rel|ord|op)|operatorname\*?|boldsymbol|mbox|dot)"
    r"(?![A-Za-z])"
)
_FUNCTION = re.compile(
    r"\\(?=(?:arc)?(?:sin|cos|tan|cot)h?\b|(?:sec|csc|exp|ln|log|lim|max|min|sup|inf|det|gcd|mod|Pr)\b)"
)
_FENCES = (
    ("\\lbrack", "["),
    ("\\rbrack", "]"),
    ("\\lbrace", "\\{"),
    ("\\rbrace", "\\}"),
    ("\\vert", "|"),
    ("\\mid", "|"),
)
_SAME = (("\\le", "\\leq"), ("\\ge", "\\geq"), ("\\ne", "\\neq"), ("\\to", "\\rightarrow"), ("\\dots", "\\ldots"))
_ACCENTS = (("\\overline", "\\bar"), ("\\widehat", "\\hat"), ("\\widetilde", "\\tilde"))
_NEW_LINE = "\N{PILCROW SIGN}"


def plain_formula(latex: str) -> str:
    """Return a formula's signs in their order, without blanks, braces, sizes and fonts."""
    shown = unicodedata.normalize("NFKC", latex.strip().strip("$"))
    shown = re.sub(r"^\\[(\[]|\\[)\]]$", "", shown).replace("\\\\", _NEW_LINE)
    shown = "".join(mathematics(sign) if ord(sign) > 127 and sign != _NEW_LINE else sign for sign in shown)
    shown = _FUNCTION.sub("", _WORDS.sub("", _LAYOUT.sub("", shown)))
    for written, meant in (*_FENCES, *_SAME, *_ACCENTS):
        shown = meant.join(re.split(re.escape(written) + r"(?![A-Za-z])", shown))
    return re.sub(r"(?<!\\)[{}]|\s", "", shown)
