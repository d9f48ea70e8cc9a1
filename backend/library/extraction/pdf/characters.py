"""The characters of a page, one string for each of PDFium's indices, with boxes on request."""

import ctypes
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.page_text import remove_marks

UNKNOWN: Final = "\ufffd"
"""Stands for a character whose meaning the file does not say."""

LINE_END_HYPHEN: Final = "\ufffe"

Box = tuple[float, float, float, float]


class Characters(list[str]):
    """The characters, to be changed in place; a character joined with another is left as an empty string."""

    def __init__(self, textpage: pypdfium2.PdfTextPage) -> None:
        self.raw: Any = textpage.raw
        self.text: Final = _read(self.raw, textpage.count_chars())
        """The characters as they were read, one for each index."""
        super().__init__(self.text)
        self._boxes: dict[int, Box | None] = {}
        self._numbers = [ctypes.c_double() for _ in range(4)]

    def box(self, index: int) -> Box | None:
        """Return left, bottom, right and top in the page's space, or None for a character without a box."""
        if index not in self._boxes:
            left, right, bottom, top = self._numbers
            found = pdfium.FPDFText_GetCharBox(self.raw, index, left, right, bottom, top)
            self._boxes[index] = (left.value, bottom.value, right.value, top.value) if found else None
        return self._boxes[index]

    def origin(self, index: int) -> tuple[float, float]:
        x, y = self._numbers[:2]
        pdfium.FPDFText_GetCharOrigin(self.raw, index, x, y)
        return x.value, y.value


def _read(raw: Any, count: int) -> str:
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    units = pdfium.FPDFText_GetText(raw, 0, count, buffer)
    text = bytes(memoryview(buffer)[: max(units - 1, 0)]).decode("utf-16-le", "replace")
    if len(text) != count:
        # One call a character, where PDFium's text leaves some out.
        text = "".join(_character(pdfium.FPDFText_GetUnicode(raw, index)) for index in range(count))
    if len(remove_marks(text)) == count:
        return text
    return "".join(char if remove_marks(char) else UNKNOWN for char in text)


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else UNKNOWN
