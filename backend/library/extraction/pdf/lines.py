"""Puts runs together to lines as a reader sees them, with raised and lowered text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from backend.library.extraction.pdf.runs import Run
from backend.library.extraction.pdf.scripts import MAX_SHIFT, SMALLER, write_runs

# All shares are of the larger neighbour's size.
_MAX_GAP = 0.45
_MAX_SCRIPT_GAP = 0.9
_MAX_BACK = 4
_SAME_BASE = 0.12
_MIN_SHIFT = 0.08
_BLANK = 0.2
_WORD_GAP = 1.6
_SPELLINGS = dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
ACCENTS = {
    "¨": "\u0308",
    "´": "\u0301",
    "`": "\u0300",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¯": "\u0304",
    "ˉ": "\u0304",
    "˘": "\u0306",
    "˙": "\u0307",
    "˚": "\u030a",
    "˝": "\u030b",
    "ˇ": "\u030c",
    "¸": "\u0327",
    "˛": "\u0328",
    "\u20d7": "\u20d7",
}
"""Accents that stand beside their letters in the file, with the signs that combine with letters."""

# No index is several words that PDFium puts on a line of their own.
_WORD = re.compile(r"[^\W\d_]{3,}")
_MIN_WORDS = 2
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
    _main: Run | None = field(default=None, repr=False, compare=False)
    _known: int = field(default=0, repr=False, compare=False)

    @property
    def angle(self) -> int:
        return self.runs[0].angle

    @property
    def left(self) -> float:
        return self.runs[0].left if len(self.runs) == 1 else min(run.left for run in self.runs)

    @property
    def right(self) -> float:
        return self.runs[0].right if len(self.runs) == 1 else max(run.right for run in self.runs)

    @property
    def main(self) -> Run:
        """The run that sets the line's height: of the largest size, and the longest of these."""
        if len(self.runs) == 1:
            return self.runs[0]
        if self._main is None or len(self.runs) != self._known:
            self._known = len(self.runs)
            self._main = max(self.runs, key=lambda run: (round(run.size, 1), len(run.text)))
        return self._main

    @property
    def base(self) -> float:
        return self.main.base

    @property
    def size(self) -> float:
        """The size of most characters."""
        if len(self.runs) == 1:
            return round(self.runs[0].size, 1)
        counts: dict[float, int] = {}
        for run in self.runs:
            counts[round(run.size, 1)] = counts.get(round(run.size, 1), 0) + len(run.text)
        return max(counts, key=lambda size: (counts[size], size))

    @property
    def is_bold(self) -> bool:
        if len(self.runs) == 1:
            return self.runs[0].font.is_bold
        return all(run.font.is_bold for run in self.runs if run.text.strip())

    @property
    def is_mono(self) -> bool:
        if len(self.runs) == 1:
            return self.runs[0].font.is_mono
        return all(run.font.is_mono for run in self.runs if run.text.strip())


def build_lines(runs: Iterable[Run]) -> list[Line]:
    """Return the lines, in the order of the runs. Scripts that PDFium puts on lines of their own are taken back."""
    lines: list[Line] = []
    line: Line | None = None
    for run in runs:
        if line is not None and _continues(line, run):
            if run.before == "\n":
                size = max(run.size, line.main.size if _is_small(line, run) else 1)
                run.before = " " if run.left - line.right > _BLANK * size else ""
            line.runs.append(run)
            continue
        line = Line([run])
        lines.append(line)
    return lines


def write_lines(lines: Iterable[Line]) -> None:
    """Set the texts of lines from those of their runs."""
    for line in lines:
        text, is_unsure = write_runs(line.runs) if len(line.runs) > 1 else (line.runs[0].text, False)
        line.text = text if text.isascii() else text.translate(_SPELLINGS)
        line.is_formula = line.is_formula or is_unsure
        line.joins = line.text[-1:] in _HYPHENS
        if line.joins and line.is_mono:
            # Code is not hyphenated: the hyphen is part of it.
            line.text, line.joins = f"{line.text[:-1]}-", False


def _is_small(line: Line, run: Run) -> bool:
    return run.size <= SMALLER * line.main.size


def _continues(line: Line, run: Run) -> bool:
    """Whether a run belongs to the line before it."""
    last, main = line.runs[-1], line.main
    if run.before == "\n" and abs(run.base - main.base) > MAX_SHIFT * max(main.size, run.size):
        return False
    if (run.angle, run.is_oblique) != (last.angle, last.is_oblique) or last.text[-1:] in _HYPHENS:
        return False
    size = max(main.size, run.size)
    shift, gap = run.base - main.base, run.left - _right(line)
    is_level = abs(shift) <= _SAME_BASE * size
    is_near = is_level or gap >= -_MAX_BACK * size or run.text in ACCENTS
    if run.before != "\n" and abs(run.base - last.base) <= 0.5 * main.size and is_near:
        return True
    if is_level:
        # Back on the line after a script, or after a gap that PDFium took for the end of the line.
        return -_MAX_GAP * size <= gap <= (_WORD_GAP * size if run.before == "\n" else 1e9)
    return abs(shift) <= MAX_SHIFT * size and (_is_script_of(line, run, gap) or _is_accent_of(run, gap))


def _right(line: Line) -> float:
    """Return where a line ends so far. Accents are drawn over the letter that follows."""
    ends = [run.right for run in line.runs if run.text not in ACCENTS]
    return max(ends, default=line.right)


def _is_accent_of(run: Run, gap: float) -> bool:
    return run.text in ACCENTS and -_MAX_GAP * run.size <= gap <= _WORD_GAP * run.size


def _is_shifted(run: Run, main: Run) -> bool:
    """Whether a run is small and off the line. Small text on the line is not a script, and has none below it."""
    return run.size <= SMALLER * main.size and abs(run.base - main.base) > _MIN_SHIFT * main.size


def _smaller(line: Line, run: Run) -> list[Run]:
    return [run] if _is_small(line, run) else line.runs


def _is_script_of(line: Line, run: Run, gap: float) -> bool:
    """Whether a run is a script of the line, or the line is scripts before the run."""
    main = line.main
    if run.before == "\n" and any(len(_WORD.findall(part.text)) >= _MIN_WORDS for part in _smaller(line, run)):
        return False
    if _is_small(line, run):
        # A script to the right, or the second of two that stand above each other.
        size = max(main.size, run.size)
        scripts = list(takewhile(lambda part: _is_shifted(part, main), reversed(line.runs)))
        is_second = bool(scripts) and (
            run.right > min(part.left for part in scripts) and run.left < max(part.right for part in scripts) + size
        )
        return -_MAX_GAP * size <= gap <= _MAX_SCRIPT_GAP * size or is_second
    return all(part.size <= SMALLER * run.size for part in line.runs) and abs(gap) <= _MAX_GAP * run.size
