"""The words of a PDF's page and where they are shown."""

from collections.abc import Callable
from ctypes import byref, c_double
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

_MAX_CHARS: Final = 100_000
# What PDFium makes of a hyphen at a line's end.
_HYPHEN: Final = 0x02

# Left, top, right and bottom, in fractions of the page as it is shown.
_Place = tuple[float, float, float, float]


def words_of_page(page: pypdfium2.PdfPage) -> list[list[Any]]:
    """Return ``[word, left, top, right, bottom]`` in PDFium's order.

    Places are fractions of the page as it is shown, cropped and turned. Words outside it are left out.
    """
    textpage = page.get_textpage()
    place_of = _places(page, textpage)
    words: list[list[Any]] = []
    word, box = "", None
    for index in range(min(textpage.count_chars(), _MAX_CHARS)):
        code = pdfium.FPDFText_GetUnicode(textpage.raw, index)
        char = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if char.isspace() or (code < 0x20 and code != _HYPHEN):
            _add(words, word, box)
            word, box = "", None
            continue
        place = place_of(index)
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


def _add(words: list[list[Any]], word: str, box: _Place | None) -> None:
    if box is None:
        return
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in box)
    if right > left and bottom > top:
        words.append([word, round(left, 5), round(top, 5), round(right, 5), round(bottom, 5)])


def _places(page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> Callable[[int], _Place]:
    """Return a function that returns the place of a letter. A page has thousands, so it does little for each."""
    # The page's own units, x and y, at the corners of the page as it is shown.
    (x, y), (x_across, y_across), (x_down, y_down) = (_own_units(page, *corner) for corner in ((0, 0), (1, 0), (0, 1)))
    x_across, y_across, x_down, y_down = x_across - x, y_across - y, x_down - x, y_down - y
    area = x_across * y_down - y_across * x_down
    if not area:
        raise ValueError("a page without size")
    across_x, across_y, down_x, down_y = y_down / area, -x_down / area, -y_across / area, x_across / area
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    edges = byref(left), byref(right), byref(bottom), byref(top)
    raw = textpage.raw

    def place_of(index: int) -> _Place:
        if not pdfium.FPDFText_GetCharBox(raw, index, *edges):
            raise pypdfium2.PdfiumError("a letter without a place")
        x_1, y_1, x_2, y_2 = left.value - x, bottom.value - y, right.value - x, top.value - y
        across_1, across_2 = x_1 * across_x + y_1 * across_y, x_2 * across_x + y_2 * across_y
        down_1, down_2 = x_1 * down_x + y_1 * down_y, x_2 * down_x + y_2 * down_y
        if across_1 > across_2:
            across_1, across_2 = across_2, across_1
        if down_1 > down_2:
            down_1, down_2 = down_2, down_1
        return across_1, down_1, across_2, down_2

    return place_of


def _own_units(page: pypdfium2.PdfPage, across: int, down: int) -> tuple[float, float]:
    x, y = c_double(), c_double()
    pdfium.FPDF_DeviceToPage(page, 0, 0, 1, 1, 0, across, down, byref(x), byref(y))
    return x.value, y.value


def _same_line(box: _Place, place: _Place) -> bool:
    """Whether a letter touches the line of those before it, whichever way the text runs."""
    if place[1] <= box[3] and box[1] <= place[3]:
        return True
    return min(box[2], place[2]) > max(box[0], place[0])


def _joined(box: _Place, place: _Place) -> _Place:
    return min(box[0], place[0]), min(box[1], place[1]), max(box[2], place[2]), max(box[3], place[3])
