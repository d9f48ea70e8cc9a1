"""The notation of a page's text, which is light Markdown.

Readers put a page together with these functions. What has a kind (a heading, a table, code, a formula) is enclosed in
marks: noncharacters, which no text of a user keeps (``remove_marks``). ``finish_text`` cleans the whole and turns the
marks into spans, so that every offset counts the final text. Marks nest: a table's cell may hold a formula.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.library.extraction.text_cleaning import clean_prose, clean_verbatim
from backend.library.types import Span, SpanKind

MISSING_FORMULA: Final = "[formula]"
"""Stands where a formula is known to be missing."""

UNREAD: Final = "[…]"
"""Stands, as uncertain text, where a scan has ink that was not read: a formula, a drawing or words."""

_MAX_LEVEL = 6
_HEADINGS = "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4\ufdd5"
_TABLE, _CODE, _FORMULA, _UNCERTAIN, _END = "\ufdd6", "\ufdd7", "\ufdd8", "\ufdd9", "\ufdda"
_KINDS: Final = {
    _TABLE: SpanKind.TABLE,
    _CODE: SpanKind.CODE,
    _FORMULA: SpanKind.FORMULA,
    _UNCERTAIN: SpanKind.UNCERTAIN,
    **dict.fromkeys(_HEADINGS, SpanKind.HEADING),
}
_MARK = re.compile("[\ufdd0-\ufdef]")
# Code and formulas hold nothing but their own text, so the first end is theirs.
_VERBATIM = re.compile(f"([{_CODE}{_FORMULA}][^{_END}]*{_END})")
_FENCE = re.compile("`{3,}")


@dataclass(frozen=True, slots=True)
class FinishedText:
    """The final text of a page, its spans in order of their starts, and how many hidden characters were removed."""

    text: str
    spans: tuple[Span, ...]
    hidden: int


def remove_marks(text: str) -> str:
    """Return text of a file without the characters that mark spans. Every reader does this to what it reads."""
    return _MARK.sub("", text) if _MARK.search(text) else text


def heading(text: str, level: int) -> str:
    """Return a heading of level 1 to 6; lower ones count as 6. Its text is put on one line."""
    level = min(max(level, 1), _MAX_LEVEL)
    return f"{_HEADINGS[level - 1]}{'#' * level} {' '.join(text.split())}{_END}"


def formula(latex: str, *, display: bool = False) -> str:
    """Return a formula in LaTeX, within ``$`` or, on lines of its own, ``$$``; nothing for a blank one."""
    latex = remove_marks(latex).strip()
    sign = "$$" if display else "$"
    return f"{_FORMULA}{sign}{latex}{sign}{_END}" if latex else ""


def code(text: str, language: str = "") -> str:
    """Return a block of code in a fence that is longer than any in it. Its indentation stays as it is."""
    text = remove_marks(text)
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(text))])
    return f"{_CODE}{fence}{language}\n{text.rstrip()}\n{fence}{_END}"


def table(rows: Sequence[Sequence[str]], *, has_header: bool = True) -> str:
    """Return a pipe table with every cell, also the empty ones; lines of a cell are joined with `` / ``.

    Short rows are filled up. Without a header the first line has empty cells, as Markdown wants one.
    """
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = [_row(row, width) for row in rows]
    if not has_header:
        lines.insert(0, _row([], width))
    lines.insert(1, "|" + " --- |" * width)
    return _TABLE + "\n".join(lines) + _END


def raised(text: str) -> str:
    """Return raised text: ``^{2}``. White space at its ends stays outside."""
    return _shifted("^", text)


def lowered(text: str) -> str:
    """Return lowered text: ``_{2}``. White space at its ends stays outside."""
    return _shifted("_", text)


def uncertain(text: str) -> str:
    """Return text that may be wrong. A quote that touches it proves nothing."""
    return f"{_UNCERTAIN}{text}{_END}" if text.strip() else text


def find_marked(text: str) -> list[tuple[int, int]]:
    """Return the outermost marked parts of a text, marks included, in order."""
    found, depth, start = [], 0, 0
    for match in _MARK.finditer(text):
        sign = match.group()
        if sign in _KINDS:
            start = start if depth else match.start()
            depth += 1
        elif sign == _END and depth:
            depth -= 1
            if not depth:
                found.append((start, match.end()))
    return found


def divide(marked: str, most: int) -> tuple[str, str] | None:
    """Divide code or a table between two lines, the first part at most ``most`` characters long if it can be.

    Returns None for what cannot be divided. A table's second part repeats its first line.
    """
    if marked[0] not in (_CODE, _TABLE):
        return None
    lines = marked[1:-1].split("\n")
    before, after = (lines[:1], lines[-1:]) if marked[0] == _CODE else (lines[:2], [])
    content = lines[len(before) : len(lines) - len(after)]
    if len(content) < 2:
        return None
    count, size = 0, sum(len(line) + 1 for line in before)
    while count < len(content) - 1 and (count == 0 or size + len(content[count]) < most):
        size += len(content[count]) + 1
        count += 1
    first, second = ("\n".join([*before, *part, *after]) for part in (content[:count], content[count:]))
    return marked[0] + first + _END, marked[0] + second + _END


def finish_text(raw: str) -> FinishedText:
    """Clean a page's text and resolve its marks. An unpaired mark is dropped."""
    parts, hidden = [], 0
    # Marks are not ASCII, and most pages are.
    for at, part in enumerate([raw] if raw.isascii() else _VERBATIM.split(raw)):
        cleaned, removed = clean_verbatim(part) if at % 2 else clean_prose(part)
        parts.append(cleaned)
        hidden += removed
    text = "".join(parts).strip()
    if text.isascii() or not _MARK.search(text):
        return FinishedText(text, (), hidden)
    return FinishedText(*_resolve(text), hidden)


def _resolve(text: str) -> tuple[str, tuple[Span, ...]]:
    pieces: list[str] = []
    spans: list[Span] = []
    open_marks: list[tuple[str, int]] = []
    size = last = 0
    for match in _MARK.finditer(text):
        pieces.append(text[last : match.start()])
        size += match.start() - last
        last = match.end()
        sign = match.group()
        if sign in _KINDS:
            open_marks.append((sign, size))
        elif sign == _END and open_marks:
            mark, start = open_marks.pop()
            if size > start:
                level = _HEADINGS.index(mark) + 1 if mark in _HEADINGS else None
                spans.append(Span(_KINDS[mark], start, size, level))
    pieces.append(text[last:])
    return "".join(pieces), tuple(sorted(spans, key=lambda span: (span.start, -span.end)))


def _row(cells: Iterable[str], width: int) -> str:
    shown = [" / ".join(filter(None, (" ".join(line.split()) for line in cell.splitlines()))) for cell in cells]
    shown += [""] * (width - len(shown))
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in shown)


def _shifted(sign: str, text: str) -> str:
    core = text.strip()
    if not core:
        return text
    start = text.index(core)
    return f"{text[:start]}{sign}{{{unicodedata.normalize('NFC', core)}}}{text[start + len(core) :]}"
