"""Finds lines whose arrangement says more than their order: fractions, roots, sums with limits, matrices.

Such formulas cannot be rebuilt reliably from a PDF. Their lines are kept, but marked as uncertain.
"""

import itertools
from typing import Final

from backend.library.extraction.pdf.lines import Line

_MAX_DISTANCE: Final = 0.75
_MAX_GAP: Final = 4.0
_ROOTS: Final = frozenset("√∛∜")
_EXTENSION_FONTS: Final = ("cmex", "lmmathextension", "euex", "ptmex", "zplm-ex")
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
            if run.font.name.startswith(_EXTENSION_FONTS):
                run.text = "".join(
                    _EXTENSION.get(char, char if char in _EXTENSION.values() else "") for char in run.text
                )
                line.is_formula = True
            elif not _ROOTS.isdisjoint(run.text):
                line.is_formula = True


def mark_formulas(lines: list[Line]) -> None:
    """Mark lines that stand closer together than lines of text can."""
    for before, after in itertools.pairwise(lines):
        if before.angle != after.angle:
            continue
        size = max(before.main.size, after.main.size)
        distance = abs(before.base - after.base)
        gap = max(after.left - before.right, before.left - after.right)
        if 0.02 * size < distance < _MAX_DISTANCE * size and gap < _MAX_GAP * size:
            before.is_formula = after.is_formula = True
