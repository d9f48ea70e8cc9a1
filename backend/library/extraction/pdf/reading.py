"""Reads one page: from PDFium's characters to lines."""

import re
from collections import Counter
from typing import Final

import pypdfium2

from backend.library.extraction import page_text
from backend.library.extraction.pdf.accents import compose
from backend.library.extraction.pdf.annotations import TypedText, read_typed_texts
from backend.library.extraction.pdf.characters import Characters
from backend.library.extraction.pdf.columns import order_columns
from backend.library.extraction.pdf.language import is_garbage
from backend.library.extraction.pdf.lines import Line, build_lines, mark_formulas, write
from backend.library.extraction.pdf.page_content import PageContent, PlacedLine, ReadPage, Reason
from backend.library.extraction.pdf.runs import Fonts, find_parts, read_runs, turn
from backend.library.extraction.pdf.unmapped import MAX_SHARE, replace_unmapped
from backend.library.extraction.pdf.unseen import leave_out_unseen

_TYPED_SIZE: Final = 10.0
_BULLET = re.compile(r"[\u2022\u2023\u2043\u25aa\u25cf\u25e6]\s*(?=\S)")


def read_page(page: pypdfium2.PdfPage, fonts: Fonts, form: pypdfium2.PdfFormEnv | None) -> ReadPage:
    textpage = page.get_textpage()
    chars = Characters(textpage)
    parts = find_parts(chars)
    unknown = replace_unmapped(chars, parts, fonts)
    compose(chars)
    runs, hidden = leave_out_unseen(list(read_runs(chars, parts, fonts)), page, chars)
    lines = build_lines(runs)
    mark_formulas(lines)
    lines, reordered = order_columns(lines)
    textpage.close()
    placed = _place(lines, page)
    text = "\n".join(line.text for line in placed)
    letters = len(text) - text.count(" ") - text.count("\n")
    typed = read_typed_texts(page, form)
    _insert(placed, typed, page)
    counts = {
        "hidden_text_removed": hidden,
        "columns_reordered": int(reordered),
        "characters_unknown": unknown,
        "formulas_uncertain": sum(line.is_formula for line in lines),
        "annotations_read": len(typed),
    }
    width, height = page.get_size()
    return ReadPage(
        content=PageContent(text, letters, _reason(text, letters, unknown)),
        lines=placed,
        sizes=_sizes(lines),
        is_landscape=width > height,
        warnings=[(code, count) for code, count in counts.items() if count],
    )


def _reason(text: str, letters: int, unknown: int) -> Reason | None:
    if not letters:
        return "no_text"
    if unknown > MAX_SHARE * letters:
        return "unmapped"
    return "garbage" if is_garbage(text) else None


def _sizes(lines: list[Line]) -> Counter[float]:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += sum(len(run.text) for run in line.runs)
    return sizes


def _place(lines: list[Line], page: pypdfium2.PdfPage) -> list[PlacedLine]:
    upright = page.get_rotation() // 90 % 4
    bottom, top = _extent(page, upright)
    placed = []
    for line in lines:
        height = (line.base - bottom) / max(top - bottom, 1.0) if line.turns == upright else None
        placed.append(PlacedLine(_with_hyphen(write(line)), line.size, height, line.is_formula))
    return placed


def _with_hyphen(text: str) -> str:
    """Return a line with a hyphen instead of a bullet at its beginning."""
    bullet = _BULLET.match(text)
    return f"- {text[bullet.end() :]}" if bullet else text


def _extent(page: pypdfium2.PdfPage, turns: int) -> tuple[float, float]:
    """Return the heights of the page's bottom and top for text turned by ``turns`` quarters."""
    left, bottom, right, top = page.get_bbox()
    heights = [turn(x, y, turns)[1] for x in (left, right) for y in (bottom, top)]
    return min(heights), max(heights)


def _insert(lines: list[PlacedLine], typed: list[TypedText], page: pypdfium2.PdfPage) -> None:
    """Insert each typed text after the last line that is no lower than its box."""
    upright = page.get_rotation() // 90 % 4
    bottom, top = _extent(page, upright)
    for text in typed:
        low, high = (
            (turn(text.left, edge, upright)[1] - bottom) / max(top - bottom, 1.0) for edge in (text.bottom, text.top)
        )
        height = min(low, high)
        above = [at for at, line in enumerate(lines) if line.height is not None and line.height >= height]
        line = PlacedLine(page_text.remove_marks(text.text), _TYPED_SIZE, height, is_typed=True)
        lines.insert(above[-1] + 1 if above else 0, line)
