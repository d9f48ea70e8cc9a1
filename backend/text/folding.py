"""Folding maps text that differs only in typography or notation to one spelling, with a way back to the original.

Text layers of documents contain ligatures, words broken at line ends and curly quotes; language models write plain
characters. Folding maps both to the same text: Unicode NFKC (UAX 15), case folding, plain quotes and dashes, ligatures
taken apart, hyphens between letters and all invisible characters dropped, white space collapsed to one space. Units
behind a number keep their capitals (5 MW, 5 mW).

What carries meaning stays. Raised text in any notation (``10²³``, ``10^23``, ``10^(23)``, ``10<sup>23</sup>``) becomes
``10^{23}`` and lowered text ``_{…}``; fractions stay apart from the number before them; circled numbers get brackets.
Of the notation of pages (docs/page-text.md), the signs of headings, the fences of code, the bars between cells, the
marks of notes and the delimiters of formulas are dropped. The bar between two rows stays, so no quote runs over it.
"""

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from backend.text.invisible import INVISIBLE, SOFT_HYPHEN, VARIATION_SELECTORS

_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_INVISIBLE = INVISIBLE + SOFT_HYPHEN + VARIATION_SELECTORS
_LETTER = r"[^\W\d_]"
_SOFT = "[\u00ad\ufffe]"


def _characters_with(tag: str) -> str:
    ranges = (range(0xA0, 0x3200), range(0xA69C, 0xAB70))
    return "".join(
        chr(code) for codes in ranges for code in codes if unicodedata.decomposition(chr(code)).startswith(tag)
    )


_RAISED = _characters_with("<super>")
_LOWERED = _characters_with("<sub>")
_SHIFTED = r"[-+\u2212\u2013]?(?:\d+(?:[.,]\d+)?|[^\W\d_](?![^\W_]))"

# Characters not matched here (ASCII and the Latin-1 letters except ß and æ) fold to themselves in lower case, one to
# one. That keeps the loop below short: it only sees line ends, typography and notation.
_CLUSTER = rf"(?P<cluster>[^\s{_INVISIBLE}][{_MARKS}]+)"
_NOTATION = (
    r"(?P<fence>(?:^|\s*\n)[ \t]*`{3,}\w*[ \t]*(?=\n|\Z))"
    r"|(?P<bar> ?\|[ \t|]*(?:\n(?:[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*(?:\n|\Z))?(?:[ \t]*\|[ \t]*)?)?)"
    r"|(?P<heading>(?:^|(?<=\n))[ \t]*#{1,6}[ \t]+)"
    r"|(?P<note> ?\[\^[^\[\]\s]{1,12}\](?::(?=\s))?)"
    r"|(?P<raise><[sS][uU][pP]>)|(?P<lower><[sS][uU][bB]>)|(?P<level></[sS][uU][pPbB]>)"
    r"|(?P<degree>\^\\circ(?![A-Za-z])|\^\{\\circ\})"
    rf"|(?P<shift>\^(?:{_SHIFTED}|\([^(){{}}\n]{{1,40}}\))|(?<=[^\W_])_(?:{_SHIFTED}|\([^(){{}}\n]{{1,40}}\)))"
    r"|(?P<ordinal>(?<=\d)\^\{(?:[sS][tT]|[nN][dD]|[rR][dD]|[tT][hH]|[eE][rR]|[èÈ][rRmM][eE])\})"
    r"|(?P<delimiter>\\[()\[\]])|(?P<thin>\\[,;:!])|(?P<command>\\[A-Za-z]+)|(?P<dollar>\${1,2})"
    rf"|(?P<up>[{_RAISED}]+)|(?P<down>[{_LOWERED}]+)"
)
_SPECIAL = (
    rf"{_NOTATION}|(?P<join>{_SOFT}\s*(?={_LETTER})|(?<={_LETTER}{{2}})[-\u2010\u2011]\s*(?={_LETTER}{{2}}))"
    rf"|(?P<gone>[{_INVISIBLE}]+)"
    rf"|(?P<space>[^\S ][\s{_INVISIBLE}]*| [\s{_INVISIBLE}]+)"
    r"|(?P<other>[^\x00-\x7fÀ-ÅÇ-ÖØ-Þà-åç-öø-ÿ])"
)
_WITH_MARKS = re.compile(f"{_CLUSTER}|{_SPECIAL}")
# Looking for a mark after every character takes half of the time, and most texts have none. Nor is anything looked for
# at an ordinary character, or at one space before it.
_ORDINARY = r"!\"%-,./-;=-Z\]a-{}~À-ÅÇ-ÖØ-Þà-åç-öø-ÿ"
_WITHOUT_MARKS = re.compile(rf"(?! ?[{_ORDINARY}])(?:{_SPECIAL})")
_MARK = re.compile(f"[{_MARKS}]")

