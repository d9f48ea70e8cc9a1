"""Puts accents that old LaTeX fonts draw beside their letters onto them, and joins negated signs."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from backend.library.extraction.pdf.characters import Box, Characters

_COMBINING: Final = {
    **dict.fromkeys("\u00a8", "\u0308"),
    **dict.fromkeys("\u00b4\u02ca", "\u0301"),
    **dict.fromkeys("`\u02cb", "\u0300"),
    **dict.fromkeys("^\u02c6", "\u0302"),
    **dict.fromkeys("~\u02dc", "\u0303"),
    **dict.fromkeys("\u00af\u02c9", "\u0304"),
    "\u02d8": "\u0306",
    "\u02d9": "\u0307",
    "\u02da": "\u030a",
    "\u02dd": "\u030b",
    "\u02c7": "\u030c",
    "\u00b8": "\u0327",
    "\u02db": "\u0328",
}
_ACCENT = re.compile("[" + re.escape("".join(_COMBINING)) + "\u0338/]")
_DOTLESS: Final = {"\u0131": "i", "\u0237": "j"}
_SLASHES: Final = "/\u0338"
# How far PDFium moves an accent that stands higher than its line.
_REACH: Final = 200
# Of the height of a letter: words are further apart.
_WORD_GAP: Final = 0.2


def compose(chars: Characters) -> None:
    """Join each spacing accent with the letter whose box holds its middle, and each stroke with the sign it negates."""
    for match in _ACCENT.finditer(chars.text):
        index = match.start()
        if chars[index] != match.group():
            continue
        if match.group() in _SLASHES:
            _negate(chars, index)
        else:
            _place(chars, index)


def _place(chars: Characters, index: int) -> None:
    accent = chars.box(index)
    if accent is None:
        return
    for other in _around(index, len(chars)):
        letter = _DOTLESS.get(chars[other], chars[other])
        if not letter.isalpha():
            continue
        joined = unicodedata.normalize("NFC", letter + _COMBINING[chars[index]])
        if len(joined) == 1 and _stands_on(accent, chars.box(other)):
            chars[other], chars[index] = joined, ""
            _drop_blank(chars, index)
            return


def _drop_blank(chars: Characters, index: int) -> None:
    """Drop the blank that PDFium put before an accent, at the end of a line or inside a word."""
    if not index or chars[index - 1] != " ":
        return
    before = chars.box(index - 2) if index > 1 and chars[index - 2].isalpha() else None
    after = chars.box(index + 1) if index + 1 < len(chars) and chars[index + 1].isalpha() else None
    if after is None or (before is not None and after[0] - before[2] < _WORD_GAP * (after[3] - after[1])):
        chars[index - 1] = ""


def _around(index: int, count: int) -> Iterable[int]:
    for distance in range(1, _REACH):
        if index + distance < count:
            yield index + distance
        if index - distance >= 0:
            yield index - distance


def _stands_on(accent: Box, letter: Box | None) -> bool:
    if letter is None:
        return False
    middle, height = (accent[0] + accent[2]) / 2, max(letter[3] - letter[1], 1.0)
    is_above = letter[1] <= accent[3] and accent[1] <= letter[3] + height
    is_near = accent[3] >= letter[1] - 0.6 * height
    return letter[0] <= middle <= letter[2] and is_above and is_near


def _negate(chars: Characters, index: int) -> None:
    following = index + 1
    if following >= len(chars) or not chars[following]:
        return
    joined = unicodedata.normalize("NFC", chars[following] + "\u0338")
    if len(joined) != 1 or chars[following].isalnum():
        return
    if chars[index] == "/":
        stroke, sign = chars.box(index), chars.box(following)
        if stroke is None or sign is None or not sign[0] <= (stroke[0] + stroke[2]) / 2 <= sign[2]:
            return
    chars[following], chars[index] = joined, ""
