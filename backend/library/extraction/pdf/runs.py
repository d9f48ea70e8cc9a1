"""The runs of a page's text: what one operator of the PDF draws, with its place and size.

PDFium is asked about each run a few times, and about single characters only where there is reason. A book of 300 pages
has a million characters and 20,000 to 50,000 runs.
"""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

from backend.library.extraction.pdf import calls

INVISIBLE: Final = 3
"""The render mode of text that is not drawn, such as the text layer of a scan."""

_FIXED_PITCH = 1
_BOLD_WEIGHT = 600
_BOLD_NAMES = ("bold", "black", "heavy", "cmbx", "ecbx", "sfbx", "lmbx")
_MONO_NAMES = ("mono", "courier", "consol", "cmtt", "ectt", "sftt", "lmtt", "menlo")
_LARGE_SIGNS = ("cmex", "lmmathextension", "euex", "ptmex", "zplm-ex")
_NAME_BYTES = 128
# The noncharacters that mark the spans of a page's text.
_MARKS = re.compile("[\ufdd0-\ufdef]")
# The render modes of text that is filled and not stroked, and what is nearly white, or nearly transparent, of 255.
_FILLED = (0, 4)
_PALE = 248
_TRANSPARENT = 8
# Text turned by more than this share of a quarter turn is a watermark, or a label of a figure.
_OBLIQUE = 0.06
# The names of marked content: a layer that may be off, and what is on a page only because it is a page.
_OPTIONAL = "OC".encode("utf-16-le")
_ARTIFACT = "Artifact".encode("utf-16-le")


@dataclass(slots=True)
class Font:
    """What is known of a text object's font. ``name`` is in lower case, without the tag of a subset.

    ``has_large_signs``: its signs are put together from pieces, or hang below the line.
    """

    name: str
    is_bold: bool
    is_mono: bool
    has_large_signs: bool = False


@dataclass(slots=True)
class Run:
    """Text that is drawn by one operator.

    ``first`` is the index of its first character, ``count`` their number. Lengths are in points, along the direction of
    the text (``angle``, in quarter turns): ``left`` and ``right`` on its line, ``base`` the height of its baseline.
    ``before`` is what PDFium puts before it: nothing, a blank or a line end. ``is_pale``: it is filled nearly white or
    is transparent, so that it is seen only on a ground.
    """

    text: str
    first: int
    count: int
    size: float
    angle: int
    left: float
    right: float
    base: float
    font: Font
    mode: int
    before: str = ""
    is_oblique: bool = False
    is_optional: bool = False
    is_artifact: bool = False
    is_pale: bool = False