_SINGLE_QUOTES = "‘’‚‛′`´ʼ＇"
_DOUBLE_QUOTES = "“”„‟″«»〝〞＂"
_DASHES = "‐‑‒–—―−﹘﹣－"
_PLAIN = {
    **dict.fromkeys(_SINGLE_QUOTES, "'"),
    **dict.fromkeys(_DOUBLE_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys("œŒ", "oe"),
    **dict.fromkeys("æÆ", "ae"),
    "‹": "'",
    "›": "'",
    "⁄": "/",
    "⋅": "·",
    "∙": "·",
    "⩽": "≤",
    "⩾": "≥",
}
_COMMANDS = {
    r"\times": "×",
    r"\cdot": "·",
    r"\pm": "±",
    r"\le": "≤",
    r"\leq": "≤",
    r"\ge": "≥",
    r"\geq": "≥",
    r"\ne": "≠",
    r"\neq": "≠",
    r"\approx": "≈",
    r"\mu": "μ",
    r"\degree": "°",
    r"\infty": "∞",
}
_FIXED = {"raise": "^{", "lower": "_{", "level": "}", "degree": "°", "thin": " "}
_DROPPED = frozenset({"join", "gone", "fence", "heading", "delimiter"})
_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
# Units that only a capital tells apart: MW and mW, MHz and mHz, K and k. Litres are written either way.
_UNIT = re.compile(
    r"[0-9)}] ?(?P<unit>[mptgknμ]?(?:[gmsknjwvcfsthabtmω]|hz|pa|wh|bq|gy|sv|ev|mol|bit|bar|ohm)|ml|[pt]b)(?![^\W_])"
)
# A closing sign follows no white space and precedes no digit, as in pandoc: "$5 and $6" is money.
_DOLLARS = re.compile(r"(?<!\\)(?:\$\$[^$]+\$\$|\$(?=[^\s$])[^$\n]*(?<=[^\s$])\$(?![\d$]))")

# Copying a part of an array takes a tenth of the time that counting takes.
_OFFSETS = array("I", range(8192))


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; ``starts`` and ``ends`` hold the original offsets of each of its characters.

    Offsets are code points; both arrays never decrease and are as long as ``text``.
    """

    text: str
    starts: "array[int]"
    ends: "array[int]"

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original offsets of ``text[start:end]``. Raises ValueError if that is empty or out of range."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"no such span: {start}:{end}")
        return self.starts[start], self.ends[end - 1]


def fold(text: str, formulas: Iterable[tuple[int, int]] | None = None) -> Folded:
    """Fold a text and keep the map to its original offsets. Takes under a millisecond for 3,000 characters.

    ``formulas`` are the spans of formulas with their ``$``. Without them, pairs of ``$`` that enclose a formula by
    their place are taken for such.
    """
    delimiters = _delimiters(text, formulas) if "$" in text else frozenset()
    rows = [row.span() for row in _ROW.finditer(text)] if "|" in text else []
    offsets = _OFFSETS if len(text) < len(_OFFSETS) else array("I", range(len(text) + 1))
    pieces: list[str] = []
    starts = array("I")
    ends = array("I")
    position = 0
    last = ""  # The last piece.
    unusual = _WITH_MARKS if _MARK.search(text) else _WITHOUT_MARKS
    for match in unusual.finditer(text):
        start, end = match.span()
        if start > position:
            if text[position] == " " and last[-1:] == " ":
                position += 1
                ends[-1] = position
            if start > position:
                last = text[position:start].lower()
                pieces.append(last)
                starts.extend(offsets[position:start])
                ends.extend(offsets[position + 1 : start + 1])
        position = end
        kind = match.lastgroup
        if kind == "space":
            folded = " "
        elif kind in _DROPPED or (kind == "dollar" and start in delimiters):
            continue
        elif kind == "other":
            folded = _PLAIN.get(text[start]) or _fold_other(text[start], text[start - 1 : start], text[end : end + 1])
        elif kind == "bar":
            folded = _fold_bar(match, rows)
        else:
            folded = _fold_token(match.group(), kind, text[start - 1 : start], text[end : end + 1])
        # A lone accent folds to a space with a mark on it; that space may follow an existing one.
        if folded[:1] == " " == last[-1:]:
            folded = folded[1:]
            ends[-1] = end
        if folded:
            last = folded
            pieces.append(folded)
            starts.extend([start] * len(folded))
            ends.extend([end] * len(folded))
    if position < len(text) and text[position] == " " and last[-1:] == " ":
        position += 1
        ends[-1] = position
    pieces.append(text[position:].lower())
    starts.extend(offsets[position : len(text)])
    ends.extend(offsets[position + 1 : len(text) + 1])
    return Folded(_with_units("".join(pieces), starts, text), starts, ends)


@lru_cache(maxsize=256)
def fold_text(text: str) -> str:
    """Fold a text without its offsets. Cached, because each check of an item asks for the same few texts."""
    return fold(text).text


def letters_of_formula(text: str) -> str:
    """Return the letters of a text with their case, without the commands that folding writes as signs."""
    plain = re.sub(r"\\[A-Za-z]+", lambda command: "" if command.group() in _COMMANDS else command.group(), text)
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKC", plain)))


def _with_units(folded: str, starts: "array[int]", text: str) -> str:
    """Return the folded text with the capitals of units."""
    capitals = [
        at
        for unit in _UNIT.finditer(folded)
        for at in range(*unit.span("unit"))
        if text[starts[at]].isupper() and text[starts[at]].lower() == folded[at] != "l"
    ]
    if not capitals:
        return folded
    characters = list(folded)
    for at in capitals:
        characters[at] = folded[at].upper()
    return "".join(characters)


def _delimiters(text: str, formulas: Iterable[tuple[int, int]] | None) -> frozenset[int]:
    """Return where the ``$`` or ``$$`` of formulas are."""
    if formulas is None:
        formulas = (match.span() for match in _DOLLARS.finditer(text))
    found = set()
    for start, end in formulas:
        found |= {start, end - 2 if text.startswith("$$", start) else end - 1}
    return frozenset(found)


def _fold_bar(match: re.Match[str], rows: list[tuple[int, int]]) -> str:
    """Fold a bar in a row of a table: between two cells to a space, between two rows to one bar.

    An empty cell leaves two bars, so that no quote passes over it.
    """
    bars = match.group()
    bar = match.start() + bars.index("|")
    at = bisect_right(rows, (bar, len(match.string))) - 1
    if at < 0 or bar >= rows[at][1]:
        return " ".join(re.split(r"\s+", bars))
    if match.end() >= rows[at][1]:
        return " | "
    opens = bar == match.string.index("|", rows[at][0])
    if bars.count("|") > 1:
        return "| || " if opens else " || "
    return "| " if opens else " "


def _fold_token(token: str, kind: str | None, before: str, after: str) -> str:
    folded = _FIXED.get(kind or "")
    if folded is not None:
        return folded
    if kind == "note":
        # A number may go on behind the mark only if the note was part of it.
        return " " if before.isdigit() and after.isdigit() else ""
    if kind == "shift":
        inner = token[1:]
        return f"{token[0]}{{{fold(inner[1:-1] if inner.startswith('(') else inner).text.strip()}}}"
    if kind in {"up", "down"}:
        plain = "".join(_PLAIN.get(sign, sign) for sign in unicodedata.normalize("NFKC", token).casefold())
        return f"{'^' if kind == 'up' else '_'}{{{plain}}}"
    if kind in {"command", "ordinal", "dollar"}:
        return token[2:-1].lower() if kind == "ordinal" else _COMMANDS.get(token, token.lower())
    return _fold_cluster(token)


def _fold_other(character: str, before: str, after: str) -> str:
    folded = _fold_cluster(character)
    # NFKC alone would make 21/2 of two and a half.
    if unicodedata.decomposition(character).startswith("<fraction>"):
        folded = f"{' ' if before.isdigit() else ''}{folded}{' ' if after.isdigit() else ''}"
    return folded


@lru_cache(maxsize=1024)
def _fold_cluster(cluster: str) -> str:
    """Fold one character together with its marks."""
    plain = _PLAIN.get(cluster)
    if plain is not None:
        return plain
    compatible = "".join(map(_expand, cluster))
    folded = unicodedata.normalize("NFKC", compatible)
    # Signs such as ㎿ and ㎽ are units, which only a capital tells apart.
    if not unicodedata.decomposition(cluster[0]).startswith("<square>"):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return "".join(_PLAIN.get(character, character) for character in folded)


@lru_cache(maxsize=1024)
def _expand(character: str) -> str:
    """Take a character apart as NFKC does, but keep what is raised, lowered or in a circle apart."""
    kind, *codes = unicodedata.decomposition(character).split() or [""]
    if not kind.startswith("<"):
        return character
    inner = "".join(_expand(chr(int(code, 16))) for code in codes)
    match kind:
        case "<super>":
            return f"^{{{inner}}}"
        case "<sub>":
            return f"_{{{inner}}}"
        case "<circle>":
            return f"({inner})"
    return inner
