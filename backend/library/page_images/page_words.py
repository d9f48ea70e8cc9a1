"""The words of a PDF's page and where they are shown."""

from ctypes import byref, c_double, c_int
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

_MAX_CHARS: Final = 100_000
# What PDFium makes of a hyphen at a line's end.
_HYPHEN: Final = 0x02


def words_of_page(page: pypdfium2.PdfPage) -> list[list[Any]]:
    """Return ``[word, left, top, right, bottom]`` in PDFium's order.

    Places are fractions of the page as it is shown, cropped and turned. Words outside it are left out.
    """
    textpage = page.get_textpage()
    words: list[list[Any]] = []
    word, box = "", None
    for index in range(min(textpage.count_chars(), _MAX_CHARS)):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        char = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if char.isspace() or (code < 0x20 and code != _HYPHEN):
            _add(words, word, box)
            word, box = "", None
            continue
        place = _place(page, textpage.get_charbox(index))
        if box is not None and not _same_line(box, place):
            _add(words, word, box)
            word, box = "", None
        word += char
        box = place if box is None else _joined(box, place)
        if code == _HYPHEN:
            _add(words, word, box)
            word, box = "", None
    _add(words, word, box)
    textpage.close()
    return words


def _add(words: list[list[Any]], word: str, box: tuple[float, float, float, float] | None) -> None:
    if box is None:
        return
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in box)
    if right > left and bottom > top:
        words.append([word, round(left, 5), round(top, 5), round(right, 5), round(bottom, 5)])


def _place(page: pypdfium2.PdfPage, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Turn a box in the page's own units into fractions of the page as it is shown."""
    left, bottom, right, top = box
    corners = [_shown(page, left, bottom), _shown(page, right, top)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


# PDFium answers in whole pixels, so the page is imagined this large.
_GRID: Final = 1_000_000


def _shown(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    across, down = c_int(), c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, c_double(x), c_double(y), byref(across), byref(down))
    return across.value / _GRID, down.value / _GRID


def _same_line(box: tuple[float, float, float, float], place: tuple[float, float, float, float]) -> bool:
    """Whether a letter touches the line of those before it, whichever way the text runs."""
    across = min(box[2], place[2]) - max(box[0], place[0])
    down = min(box[3], place[3]) - max(box[1], place[1])
    return across > 0 or down >= 0


def _joined(
    box: tuple[float, float, float, float], place: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    return min(box[0], place[0]), min(box[1], place[1]), max(box[2], place[2]), max(box[3], place[3])
