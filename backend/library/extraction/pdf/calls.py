"""PDFium's functions that are called for every run of a page, with addresses as plain numbers.

pypdfium2 makes an object of each pointer that a function takes or returns, which costs more than the function itself.
"""

import ctypes
from typing import Any, Final

import pypdfium2.raw as pdfium

_ADDRESS: Final = ctypes.c_void_p
_INT: Final = ctypes.c_int


def address_of(handle: Any) -> int:
    """Return the address that one of pypdfium2's handles points to; 0 for none."""
    return ctypes.addressof(handle.contents) if handle else 0


def _bind(function: Any, result: type | None, *arguments: type) -> Any:
    """Return one of pypdfium2's functions with these types. A null pointer that it returns is None.

    These functions are short and never call Python, so they keep the interpreter's lock.
    """
    return ctypes.PYFUNCTYPE(result, *arguments)(ctypes.cast(function, _ADDRESS).value or 0)


# Of a text page and the index of a character.
get_text_object: Final = _bind(pdfium.FPDFText_GetTextObject, _ADDRESS, _ADDRESS, _INT)
get_font_size: Final = _bind(pdfium.FPDFText_GetFontSize, ctypes.c_double, _ADDRESS, _INT)
get_matrix: Final = _bind(pdfium.FPDFText_GetMatrix, _INT, _ADDRESS, _INT, _ADDRESS)
get_origin: Final = _bind(pdfium.FPDFText_GetCharOrigin, _INT, _ADDRESS, _INT, _ADDRESS, _ADDRESS)
get_box: Final = _bind(pdfium.FPDFText_GetCharBox, _INT, _ADDRESS, _INT, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS)
has_map_error: Final = _bind(pdfium.FPDFText_HasUnicodeMapError, _INT, _ADDRESS, _INT)

# Of a text object.
count_marks: Final = _bind(pdfium.FPDFPageObj_CountMarks, _INT, _ADDRESS)
get_mark: Final = _bind(pdfium.FPDFPageObj_GetMark, _ADDRESS, _ADDRESS, ctypes.c_ulong)
get_font: Final = _bind(pdfium.FPDFTextObj_GetFont, _ADDRESS, _ADDRESS)
get_render_mode: Final = _bind(pdfium.FPDFTextObj_GetTextRenderMode, _INT, _ADDRESS)
get_fill_colour: Final = _bind(pdfium.FPDFPageObj_GetFillColor, _INT, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS)
