"""Puts runs together to the lines that a reader sees, with raised and lowered text."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.pdf.characters import LINE_END_HYPHEN
from backend.library.extraction.pdf.runs import Run

# Shares of the size of the larger neighbour.
_SMALLER: Final = 0.86
_RAISED: Final = 0.18
_LOWERED: Final = -0.08
_SAME_BASE: Final = 0.12
_MAX_SHIFT: Final = 0.95
_MAX_WORD_GAP: Final = 1.6
_MAX_SCRIPT_GAP: Final = 0.6
_MAX_OVERLAP: Final = 0.5
_WORD_GAP: Final = 0.2
# Two lines of a text are further apart than this.
_MIN_LINE_DISTANCE: Final = 0.75
_MAX_FORMULA_GAP: Final = 4.0
_HIGH_QUOTES: Final = {"\u201d": "\u201e", "\u2019": "\u201a"}
_MIN_DROP: Final = 0.3
_ROOT: Final = re.compile("[\u221a\u221b\u221c]")


@dataclass(slots=True)
class Line:
    """Runs on one baseline, with their scripts. ``is_formula``: its arrangement says more than its order."""

    runs: list[Run] = field(default_factory=list)
    is_formula: bool = False

    @property
    def turns(self) -> int:
        return self.runs[0].turns

    @property
    def main(self) -> Run:
        """The run that sets the baseline: of the largest size, and the longest of these."""
        if len(self.runs) == 1:
            return self.runs[0]
        return max(self.runs, key=lambda run: (round(run.size, 1), len(run.text)))

    @property
    def base(self) -> float:
        return self.main.base

    @property
    def left(self) -> float:
        return min(run.left for run in self.runs)

    @property
    def right(self) -> float:
        return max(run.right for run in self.runs)

    @property
    def size(self) -> float:
        """The size of most characters."""
        if len(self.runs) == 1:
            return round(self.runs[0].size, 1)
        counts: Counter[float] = Counter()
        for run in self.runs:
            counts[round(run.size, 1)] += len(run.text)
        return max(counts, key=lambda size: (counts[size], size))


def build_lines(runs: Iterable[Run]) -> list[Line]:
    """Return the lines in the order of the runs. Scripts that PDFium puts on lines of their own are taken back."""
    lines: list[Line] = []
    for run in runs:
        if not run.text.strip():
            # An accent or a stroke that was joined with its letter, or a blank.
            if lines and lines[-1].turns == run.turns and run.before != "\n":
                lines[-1].runs[-1].text += run.text[:1] or run.before
            continue
        if lines and _continues(lines[-1], run):
            line = lines[-1]
            if run.before == "\n":
                run.before = " " if run.left - line.runs[-1].right > _WORD_GAP * run.size else ""
            line.runs.append(run)
        else:
            lines.append(Line([run]))
    for line in lines:
        _lower_quotes(line)
        line.is_formula = any(run.has_large_signs or _ROOT.search(run.text) for run in line.runs) or _has_fraction(line)
    return lines


def mark_formulas(lines: list[Line]) -> None:
    """Mark lines that are closer together than lines of text, such as the parts of a fraction or of a sum."""
    mains = [line.main for line in lines]
    for at in range(1, len(lines)):
        size = max(mains[at - 1].size, mains[at].size)
        distance = abs(mains[at - 1].base - mains[at].base)
        if not _SAME_BASE * size < distance < size or mains[at - 1].turns != mains[at].turns:
            continue
        before, after = lines[at - 1], lines[at]
        gap = max(after.left - before.right, before.left - after.right)
        is_close = distance < _MIN_LINE_DISTANCE * size and gap < _MAX_FORMULA_GAP * size
        if is_close or ((before.is_formula or after.is_formula) and gap < size):
            before.is_formula = after.is_formula = True


def write(line: Line) -> str:
    """Return the line's text in the notation of ``page_text``."""
    if len(line.runs) == 1:
        return line.runs[0].text
    pieces: list[str] = []
    side = 0
    script = ""
    for at, run in enumerate(line.runs):
        before = run.before if at and run.before != "\n" else ""
        side_of_run = _side(line.runs, at)
        if side_of_run and side_of_run == side:
            script += before + run.text
            continue
        pieces.append(_shift(script, side))
        script, side = "", side_of_run
        if side:
            pieces.append(before if _has_gap(line.runs, at) else "")
            script = run.text
        else:
            pieces.append(before + run.text)
    pieces.append(_shift(script, side))
    return "".join(pieces)


