"""Tells formulas from prose, because the text layer of a document cannot be trusted for formulas.

A text layer drops glyphs silently: the root in ``f/√2`` vanishes and ``f/2`` remains. A quote of such text therefore
does not count as verified.
"""

import re

# Arrows, plus, less-than, greater-than and the micro sign of units also occur in prose, so they are left out.
_MATH_CHARACTERS = re.compile(
    "[\u00ac\u00b1\u00d7\u00f7"  # not, plus-minus, times, divided by
    "\u00b2\u00b3\u00b9\u2070-\u209f"  # superscripts and subscripts
    "\u00bc-\u00be\u2150-\u215f"  # fractions
    "\u0370-\u03bb\u03bd-\u03ff\u1f00-\u1fff"  # Greek, without the mu of units
    "\u2044\u2102\u2107\u210a-\u2115\u2118-\u211d\u2124\u2128\u212c-\u2131"  # letter-like symbols
    "\u2200-\u22ff\u2300-\u230b\u239b-\u23b7\u27c0-\u27ef\u2980-\u2aff"  # mathematical operators, brackets
    "\U0001d400-\U0001d7ff"  # mathematical letters
    "\ue000-\uf8ff\ufffd]"  # glyphs without a known character
    "|\u03bc(?![A-Za-z])"
)
_LATEX = re.compile(r"\\[A-Za-z]{2,}(?:\b|_)(?![\\/.])|\\[()\[\]]|\$[^$\s][^$\n]*[\\^_=][^$\n]*\$")
_NOTATION = re.compile(
    r"[\w)\]}]\^[\w({+-]"  # x^2
    r"|(?<![\w-])[A-Za-z]_(?:\w(?!\w)|[{(])"  # f_T, but not g_free
    r"|(?<!\w)[A-Za-z](?:\([A-Za-z](?:, ?[A-Za-z])*\))? ?[=≠] ?[\w(+-]"  # y = 2, f(x)=y
    r"|[\w)\]] = [\w(\[+-]"  # a = b
    r"|(?<![\w.])\d+ ?[*/] ?[A-Za-z](?!\w)"  # 2*x
)
# Raised and lowered text, comparisons and fractions, as a page of text version 2 carries them.
_RELIABLE = re.compile(
    r"[\^_]\{[^{}\n]{1,40}\}|[\u00b1\u00d7\u00f7\u00b2\u00b3\u00b9\u00bc-\u00be\u2044\u2070-\u209c\u2150-\u215f\u2248\u2260\u2264\u2265]"
)
_SYMBOL = re.compile(r"[+*<>=|~^_{}\\#@$&]")
_MAX_PROSE_SYMBOL_SHARE = 0.12


def is_formula_like(text: str) -> bool:
    """Whether a text contains a formula; numbers, percentages, dates and units alone do not count."""
    if _MATH_CHARACTERS.search(text) or _LATEX.search(text) or _NOTATION.search(text):
        return True
    written = len("".join(text.split()))
    return written > 0 and len(_SYMBOL.findall(text)) / written > _MAX_PROSE_SYMBOL_SHARE


def without_reliable_notation(text: str) -> str:
    """Return text of a page without the notation of formulas that its readers do not lose."""
    return _RELIABLE.sub("", text)
