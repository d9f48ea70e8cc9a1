"""Puts signs that are drawn beside the text where a reader sees them, before lines are made.

Old German LaTeX files draw a raised quotation mark low for an opening one, and lower the dots of umlauts. PDFium gives
such signs as lines of their own, often after the word they belong to. The raised and lowered letters in the names of
TeX and LaTeX mean nothing.
"""

from typing import Final

from backend.library.extraction.pdf.lines import ACCENTS
from backend.library.extraction.pdf.runs import Run

_LOW_QUOTES: Final = {"”": "„", "’": "‚"}
_REACH: Final = 6
_DRIFT: Final = 4 * _REACH
# Shares of the size of the sign.
_SAME_SIZE: Final = 0.15
_QUOTE_DROP: Final = (0.4, 0.75)
_QUOTE_GAP: Final = (-0.15, 0.45)
_ACCENT_RISE: Final = (-0.15, 0.35)
_BLANK: Final = 0.15
_LOGO_SHIFT: Final = (0.08, 0.4)


def settle_signs(runs: list[Run]) -> list[Run]:
    """Return the runs with low quotation marks before their words, and accents beside the letters they stand on.

    TeX and LaTeX are written in one line.
    """
    settled = list(runs)
    _level_logos(settled)
    for near, run in enumerate(runs):
        if run.text in _LOW_QUOTES or run.text in ACCENTS:
            # Others' moves have shifted it a little.
            start = max(near - _DRIFT, 0)
            at = next((at for at, each in enumerate(settled[start : near + _DRIFT], start) if each is run), None)
            if at is not None:
                (_settle_accent if run.text in ACCENTS else _settle_quote)(settled, at)
    return settled


def _level_logos(runs: list[Run]) -> None:
    for at in range(1, len(runs) - 1):
        before, run, after = runs[at - 1 : at + 2]
        is_named = run.text == "E" and before.text.endswith("T") and after.text.startswith("X")
        if is_named and _is_within((before.base - run.base) / before.size, _LOGO_SHIFT):
            _level(run, before)
            after.before = ""
            if at >= 3 and runs[at - 2].text == "A" and runs[at - 3].text.endswith("L"):
                letter = runs[at - 2]
                if _is_within((letter.base - before.base) / before.size, _LOGO_SHIFT):
                    _level(letter, before)
                    before.before = ""


def _level(letter: Run, beside: Run) -> None:
    letter.text, letter.before = letter.text.lower(), ""
    letter.base, letter.size = beside.base, beside.size


def _settle_quote(runs: list[Run], at: int) -> None:
    quote = runs[at]
    for place in _around(runs, at):
        word = runs[place]
        rise, gap = (word.base - quote.base) / quote.size, (word.left - quote.right) / quote.size
        if _is_within(rise, _QUOTE_DROP) and _is_within(gap, _QUOTE_GAP) and _are_alike(word, quote):
            quote.text, quote.base = _LOW_QUOTES[quote.text], word.base
            if place != at + 1:
                _take_out(runs, at)
                quote.before = word.before
                runs.insert(place if place < at else place - 1, quote)
            word.before = ""
            return


def _settle_accent(runs: list[Run], at: int) -> None:
    accent = runs[at]
    middle = (accent.left + accent.right) / 2
    for place in _around(runs, at):
        word = runs[place]
        rise = (accent.base - word.base) / accent.size
        if word.left <= middle <= word.right and _is_within(rise, _ACCENT_RISE) and _are_alike(word, accent):
            if place < at:
                _take_out(runs, at)
                accent.before = ""
                runs.insert(place + 1, accent)
                if at + 1 < len(runs) and runs[at + 1].before == " ":
                    # PDFium put it there because the accent ended earlier.
                    runs[at + 1].before = _blank_before(runs, at + 1, runs[at + 1])
            elif accent.before:
                accent.before = _blank_before(runs, at, word)
            return


def _blank_before(runs: list[Run], at: int, word: Run) -> str:
    """Return what stands before a run: no blank if the text before and its word are one."""
    before = next((run for run in reversed(runs[:at]) if run.text not in ACCENTS), None)
    if before is None or abs(before.base - word.base) > _SAME_SIZE * word.size:
        return runs[at].before
    return " " if word.left - before.right > _BLANK * word.size else ""


def _take_out(runs: list[Run], at: int) -> None:
    """Take a run out; the end of a line before it stays."""
    sign = runs.pop(at)
    if at < len(runs) and sign.before == "\n":
        runs[at].before = "\n"


def _around(runs: list[Run], at: int) -> list[int]:
    """Return the places near a run, the nearest first and the next before the last."""
    places = [place for step in range(1, _REACH + 1) for place in (at + step, at - step)]
    return [place for place in places if 0 <= place < len(runs)]


def _are_alike(word: Run, sign: Run) -> bool:
    is_sign = word.text in ACCENTS or word.text in _LOW_QUOTES or not word.text.strip()
    return not is_sign and word.angle == sign.angle and abs(word.size - sign.size) <= _SAME_SIZE * sign.size


def _is_within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