def _shift(text: str, side: int) -> str:
    return text if not side else page_text.raised(text) if side > 0 else page_text.lowered(text)


def _has_gap(runs: list[Run], at: int) -> bool:
    return at > 0 and runs[at].left - runs[at - 1].right > _WORD_GAP * runs[at].size


def _continues(line: Line, run: Run) -> bool:
    last, main = line.runs[-1], line.main
    if run.turns != last.turns or last.text.endswith(LINE_END_HYPHEN):
        return False
    size = max(main.size, run.size)
    shift = run.base - main.base
    if run.before != "\n":
        # PDFium's own line; a sum sign may stand lower.
        return abs(shift) <= 0.5 * size
    if abs(shift) > _MAX_SHIFT * size:
        return False
    gap = run.left - last.right
    if abs(shift) <= _SAME_BASE * size:
        return -_MAX_OVERLAP * size <= gap <= _MAX_WORD_GAP * size
    return gap >= -_MAX_OVERLAP * size and _joins(line, run, gap, size)


def _joins(line: Line, run: Run, gap: float, size: float) -> bool:
    """Whether a run on another baseline belongs to the line: as a script, or as what a script or a quote is before."""
    last, main = line.runs[-1], line.main
    is_near = gap <= _MAX_SCRIPT_GAP * size
    if run.size <= _SMALLER * main.size:
        is_second = last.size <= _SMALLER * main.size and last.left - size < run.left < last.right + 0.3 * size
        return is_near or is_second
    is_script_first = all(part.size <= _SMALLER * run.size for part in line.runs)
    is_quote_first = len(line.runs) == 1 and _is_low_quote(last) and run.base > last.base
    return is_near and (is_script_first or is_quote_first or _is_low_quote(run))


def _side(runs: list[Run], at: int) -> int:
    """Return 1 for a raised run, -1 for a lowered one, else 0."""
    run = runs[at]
    neighbour = _larger_neighbour(runs, at)
    if neighbour is None:
        return 0
    shift = (run.base - neighbour.base) / neighbour.size
    return 1 if shift >= _RAISED else -1 if shift <= _LOWERED else 0


def _larger_neighbour(runs: list[Run], at: int) -> Run | None:
    """Return the nearest run that is larger, the one before first."""
    run = runs[at]
    for others in (reversed(runs[:at]), iter(runs[at + 1 :])):
        for other in others:
            if run.size <= _SMALLER * other.size:
                return other
    return None


def _is_low_quote(run: Run) -> bool:
    return run.text.strip() in _HIGH_QUOTES


def _lower_quotes(line: Line) -> None:
    """Give quotation marks that stand on the baseline, as in old German LaTeX files, their own sign."""
    letters = [run.base for run in line.runs if not _is_low_quote(run)]
    for run in line.runs:
        if letters and _is_low_quote(run) and run.base - max(letters) < -_MIN_DROP * run.size:
            run.text = _HIGH_QUOTES[run.text.strip()]


def _has_fraction(line: Line) -> bool:
    """Whether small text stands above small text, with nothing large directly before it."""
    for at in range(1, len(line.runs)):
        upper, lower = line.runs[at - 1], line.runs[at]
        sides = _side(line.runs, at - 1), _side(line.runs, at)
        overlap = min(upper.right, lower.right) - max(upper.left, lower.left)
        if set(sides) == {1, -1} and overlap > 0:
            base = line.runs[at - 2] if at > 1 else None
            size = base.size if base else 0.0
            if (
                base is None
                or base.text.endswith(" ")
                or upper.before.isspace()
                or upper.left - base.right > 0.1 * size
            ):
                return True
    return False
