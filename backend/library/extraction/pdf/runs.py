"""The runs of a page: what one operator of the file draws, with its size and place.

A page has few runs, so that asking PDFium about each is cheap; about single characters it is asked only where there is
reason.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import atan2, cos, hypot, pi, sin
from typing import Any, Final, NamedTuple

import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.characters import Characters

_NAME_BYTES: Final = 128
_LARGE_SIGNS: Final = ("cmex", "lmmathextension", "euex")
_OPTIONAL: Final = "OC".encode("utf-16-le")
# Asked for most often of all: an address as a number is compared sooner than a pointer.
_object_of: Final = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(
    ctypes.cast(pdfium.FPDFText_GetTextObject, ctypes.c_void_p).value or 0
)


@dataclass(slots=True)
class Run:
    """``text`` from index ``first`` to ``stop``, without what PDFium puts ``before`` it: nothing, a blank, a line end.

    Lengths are in points along the direction of the text, which is turned by ``turns`` quarters. ``along`` and ``base``
    are where its first character stands.
    """

    text: str
    before: str
    first: int
    stop: int
    size: float
    turns: int
    along: float
    base: float
    has_large_signs: bool
    is_optional: bool
    chars: Characters = field(repr=False)
    _extent: tuple[float, float] | None = None

    @property
    def left(self) -> float:
        return self._measure()[0]

    @property
    def right(self) -> float:
        return self._measure()[1]

    def _measure(self) -> tuple[float, float]:
        # Only on request: on most pages no run has a neighbour on its line.
        if self._extent is None:
            left = right = self.along
            for index in (self.first, self.stop - 1):
                box = self.chars.box(index)
                if box is not None:
                    ends = [turn(x, y, self.turns)[0] for x in box[::2] for y in box[1::2]] if self.turns else box[::2]
                    left, right = min(left, *ends), max(right, *ends)
            self._extent = left, right
        return self._extent


class Part(NamedTuple):
    """Indices drawn by one text object; ``address`` is 0 for what PDFium generates."""

    first: int
    stop: int
    address: int


class Fonts:
    """Remembers the names of fonts, in lower case and without the tag of a subset."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._buffer = ctypes.create_string_buffer(_NAME_BYTES)

    def name(self, handle: Any) -> str:
        """Return the name of a text object's font."""
        font = pdfium.FPDFTextObj_GetFont(handle)
        if not font:
            return ""
        key = ctypes.addressof(font.contents)
        if key not in self._names:
            size = pdfium.FPDFFont_GetBaseFontName(font, self._buffer, _NAME_BYTES)
            name = self._buffer.raw[: max(min(size, _NAME_BYTES) - 1, 0)].decode("utf-8", "replace").lower()
            self._names[key] = name.partition("+")[2] or name
        return self._names[key]


def has_large_signs(font: str) -> bool:
    """Whether signs of a font are put together from pieces."""
    return font.startswith(_LARGE_SIGNS)


def find_parts(chars: Characters) -> list[Part]:
    """Return the parts of a page in PDFium's order.

    The end of a part is looked for at the end of its line first, then by halving steps.
    """
    raw, text, count = ctypes.cast(chars.raw, ctypes.c_void_p), chars.text, len(chars)
    parts, start = [], 0
    while start < count:
        address = _object_of(raw, start)
        stop = start + 1
        if address:
            end = text.find("\r", start)
            stop = _find_stop(raw, address, start, count if end < 0 else end, count)
        parts.append(Part(start, stop, address))
        start = stop
    return parts


def _find_stop(raw: Any, address: int, start: int, end: int, count: int) -> int:
    low = start
    if end > start and _object_of(raw, end - 1) == address:
        low, step = end - 1, 1
    else:
        step = 4
    while low + step < count and _object_of(raw, low + step) == address:
        low += step
        step *= 2
    high = min(low + step, count)
    while high - low > 1:
        middle = (low + high) // 2
        if _object_of(raw, middle) == address:
            low = middle
        else:
            high = middle
    return low + 1


def read_runs(chars: Characters, parts: list[Part], fonts: Fonts) -> Iterator[Run]:
    """Yield the runs. Parts of one text object with a generated blank between them are one run."""
    matrix = pdfium.FS_MATRIX()
    before, at = "", 0
    while at < len(parts):
        part = parts[at]
        at += 1
        if not part.address:
            before += "".join(chars[part.first : part.stop])
            continue
        stop = part.stop
        while at + 1 < len(parts) and not parts[at].address and parts[at + 1].address == part.address:
            if "".join(chars[stop : parts[at].stop]) not in ("", " "):
                break
            stop = parts[at + 1].stop
            at += 2
        run = _run(chars, Part(part.first, stop, part.address), fonts, matrix)
        run.before = "\n" if "\n" in before or "\r" in before else before
        before = ""
        yield run


def _run(chars: Characters, part: Part, fonts: Fonts, matrix: Any) -> Run:
    first, stop, handle = part.first, part.stop, as_object(part.address)
    pdfium.FPDFText_GetMatrix(chars.raw, first, matrix)
    turns = round(atan2(matrix.b, matrix.a) / (pi / 2)) % 4 if matrix.b or matrix.a < 0 else 0
    size = pdfium.FPDFText_GetFontSize(chars.raw, first) * hypot(matrix.c, matrix.d)
    along, base = turn(*chars.origin(first), turns)
    return Run(
        text="".join(chars[first:stop]),
        before="",
        first=first,
        stop=stop,
        size=abs(size) or 1.0,
        turns=turns,
        along=along,
        base=base,
        has_large_signs=has_large_signs(fonts.name(handle)),
        is_optional=_is_optional(handle),
        chars=chars,
    )


def turn(x: float, y: float, turns: int) -> tuple[float, float]:
    """Return a point's place along text that is turned by ``turns`` quarters, and its height there."""
    if not turns:
        return x, y
    angle = turns * pi / 2
    return x * cos(angle) + y * sin(angle), y * cos(angle) - x * sin(angle)


def as_object(address: int) -> Any:
    return ctypes.cast(address, pdfium.FPDF_PAGEOBJECT)


def _is_optional(handle: Any) -> bool:
    """Whether the object belongs to a layer, which may be off."""
    count = pdfium.FPDFPageObj_CountMarks(handle)
    if count <= 0:
        return False
    buffer, size = (pdfium.FPDF_WCHAR * 8)(), ctypes.c_ulong()
    for index in range(count):
        mark = pdfium.FPDFPageObj_GetMark(handle, index)
        if pdfium.FPDFPageObjMark_GetName(mark, buffer, 16, size) and bytes(buffer)[: len(_OPTIONAL)] == _OPTIONAL:
            return size.value == len(_OPTIONAL) + 2
    return False
