"""Reads one page: its lines with their places, what was left out, and whether its text layer can be used."""

from dataclasses import dataclass, field
from typing import Final

import pypdfium2

from backend.library.extraction import page_text
from backend.library.extraction.pdf.annotations import insert_lines, read_annotations
from backend.library.extraction.pdf.columns import order_columns
from backend.library.extraction.pdf.drawn_signs import settle_signs
from backend.library.extraction.pdf.formulas import mark_formulas, translate_extensions
from backend.library.extraction.pdf.language import is_garbage
from backend.library.extraction.pdf.lines import Line, build_lines, write_lines
from backend.library.extraction.pdf.overlays import compose_overlays
from backend.library.extraction.pdf.overlines import mark_overlined
from backend.library.extraction.pdf.running_heads import PlacedLine
from backend.library.extraction.pdf.runs import INVISIBLE, RunReader
from backend.library.extraction.pdf.scans import Reason, needs_ocr
from backend.library.extraction.pdf.unmapped import UnmappedSigns
from backend.library.extraction.pdf.unseen import leave_out_unseen

_MAX_UNMAPPED_SHARE: Final = 0.002


@dataclass(slots=True)
class PageContent:
    """What a page's text layer gives. ``reason`` says why it cannot be used, if so."""

    lines: list[PlacedLine]
    visible_chars: int
    needs_ocr: bool
    reason: Reason | None
    warnings: list[tuple[str, int]] = field(default_factory=list)


class PageReader:
    """Reads the pages of a document. ``is_from_tex``: TeX made it."""

    def __init__(self, *, is_from_tex: bool = False) -> None:
        self._runs = RunReader()
        self._unmapped = UnmappedSigns(is_from_tex=is_from_tex)

    def read(self, page: pypdfium2.PdfPage) -> PageContent:
        """Return the page's content. Closes nothing but what it opened."""
        textpage = page.get_textpage()
        try:
            return self._read(page, textpage)
        finally:
            textpage.close()

    def _read(self, page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> PageContent:
        warnings: list[tuple[str, int]] = []
        runs, hidden = leave_out_unseen(self._runs.read(textpage), page, textpage)
        if hidden:
            warnings.append(("hidden_text_removed", hidden))
        unmapped, letters = self._unmapped.replace(runs, textpage.raw)
        lines = build_lines(settle_signs([run for run in runs if run.text]))
        translate_extensions(lines)
        compose_overlays(lines, textpage)
        write_lines(lines)
        mark_overlined(lines, page)
        mark_formulas(lines)
        lines, is_reordered = order_columns(lines)
        if is_reordered:
            warnings.append(("columns_reordered", 1))
        uncertain = sum(line.is_formula for line in lines)
        if uncertain:
            warnings.append(("formulas_uncertain", uncertain))
        text = "\n".join(line.text for line in lines)
        reason: Reason | None = None
        if unmapped > _MAX_UNMAPPED_SHARE * max(letters, 1):
            reason = "unmapped"
        elif is_garbage(text):
            reason = "garbage"
        if unmapped:
            warnings.append(("characters_unknown", unmapped))
        if typed := read_annotations(page):
            warnings.append(("annotations_read", len(typed)))
            insert_lines(lines, typed)
        chars = sum(len(run.text.strip()) for run in runs)
        invisible = sum(len(run.text.strip()) for run in runs if run.mode == INVISIBLE)
        visible = chars - invisible
        is_picture = needs_ocr(page, visible, invisible)
        placed = _place(lines, page)
        return PageContent(placed, chars, is_picture or reason is not None, reason, warnings)


def _place(lines: list[Line], page: pypdfium2.PdfPage) -> list[PlacedLine]:
    _, bottom, _, top = page.get_bbox()
    height = max(top - bottom, 1.0)
    placed = []
    for line in lines:
        first, left, base = line.runs[0], line.left, line.base
        # In the order of the fields: naming them would take longer than all the rest.
        placed.append(
            PlacedLine(
                page_text.uncertain(line.text) if line.is_formula else line.text,
                line.size,
                (base - bottom) / height,
                left,
                base,
                first.angle,
                line.is_bold,
                line.is_mono,
                line.is_formula,
                line.joins,
                (line.right - left) / max(len(line.text), 1),
                line.is_typed,
                first.is_oblique,
                first.is_artifact and all(run.is_artifact for run in line.runs),
            )
        )
    return placed
