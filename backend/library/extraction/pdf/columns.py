"""Puts columns that a file draws line by line into the order in which they are read."""

from dataclasses import replace
from itertools import pairwise
from statistics import mean, median
from typing import Final

from backend.library.extraction.pdf.lines import Line

_MIN_PAIRS: Final = 3
_MIN_GAP: Final = 0.8
_SAME_HEIGHT: Final = 0.3
_MIN_CHARS: Final = 16
_MIN_FILLED: Final = 0.6


def order_columns(lines: list[Line]) -> tuple[list[Line], bool]:
    """Return the lines in reading order, and whether that changed anything.

    Only a page on which pieces of both columns follow each other at one height is looked at. The pieces must be long
    and fill their column, as prose does and the cells of tables do not.
    """
    pieces = [piece for line in lines for piece in _split(line)]
    pairs = [
        (left, right)
        for left, right in pairwise(pieces)
        if left.turns == right.turns == 0
        and abs(left.base - right.base) <= _SAME_HEIGHT * left.size
        and right.left - left.right >= _MIN_GAP * left.size
    ]
    if len(pairs) < _MIN_PAIRS:
        return lines, False
    gutter = median((left.right + right.left) / 2 for left, right in pairs)
    gutter = _widest(gutter, pairs)
    pairs = [(left, right) for left, right in pairs if left.right < gutter < right.left]
    if len(pairs) < _MIN_PAIRS or not all(_is_prose(list(column)) for column in zip(*pairs, strict=True)):
        return lines, False
    return _order(pieces, gutter), True


def _widest(gutter: float, pairs: list[tuple[Line, Line]]) -> float:
    """Return the middle of the strip that most pairs leave free."""
    left, right = max(pair[0].right for pair in pairs), min(pair[1].left for pair in pairs)
    return (left + right) / 2 if left < right else gutter


def _split(line: Line) -> list[Line]:
    pieces: list[Line] = []
    for run in line.runs:
        if pieces and run.left - pieces[-1].right < _MIN_GAP * run.size:
            pieces[-1].runs.append(run)
        else:
            pieces.append(Line([replace(run, before="")] if pieces else [run]))
    return [line] if len(pieces) == 1 else pieces


def _is_prose(column: list[Line]) -> bool:
    lengths = [sum(len(run.text) for run in line.runs) for line in column]
    left, right = min(line.left for line in column), max(line.right for line in column)
    filled = mean((line.right - line.left) / max(right - left, 1.0) for line in column)
    return mean(lengths) >= _MIN_CHARS and filled >= _MIN_FILLED


def _order(pieces: list[Line], gutter: float) -> list[Line]:
    """Return the left column before the right one, between the lines that cross the gutter."""
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for piece in sorted(pieces, key=lambda piece: -piece.base):
        if piece.turns == 0 and piece.right < gutter:
            left.append(piece)
        elif piece.turns == 0 and piece.left > gutter:
            right.append(piece)
        else:
            ordered += [*left, *right, piece]
            left, right = [], []
    return [*ordered, *left, *right]
