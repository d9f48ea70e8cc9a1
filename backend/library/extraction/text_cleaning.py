"""Produces the final text of a page: what readers see, with words rejoined that a line end split.

Offsets of evidence point into this text, so cleaning happens here, once, and nowhere later. Characters that
readers see stay as they are (typographic quotes, ligatures, no-break spaces): code that compares quotes
folds both sides.
"""

import re
import unicodedata

from backend.text.invisible import INVISIBLE, LINE_ENDS

# The noncharacters that mark spans stay until ``page_text`` resolves them. A lookahead would be five times as slow.
_MARKS = "\ufdd0-\ufdef"
_HIDDEN = re.compile(f"[{INVISIBLE.replace(_MARKS, '')}]")
_LINE_END = re.compile(f"[{LINE_ENDS}]")
_BLANK_LINES = re.compile("\n{3,}")

# PDFium writes U+FFFE (in some calls U+0002) for a hyphen at a line end, and drops the line end.
_LINE_END_HYPHEN = re.compile("[\ufffe\x02]|(?<=[^\\W\\d_])[-\u2010\u00ad][ \t]*\n[ \t]*(?=[^\\W\\d_])")
_HYPHEN_SIGNS = ("\ufffe", "\x02", "-\n", "\u2010\n", "\u00ad\n")
_LAST_LETTERS = re.compile(r"[^\W\d_]+$")
_FIRST_LETTERS = re.compile(r"[^\W\d_]+")
_MAX_WORD_CHARS = 60

# "Vor- und Nachteile": the hyphen replaces a part of the word that follows later.
_AFTER_SUSPENDED_HYPHEN = frozenset({"und", "oder", "bzw", "sowie", "bis", "and", "or", "to"})
# Hyphenation never splits words at these parts, but compounds have them: "self-contained", "built-in".
_COMPOUND_STARTS = frozenset({"self", "non", "well"})
_COMPOUND_ENDS = frozenset({"at", "by", "in", "of", "off", "on", "out", "to", "up"})


def clean_text(raw: str) -> tuple[str, int]:
    """Return the final text of ``raw`` and how many hidden characters were removed."""
    text, hidden = clean_prose(raw)
    return text.strip(), hidden


def clean_prose(raw: str) -> tuple[str, int]:
    """Do the same to a piece of a text, whose white space at the ends stays."""
    # Each step first checks whether it is needed: on most pages a plain search is enough.
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii() or "\x0b" in text or "\x0c" in text:
        text = _LINE_END.sub("\n", text)
    if " \n" in text or "\t\n" in text:
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    if any(sign in text for sign in _HYPHEN_SIGNS):
        text = _LINE_END_HYPHEN.sub(_join_line_end, text)
    if not text.isascii():
        # A soft hyphen inside a line is legitimate: it marks where the word may be broken, and is not shown.
        text = unicodedata.normalize("NFC", text.replace("\u00ad", ""))
    text, hidden = _HIDDEN.subn("", text)
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text, hidden


def clean_verbatim(raw: str) -> tuple[str, int]:
    """Do less to code and formulas: only hidden characters go, and line ends and letters take one form."""
    text = _LINE_END.sub("\n", raw.replace("\r\n", "\n").replace("\r", "\n"))
    return _HIDDEN.subn("", unicodedata.normalize("NFC", text))


def clean_line(raw: str, max_chars: int = 200) -> str:
    """Return ``raw`` cleaned, on one line, cut after ``max_chars`` characters; for headings."""
    return " ".join(clean_text(raw)[0].split())[:max_chars]


def _join_line_end(match: re.Match[str]) -> str:
    """Return what joins the two parts of a word split by a line end: nothing, a hyphen, or more."""
    text, sign = match.string, match.group()
    before = text[max(0, match.start() - _MAX_WORD_CHARS) : match.start()]
    after = text[match.end() : match.end() + _MAX_WORD_CHARS]
    left_letters, right_letters = _LAST_LETTERS.search(before), _FIRST_LETTERS.match(after)
    if left_letters is None or right_letters is None:
        return "-" if before[-1:].isalnum() and after[:1].isalnum() else "-\n"
    if sign[0] == "\u00ad":
        return ""
    left, right = left_letters.group(), right_letters.group()
    rest = after[len(right) :]
    if right in _AFTER_SUSPENDED_HYPHEN and not rest.startswith("-"):
        return "- "
    return "-" if _is_compound(left, right, rest, before.split()[-1]) or f"{left}-{right}" in text else ""


def _is_compound(left: str, right: str, rest: str, token: str) -> bool:
    """Whether the hyphen belongs to the word. ``token`` is the text between the last space and the hyphen."""
    if not right.islower() or len(left) < 2 or (left.isupper() and len(left) > 1):
        return True  # Ost-West, e-mail, DNA-haltig
    if left.lower() in _COMPOUND_STARTS or right in _COMPOUND_ENDS:
        return True
    if rest.startswith("-") and len(right) <= 3:
        return True  # state-of-the-art
    if token.startswith("-") or any(sign in token for sign in "/@_=\\"):
        return True  # command options, addresses, file names
    return "-" in token and len(left) <= 3  # day-to-day