class RunReader:
    """Reads the runs of a document's pages; remembers fonts."""

    def __init__(self) -> None:
        self._fonts: dict[int | None, Font] = {}
        self._matrix = pdfium.FS_MATRIX()
        self._numbers = [ctypes.c_double() for _ in range(4)]
        self._colour = [ctypes.c_uint() for _ in range(4)]
        # Where PDFium writes these.
        self._matrix_place = ctypes.addressof(self._matrix)
        self._number_places = [ctypes.addressof(number) for number in self._numbers]
        self._colour_places = [ctypes.addressof(part) for part in self._colour]
        self._name = ctypes.create_string_buffer(_NAME_BYTES)
        self._wide_name = (ctypes.c_ushort * (_NAME_BYTES // 2))()

    def read(self, textpage: pypdfium2.PdfTextPage) -> list[Run]:
        """Return the runs in PDFium's order."""
        runs: list[Run] = []
        before = ""
        page = calls.address_of(textpage.raw)
        count = textpage.count_chars()
        whole = _text(textpage.raw, 0, count)
        for start, stop, handle in _objects(page, count, whole):
            text = whole[start:stop] if len(whole) == count else _text(textpage.raw, start, stop)
            if handle is None:
                before += text
                continue
            run = self._run(page, start, stop, handle, text)
            run.before = "\n" if "\n" in before or "\r" in before else before
            runs.append(run)
            before = ""
        return runs

    def _run(self, page: int, start: int, stop: int, handle: int, text: str) -> Run:
        matrix, (x, y, _, _), places = self._matrix, self._numbers, self._number_places
        calls.get_matrix(page, start, self._matrix_place)
        calls.get_origin(page, start, places[0], places[1])
        # Nearly all text is level, and then none of this is needed.
        angle = atan2(matrix.b, matrix.a) / (pi / 2) if matrix.b or matrix.a < 0 else 0.0
        turns = round(angle) % 4 if angle else 0
        size = abs(calls.get_font_size(page, start)) * hypot(matrix.c, matrix.d)
        along, base = turned(x.value, y.value, turns)
        left, right = self._extent(page, stop - 1, turns, along)
        marks = self._marks(handle)
        mode = calls.get_render_mode(handle)
        # In the order of the fields, because naming them takes as long as the calls above.
        return Run(
            text,
            start,
            stop - start,
            size or 1.0,
            turns,
            min(along, left),
            right,
            base,
            self._font(handle),
            mode,
            "",
            bool(angle) and abs(angle - round(angle)) > _OBLIQUE,
            _OPTIONAL in marks,
            _ARTIFACT in marks,
            mode in _FILLED and self._is_pale(handle) and not text.isspace(),
        )

    def _is_pale(self, handle: int) -> bool:
        red, green, blue, alpha = self._colour
        if not calls.get_fill_colour(handle, *self._colour_places):
            return False
        # Most text is black.
        if red.value < _PALE and alpha.value >= _TRANSPARENT:
            return False
        return alpha.value < _TRANSPARENT or (green.value >= _PALE and blue.value >= _PALE)

    def _extent(self, page: int, index: int, turns: int, along: float) -> tuple[float, float]:
        if not calls.get_box(page, index, *self._number_places):
            return along, along
        left, right, bottom, top = self._numbers
        if not turns:
            return left.value, right.value
        corners = [turned(x.value, y.value, turns)[0] for x in (left, right) for y in (bottom, top)]
        return min(corners), max(corners)

    def _marks(self, handle: int) -> list[bytes]:
        """Return the names of the marked content that an object is part of, in UTF-16."""
        names: list[bytes] = []
        count = calls.count_marks(handle)
        if count <= 0:
            return names
        size = ctypes.c_ulong()
        for index in range(count):
            mark = ctypes.cast(calls.get_mark(handle, index), pdfium.FPDF_PAGEOBJECTMARK)
            if pdfium.FPDFPageObjMark_GetName(mark, self._wide_name, _NAME_BYTES, size):
                names.append(bytes(self._wide_name)[: max(size.value - 2, 0)])
        return names

    def _font(self, handle: int) -> Font:
        key = calls.get_font(handle)
        font = self._fonts.get(key)
        if font is None:
            raw = ctypes.cast(key, pdfium.FPDF_FONT)
            size = pdfium.FPDFFont_GetBaseFontName(raw, self._name, _NAME_BYTES) if key else 0
            name = self._name.raw[: max(min(size, _NAME_BYTES) - 1, 0)].decode("utf-8", "replace").lower()
            name = name.partition("+")[2] if name[6:7] == "+" else name
            flags = pdfium.FPDFFont_GetFlags(raw) if key else 0
            weight = pdfium.FPDFFont_GetWeight(raw) if key else 0
            is_bold = any(part in name for part in _BOLD_NAMES) or _BOLD_WEIGHT <= weight <= 1000
            is_mono = any(part in name for part in _MONO_NAMES) or bool(flags > 0 and flags & _FIXED_PITCH)
            font = self._fonts[key] = Font(name, is_bold, is_mono, name.startswith(_LARGE_SIGNS))
        return font


def turned(x: float, y: float, turns: int) -> tuple[float, float]:
    """Return a point's place along text that is turned by ``turns`` quarters, and its height there."""
    if not turns:
        return x, y
    angle = turns * pi / 2
    return x * cos(angle) + y * sin(angle), y * cos(angle) - x * sin(angle)


def char_box(page: Any, index: int) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right and top of a character in the page's space, or None if it has no box."""
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium.FPDFText_GetCharBox(page, index, left, right, bottom, top):
        return None
    return left.value, bottom.value, right.value, top.value


def _objects(page: int, count: int, text: str) -> Iterator[tuple[int, int, int | None]]:
    """Yield the first and last index (exclusive) and the text object of each run; None for generated characters.

    The end of a run is looked for at the end of its line first, and then by doubling and halving steps.
    """
    start = 0
    has_all = len(text) == count
    while start < count:
        if has_all and text[start] in "\r\n":
            yield start, start + 1, None
            start += 1
            continue
        handle = calls.get_text_object(page, start)
        stop = start + 1
        if handle is not None:
            line_end = text.find("\r", start)
            stop = _find_stop(page, handle, start, line_end if line_end > 0 else count, count)
        yield start, stop, handle
        start = stop


def _find_stop(page: int, handle: int, start: int, line_end: int, count: int) -> int:
    """Return the index after the last character of an object."""
    get = calls.get_text_object
    low, step = start, 1
    if start + 1 < line_end <= count and get(page, line_end - 1) == handle:
        low = line_end - 1
    while low + step < count and get(page, low + step) == handle:
        low += step
        step *= 2
    high = min(low + step, count)
    while high - low > 1:
        middle = (low + high) // 2
        if get(page, middle) == handle:
            low = middle
        else:
            high = middle
    return low + 1


def _text(page: Any, start: int, stop: int) -> str:
    if stop <= start:
        return ""
    buffer = (ctypes.c_ushort * (2 * (stop - start) + 2))()
    units = pdfium.FPDFText_GetText(page, start, stop - start, buffer)
    text = bytes(memoryview(buffer)[: max(units - 1, 0)]).decode("utf-16-le", "replace")
    return text if text.isascii() else _MARKS.sub("\ufffd", text)
