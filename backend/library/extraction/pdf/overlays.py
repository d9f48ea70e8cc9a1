"""Signs that are drawn over others: the accents of old LaTeX fonts, and the strokes that negate a relation.

A letter's box tells which accent belongs to it. Boxes are asked for only in lines that have such a sign.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import pypdfium2

from backend.library.extraction.pdf.lines import ACCENTS, Line
from backend.library.extraction.pdf.runs import Run, char_box, turned

_STROKES = frozenset("\u0338/")
_RELATIONS = frozenset("=∈∋≡⊂⊃⊆⊇≤≥∼≃≈≅←→↔⇒⇔∃∣∥<>⊢⊨")
_DOTLESS = {"ı": "i", "ȷ": "j"}
_SIGN = re.compile(f"[{''.join(ACCENTS)}\u0338/]")
# The stroke and the foot of an arrow have no Unicode name in Computer Modern's symbols; their codes are digits.
_SYMBOL_FONTS = ("cmsy", "lmmathsymbols", "cmbsy")
_SYMBOL_STROKE, _ARROW_FOOT = "6", "7"


@dataclass(slots=True)
class _Sign:
    run: Run
    at: int
    char: str
    left: float
    right: float
    bottom: float
    top: float

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def compose_overlays(lines: list[Line], textpage: pypdfium2.PdfTextPage) -> None:
    """Put accents on their letters and strokes through their signs, in the texts of the runs."""
    for line in lines:
        if any(_may_have_overlays(run) for run in line.runs):
            _compose(line, textpage.raw)


def _may_have_overlays(run: Run) -> bool:
    if _SIGN.search(run.text):
        return True
    return run.font.name.startswith(_SYMBOL_FONTS) and (_SYMBOL_STROKE in run.text or _ARROW_FOOT in run.text)


def _compose(line: Line, page: Any) -> None:
    signs = [sign for run in line.runs if run.count == len(run.text) for sign in _signs(run, page)]
    if not signs:
        return
    new: dict[int, list[str]] = {id(run): list(run.text) for run in line.runs}
    for sign in signs:
        if sign.char in ACCENTS:
            other = _covered(
                sign, [each for each in signs if each.char.isalpha() or each.char in _DOTLESS], sign.middle
            )
            mark = ACCENTS[sign.char]
        elif _is_stroke(sign):
            other = _covered(sign, [each for each in signs if each.char in _RELATIONS], sign.middle)
            mark = "\u0338"
        elif sign.char == _ARROW_FOOT and sign.run.font.name.startswith(_SYMBOL_FONTS):
            _join_arrow(sign, signs, new)
            continue
        else:
            continue
        if other is None:
            continue
        letters = new[id(other.run)]
        letter = _DOTLESS.get(other.char, letters[other.at])
        letters[other.at] = unicodedata.normalize("NFC", letter + mark)
        new[id(sign.run)][sign.at] = ""
        _drop_blank(sign, other, new[id(sign.run)])
    for run in line.runs:
        run.text = "".join(new[id(run)])
    line.runs[:] = [run for run in line.runs if run.text] or line.runs[:1]


def _signs(run: Run, page: Any) -> list[_Sign]:
    signs = []
    for at, char in enumerate(run.text):
        box = char_box(page, run.first + at) if not char.isspace() else None
        if box is not None:
            corners = [turned(x, y, run.angle) for x in box[::2] for y in box[1::2]]
            places, heights = [place for place, _ in corners], [height for _, height in corners]
            signs.append(_Sign(run, at, char, min(places), max(places), min(heights), max(heights)))
    return signs


def _is_stroke(sign: _Sign) -> bool:
    if sign.char == _SYMBOL_STROKE:
        return sign.run.font.name.startswith(_SYMBOL_FONTS)
    return sign.char in _STROKES


def _covered(sign: _Sign, others: list[_Sign], place: float) -> _Sign | None:
    """Return the sign whose box holds a place, the nearest if there are several."""
    held = [each for each in others if each.left - 0.3 <= place <= each.right + 0.3 and each is not sign]
    return min(held, key=lambda each: abs(each.middle - place), default=None)


def _join_arrow(sign: _Sign, signs: list[_Sign], new: dict[int, list[str]]) -> None:
    arrow = next(
        (each for each in signs if each.char == "→" and abs(each.left - sign.left) < each.right - each.left), None
    )
    if arrow is not None:
        new[id(arrow.run)][arrow.at] = "↦"
        new[id(sign.run)][sign.at] = ""


def _drop_blank(sign: _Sign, other: _Sign, letters: list[str]) -> None:
    """Move the blank before a sign that has gone to what follows it, or drop it if nothing of its word does."""
    is_before = sign.run.first + sign.at < other.run.first + other.at
    if not "".join(letters).strip():
        if is_before and not other.at:
            other.run.before = other.run.before or sign.run.before
    elif sign.at and letters[sign.at - 1] == " " and not is_before:
        letters[sign.at - 1] = ""
