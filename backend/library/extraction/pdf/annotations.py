"""Reads what was typed into a PDF: values of form fields, and the texts of comments."""

import ctypes
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction import page_text
from backend.library.extraction.pdf.lines import Line
from backend.library.extraction.pdf.runs import Font, Run

_FIELD: Final = pdfium.FPDF_ANNOT_WIDGET
# A comment's text is in the annotation itself: a note, free text, or a remark on a marked passage.
_COMMENTS: Final = frozenset(
    {
        pdfium.FPDF_ANNOT_TEXT,
        pdfium.FPDF_ANNOT_FREETEXT,
        pdfium.FPDF_ANNOT_HIGHLIGHT,
        pdfium.FPDF_ANNOT_UNDERLINE,
        pdfium.FPDF_ANNOT_STRIKEOUT,
        pdfium.FPDF_ANNOT_SQUIGGLY,
    }
)
_HIDDEN_FLAGS: Final = 0b10
_BUTTON: Final = "Btn"
_MAX_ANNOTATIONS: Final = 2_000
_MAX_CHARS: Final = 20_000
_SIZE: Final = 10.0


def read_annotations(page: pypdfium2.PdfPage) -> list[Line]:
    """Return a line for each filled field and each comment of a page, at its place."""
    lines = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            text = _typed_text(annotation)
            if text.strip():
                lines.append(_line(annotation, text.strip()))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return lines


def insert_lines(lines: list[Line], added: list[Line]) -> None:
    """Insert each line after the last one that stands no lower."""
    for line in added:
        above = [at for at, other in enumerate(lines) if other.angle == 0 and other.base >= line.base]
        lines.insert(above[-1] + 1 if above else 0, line)


def _typed_text(annotation: Any) -> str:
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS:
        return ""
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == _FIELD:
        return "" if _string(annotation, b"FT") == _BUTTON or _string(annotation, b"AS") else _string(annotation, b"V")
    return _string(annotation, b"Contents") if kind in _COMMENTS else ""


def _string(annotation: Any, key: bytes) -> str:
    units = pdfium.FPDFAnnot_GetStringValue(annotation, key, None, 0) // 2
    if not 1 < units <= _MAX_CHARS:
        return ""
    buffer = (ctypes.c_ushort * units)()
    pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, 2 * units)
    return bytes(memoryview(buffer)[: units - 1]).decode("utf-16-le", "replace")


def _line(annotation: Any, text: str) -> Line:
    box = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, box)
    run = Run(
        page_text.remove_marks(text.replace("\r\n", "\n").replace("\r", "\n")),
        0,
        0,
        _SIZE,
        0,
        box.left,
        box.right,
        box.bottom,
        Font("", False, False),
        0,
    )
    return Line([run], text=run.text, is_typed=True)
