"""Puts runs together to lines as a reader sees them, with raised and lowered text."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.library.extraction import page_text
from backend.library.extraction.pdf.runs import Run

# All shares are of the larger neighbour's size.
_SMALLER = 0.86
_RAISED = 0.18
_LOWERED = -0.08
_MAX_SHIFT = 0.95
_MAX_GAP = 0.45
_MAX_SCRIPT_GAP = 0.9
_SAME_BASE = 0.12
_WORD_GAP = 1.6
_SPELLINGS = dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
# Signs of TeX that other programs have as characters of their own.
_ALWAYS_RAISED = {"\u25e6": "°", "\u2218": "°", "\u2032": "\u2032", "\u2032\u2032": "\u2033"}
_HYPHENS = ("\ufffe", "\x02")


@dataclass(slots=True)
class Line:
    """One line of a page. ``text`` is in the notation of ``page_text``; lengths are those of ``Run``.

    ``size`` and ``is_bold``, ``is_mono`` are those of most of its characters. ``joins`` says that the line ends with a
    hyphen and goes on without a line end. ``is_formula`` marks a line whose arrangement says more than its order,
    ``is_typed`` the value of a form field, or a comment.
    """

    runs: list[Run] = field(default_factory=list)
    text: str = ""
    joins: bool = False
    is_formula: bool = False
    is_typed: bool = False

    @property
    def angle(self) -> int:
        return self.runs[0].angle

    @property
    def left(self) -> float:
        return min(run.left for run in self.runs)

    @property
    def right(self) -> float:
        return max(run.right for run in self.runs)

    @property
    def main(self) -> Run:
        """The run that sets the line's height: of the largest size, and the longest of these."""
        return max(self.runs, key=lambda run: (round(run.size, 1), len(run.text)))

    @property
    def base(self) -> float:
        return self.main.base

    @property
    def size(self) -> float:
        """The size of most characters."""
        counts: dict[float, int] = {}
        for run in self.runs:
            counts[round(run.size, 1)] = counts.get(round(run.size, 1), 0) + len(run.text)
        return max(counts, key=lambda size: (counts[size], size))

    @property
    def is_bold(self) -> bool:
        return all(run.font.is_bold for run in self.runs if run.text.strip())

    @property
    def is_mono(self) -> bool:
        return all(run.font.is_mono for run in self.runs if run.text.strip())


def build_lines(runs: Iterable[Run]) -> list[Line]:
    """Return the lines, in the order of the runs. Scripts that PDFium puts on lines of their own are taken back."""
    lines: list[Line] = []
    line: Line | None = None
    for run in runs:
        if line is not None and _continues(line, run):
            if run.before == "\n":
                run.before = " " if run.left - line.right > 0.2 * max(run.size, 1) and not _is_small(line, run) else ""
            line.runs.append(run)
            continue
        line = Line([run])
        lines.append(line)
    return lines


def write_lines(lines: Iterable[Line]) -> None:
    """Set the texts of lines from those of their runs."""
    for line in lines:
        line.text = _spell_out(_write(line))
        line.joins = line.text[-1:] in _HYPHENS


def _spell_out(text: str) -> str:
    return text if text.isascii() else text.translate(_SPELLINGS)


def _is_small(line: Line, run: Run) -> bool:
    return run.size <= _SMALLER * line.main.size


def _continues(line: Line, run: Run) -> bool:
    """Whether a run belongs to the line before it."""
    last, main = line.runs[-1], line.main
    if (run.angle, run.is_oblique) != (last.angle, last.is_oblique) or last.text[-1:] in _HYPHENS:
        return False
    if run.before != "\n" and abs(run.base - last.base) <= 0.5 * main.size:
        return True
    size = max(main.size, run.size)
    shift, gap = run.base - main.base, run.left - line.right
    if abs(shift) <= _SAME_BASE * size:
        # Back on the line after a script, or after a gap that PDFium took for the end of the line.
        return -_MAX_GAP * size <= gap <= (_WORD_GAP * size if run.before == "\n" else 1e9)
    return abs(shift) <= _MAX_SHIFT * size and _is_script_of(line, run, gap)


def _is_script_of(line: Line, run: Run, gap: float) -> bool:
    """Whether a run is a script of the line, or the line is scripts before the run."""
    last, main = line.runs[-1], line.main
    if _is_small(line, run):
        # A script to the right, or the second of two that stand above each other.
        size = max(main.size, run.size)
        is_second = last.size <= _SMALLER * main.size and run.right > last.left and run.left < last.right + size
        return -_MAX_GAP * size <= gap <= _MAX_SCRIPT_GAP * size or is_second
    return all(part.size <= _SMALLER * run.size for part in line.runs) and abs(gap) <= _MAX_GAP * run.size


def _write(line: Line) -> str:
    """Return the line's text with its scripts."""
    pieces: list[str] = []
    script: list[str] = []
    side_of_script = 0
    for at, run in enumerate(line.runs):
        side = _side(line.runs, at)
        before = run.before if at else ""
        if side and side == -side_of_script:
            # One above the other: a fraction, or both kinds of script.
            line.is_formula = line.is_formula or _is_fraction(line.runs, at)
        if side == side_of_script:
            (script if side else pieces).append(before + run.text)
            continue
        pieces.append(_script(script, side_of_script))
        script = []
        if side:
            pieces.append("" if _touches(line.runs, at) else before)
            script.append(run.text)
        else:
            pieces.append(before + run.text)
        side_of_script = side
    pieces.append(_script(script, side_of_script))
    return "".join(pieces)


def _script(parts: list[str], side: int) -> str:
    text = "".join(parts)
    if side > 0 and text.strip() in _ALWAYS_RAISED:
        return _ALWAYS_RAISED[text.strip()]
    return text if not side else page_text.raised(text) if side > 0 else page_text.lowered(text)


def _side(runs: list[Run], at: int) -> int:
    """Return 1 for a raised run, -1 for a lowered one, else 0."""
    run = runs[at]
    if not run.text.strip():
        return 0
    neighbour = _larger_neighbour(runs, at)
    if neighbour is None:
        return 0
    shift = (run.base - neighbour.base) / neighbour.size
    if _RAISED <= shift <= _MAX_SHIFT:
        return 1
    return -1 if -_MAX_SHIFT <= shift <= _LOWERED else 0


def _larger_neighbour(runs: list[Run], at: int) -> Run | None:
    """Return the nearest run that is larger, on the left or else on the right, and not far away."""
    run = runs[at]
    for step in (-1, 1):
        place = at + step
        while 0 <= place < len(runs):
            other = runs[place]
            if run.size <= _SMALLER * other.size and other.text.strip():
                return other
            place += step
    return None


def _touches(runs: list[Run], at: int) -> bool:
    """Whether a script stands directly at what is before it, so that a blank there was made up."""
    return at > 0 and runs[at].left - runs[at - 1].right <= 0.18 * runs[at - 1].size


def _is_fraction(runs: list[Run], at: int) -> bool:
    """Whether two scripts above each other have nothing to stand at: no letter ends where they begin."""
    first = at - 1
    while first > 0 and _side(runs, first):
        first -= 1
    base, script = runs[first], runs[first + 1]
    overlap = min(runs[at].right, script.right) - max(runs[at].left, script.left)
    return overlap > 0 and (script.left - base.right > 0.25 * base.size or script.before == " ")
