"""Puts columns that a file draws line by line into the order in which they are read."""

import itertools
from dataclasses import dataclass, replace
from statistics import mean, median

from backend.library.extraction.pdf.lines import Line, write_lines

_MIN_PAIRS = 3
_MIN_GAP = 1.0
_SAME_ROW = 0.3
_MIN_CHARS = 16
_MIN_FILLED = 0.6


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two pieces of text side by side, with the gap between them."""

    left: Line
    right: Line

    @property
    def middle(self) -> float:
        return (self.left.right + self.right.left) / 2


def order_columns(lines: list[Line]) -> tuple[list[Line], bool]:
    """Return the lines in reading order, and whether that changed anything.

    Only a page on which lines of both columns follow each other is looked at, and only prose is moved: the pieces must
    be long and fill their column, which the cells of a table do not.
    """
    pieces = [piece for line in lines for piece in (_split(line) if len(line.runs) > 1 else [line])]
    pairs = [
        _Pair(before, after)
        for before, after in itertools.pairwise(pieces)
        if abs(before.base - after.base) <= _SAME_ROW * before.size
        and before.angle == after.angle == 0
        and after.left - before.right >= _MIN_GAP * before.size
    ]
    if len(pairs) < _MIN_PAIRS:
        return lines, False
    gutter = median(pair.middle for pair in pairs)
    pairs = [pair for pair in pairs if pair.left.right < gutter < pair.right.left]
    if len(pairs) < _MIN_PAIRS or not all(_is_prose([side(pair) for pair in pairs]) for side in (_left, _right)):
        return lines, False
    ordered = _order(pieces, gutter)
    write_lines(ordered)
    return ordered, True


def _left(pair: _Pair) -> Line:
    return pair.left


def _right(pair: _Pair) -> Line:
    return pair.right


def _split(line: Line) -> list[Line]:
    """Return the pieces of a line between wide gaps."""
    pieces: list[Line] = []
    for run in line.runs:
        if pieces and run.left - pieces[-1].right < _MIN_GAP * run.size:
            pieces[-1].runs.append(run)
        else:
            pieces.append(Line([replace(run, before="") if pieces else run]))
    if len(pieces) == 1:
        return [line]
    return pieces


def _is_prose(column: list[Line]) -> bool:
    lengths = [sum(len(run.text) for run in line.runs) for line in column]
    left, right = min(line.left for line in column), max(line.right for line in column)
    filled = mean((line.right - left) / max(right - left, 1) for line in column)
    return mean(lengths) >= _MIN_CHARS and filled >= _MIN_FILLED


def _order(pieces: list[Line], gutter: float) -> list[Line]:
    """Return the left column before the right one, between lines that cross the gutter."""
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for piece in sorted(pieces, key=lambda piece: -piece.base):
        if piece.right < gutter:
            left.append(piece)
        elif piece.left > gutter:
            right.append(piece)
        else:
            ordered += [*left, *right, piece]
            left, right = [], []
    return [*ordered, *left, *right]
