"""Finds bars that are drawn over letters: a negation of Boolean algebra, a mean, a conjugate, a recurring decimal.

PDFium gives the letters alone. The page's drawings are looked through only where a line looks like a formula.
"""

import ctypes
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.lines import Line

_OPERATORS: Final = re.compile(r"[=≡≠≈∧∨¬⊕∪∩·→⇒⇔]")
_MAX_OBJECTS: Final = 5_000
# In points.
_MAX_THICKNESS: Final = 1.2
_TOUCHING: Final = 2.0
_SAME_HEIGHT: Final = 0.6
_MAX_BARS: Final = 500
# Shares of the line's size. A bar over small letters is low, and a line through the text is lower.
_LOWEST: Final = 0.45
_HIGHEST: Final = 0.95
_MAX_BEYOND: Final = 0.15
_MAX_UNDERLINE: Final = 0.3


@dataclass(slots=True)
class _Bar:
    left: float
    right: float
    base: float


def mark_overlined(lines: Sequence[Line], page: pypdfium2.PdfPage) -> None:
    """Mark lines that have a bar over some of their letters as uncertain."""
    if not any(line.is_formula or _OPERATORS.search(line.text) for line in lines):
        return
    bars = _join(islice(_find_bars(page), _MAX_BARS))
    if not bars:
        return
    for line in lines:
        if line.is_formula or line.angle or line.is_mono:
            continue
        base, size, left, right = line.base, line.main.size, line.left, line.right
        beyond = _MAX_BEYOND * size
        if any(
            _LOWEST * size <= bar.base - base <= _HIGHEST * size
            and left - beyond <= bar.left
            and bar.right <= right + beyond
            and not _is_below(bar, lines)
            for bar in bars
        ):
            line.is_formula = True


def _is_below(bar: _Bar, lines: Sequence[Line]) -> bool:
    """Whether a bar underlines a line."""
    return any(
        0 <= line.base - bar.base <= _MAX_UNDERLINE * line.main.size
        and line.left < bar.right
        and bar.left < line.right
        and not line.angle
        for line in lines
    )


def _join(bars: Iterable[_Bar]) -> list[_Bar]:
    """Return the bars with those joined that touch. The border of a table is drawn cell by cell."""
    joined: list[_Bar] = []
    for bar in sorted(bars, key=lambda bar: (round(bar.base), bar.left)):
        last = joined[-1] if joined else None
        if last and abs(last.base - bar.base) <= _SAME_HEIGHT and bar.left - last.right <= _TOUCHING:
            last.right = max(last.right, bar.right)
        else:
            joined.append(bar)
    return joined


def _find_bars(page: pypdfium2.PdfPage) -> Iterator[_Bar]:
    """Yield the level strokes of a page."""
    count = pdfium.FPDFPage_CountObjects(page.raw)
    if count > _MAX_OBJECTS:
        return
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for index in range(count):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        if pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
            length, thickness = right.value - left.value, top.value - bottom.value
            if thickness <= _MAX_THICKNESS and length > 2 * thickness:
                yield _Bar(left.value, right.value, bottom.value)
