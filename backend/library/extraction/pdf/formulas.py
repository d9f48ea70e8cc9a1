"""Finds lines whose arrangement says more than their order: fractions, roots, sums with limits, matrices.

Such formulas cannot be rebuilt reliably from a PDF. Their lines are kept, but marked as uncertain.
"""

import itertools
import re
from typing import Final

from backend.library.extraction.pdf.lines import Line

# Shares of the size. Lines of text are at least as far apart as they are high, cells of a table stand apart.
_MIN_DISTANCE: Final = 0.05
_MAX_DISTANCE: Final = 0.75
_MAX_GAP: Final = 0.7
_MAX_PART_DISTANCE: Final = 1.7
_MAX_TALL_DISTANCE: Final = 3.2
_MAX_BESIDE: Final = 0.7
_SAME_BASE: Final = 0.12
_REACH: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_MAX_WORDS: Final = 1
_ROOTS: Final = frozenset("√∛∜")
# The codes of Computer Modern's extension font that stand for a sign; the others are pieces of brackets and roots.
_EXTENSION: Final = {
    **dict.fromkeys("PX", "∑"),
    **dict.fromkeys("QY", "∏"),
    **dict.fromkeys("RZ", "∫"),
    **dict.fromkeys("HI", "∮"),
    **dict.fromkeys("S[", "⋃"),
    **dict.fromkeys("T\\", "⋂"),
    **dict.fromkeys("pqrst", "√"),
    **dict.fromkeys("\x00\x10\x12\x20", "("),
    **dict.fromkeys("\x01\x11\x13\x21", ")"),
    **dict.fromkeys("\x02\x14\x22h", "["),
    **dict.fromkeys("\x03\x15\x23i", "]"),
    **dict.fromkeys("\x08\x1a\x28n", "{"),
    **dict.fromkeys("\x09\x1b\x29o", "}"),
}


def translate_extensions(lines: list[Line]) -> None:
    """Replace what PDFium takes for letters in fonts of large signs, and mark the lines."""
    for line in lines:
        for run in line.runs:
            if run.font.has_large_signs:
                run.text = "".join(
                    _EXTENSION.get(char, char if char in _EXTENSION.values() else "") for char in run.text
                )
                line.is_formula = True
            elif not run.text.isascii() and not _ROOTS.isdisjoint(run.text):
                line.is_formula = True


def mark_formulas(lines: list[Line]) -> None:
    """Mark lines that stand closer together than lines of text can, and the parts around them."""
    pieces = [_Piece(line) for line in lines]
    for before, after in itertools.pairwise(pieces):
        if _are_entangled(before, after):
            before.line.is_formula = after.line.is_formula = True
    if not any(line.is_formula for line in lines):
        return
    # Parts are found from the parts beside them, so twice in each direction.
    for order in (1, -1, 1, -1):
        _spread(pieces[::order])


class _Piece:
    """A line with what is asked of it again and again.

    ``is_short``: it is not running text. ``is_tall``: the place of a large sign's baseline says nothing.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.angle, self.left, self.right = line.angle, line.left, line.right
        main = line.main
        self.base, self.size = main.base, main.size

    @property
    def is_tall(self) -> bool:
        return any(run.font.has_large_signs for run in self.line.runs)

    @property
    def is_short(self) -> bool:
        return len(_WORD.findall("".join(run.before + run.text for run in self.line.runs))) <= _MAX_WORDS


def _are_entangled(before: _Piece, after: _Piece) -> bool:
    if before.angle != after.angle:
        return False
    size, distance = max(before.size, after.size), abs(before.base - after.base)
    if not _MIN_DISTANCE * size < distance < _MAX_DISTANCE * size:
        return False
    return max(after.left - before.right, before.left - after.right) < _MAX_GAP * size


def _spread(pieces: list[_Piece]) -> None:
    """Mark short lines that are near a marked one, and what a marked one continues."""
    for at, piece in enumerate(pieces):
        if not piece.line.is_formula:
            continue
        for other in pieces[at + 1 : at + 1 + _REACH]:
            if not other.line.is_formula and _is_part(piece, other):
                other.line.is_formula = True


def _is_part(piece: _Piece, other: _Piece) -> bool:
    size = max(piece.size, other.size)
    distance = abs(piece.base - other.base)
    if piece.angle != other.angle or distance > _MAX_TALL_DISTANCE * size:
        return False
    gap = max(other.left - piece.right, piece.left - other.right)
    if distance <= _SAME_BASE * size and gap < _MAX_BESIDE * size:
        # The line goes on, though the file draws it in two pieces.
        return True
    if not other.is_short or distance > _MAX_PART_DISTANCE * size:
        is_near = piece.is_tall or distance <= _MAX_PART_DISTANCE * size
        return is_near and -_MAX_BESIDE * size <= piece.left - other.right <= _MAX_BESIDE * size
    return gap < _MAX_BESIDE * size
