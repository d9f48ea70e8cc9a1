"""Reads what was typed into a PDF: values of form fields, and the texts of comments."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.page_text import remove_marks

_COMMENTS: Final = frozenset({pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_TEXT})
_TYPED: Final = frozenset(
    {pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}
)
_HIDDEN: Final = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_MAX_ANNOTATIONS: Final = 2_000
_MAX_BYTES: Final = 40_000


@dataclass(frozen=True, slots=True)
class TypedText:
    """Text with the place of its box in the page's space."""

    text: str
    left: float
    bottom: float
    top: float


def read_typed_texts(page: pypdfium2.PdfPage, form: pypdfium2.PdfFormEnv | None) -> list[TypedText]:
    """Return the visible texts that were typed into fields and comments, in the order of the file."""
    found = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            text = "" if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN else _text(annotation, form)
            box = pdfium.FS_RECTF()
            if text and pdfium.FPDFAnnot_GetRect(annotation, box):
                found.append(TypedText(text, box.left, min(box.bottom, box.top), max(box.bottom, box.top)))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def _text(annotation: Any, form: pypdfium2.PdfFormEnv | None) -> str:
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind in _COMMENTS:
        return _string(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size))
    if kind != pdfium.FPDF_ANNOT_WIDGET or form is None:
        return ""
    if pdfium.FPDFAnnot_GetFormFieldType(form, annotation) not in _TYPED:
        return ""
    return _string(lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))


def _string(get: Callable[[Any, int], int]) -> str:
    size = get(None, 0)
    if not 2 < size <= _MAX_BYTES:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    get(buffer, size)
    text = bytes(buffer)[: size - 2].decode("utf-16-le", "replace")
    return remove_marks(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
