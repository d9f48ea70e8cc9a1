"""The runs of a page: what one operator of the file draws, with its size and place.

A page has few runs, so that asking PDFium about each is cheap; about single characters it is asked only where there is
reason.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Any, Final

import pypdfium2.raw as pdfium

from backend.library.extraction.pdf.characters import Characters

_NAME_BYTES: Final = 128
_BOLD: Final = ("bold", "black", "heavy", "cmbx", "ecbx", "sfbx")
_LARGE_SIGNS: Final = ("cmex", "lmmathextension", "euex")
_OPTIONAL: Final = "OC".encode("utf-16-le")


@dataclass(slots=True)
class Run:
    """``text`` from index ``first`` to ``stop``, without what PDFium puts ``before`` it: nothing, a blank, a line end.

    Lengths are in points along the direction of the text, which is turned by ``turns`` quarters.
    """

    text: str
    before: str
    first: int
    stop: int
    size: float
    turns: int
    left: float
    right: float
    base: float
    is_bold: bool
    has_large_signs: bool
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Indices drawn by one text object; ``handle`` is None for what PDFium generates."""

    first: int
    stop: int
    handle: Any


class Fonts:
    """Remembers whether fonts are bold, or have signs that are put together from pieces."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[bool, bool]] = {}
        self._name = ctypes.create_string_buffer(_NAME_BYTES)

    def look_up(self, handle: Any) -> tuple[bool, bool]:
        font = pdfium.FPDFTextObj_GetFont(handle)
        key = ctypes.cast(font, ctypes.c_void_p).value or 0
        if key not in self._known:
            size = pdfium.FPDFFont_GetBaseFontName(font, self._name, _NAME_BYTES) if key else 0
            name = self._name.raw[: max(min(size, _NAME_BYTES) - 1, 0)].decode("utf-8", "replace").lower()
            name = name.partition("+")[2] or name
            self._known[key] = any(part in name for part in _BOLD), name.startswith(_LARGE_SIGNS)
        return self._known[key]


def find_parts(chars: Characters) -> list[Part]:
    """Return the parts of a page in PDFium's order. The end of each is found by doubling and halving steps."""
    get, raw, count = pdfium.FPDFText_GetTextObject, chars.raw, len(chars)
    parts, start = [], 0
    while start < count:
        handle = get(raw, start)
        address = _address(handle)
        low, step = start, 1
        while address and low + step < count and _address(get(raw, low + step)) == address:
            low += step
            step *= 2
        high = min(low + step, count) if address else start + 1
        while high - low > 1:
            middle = (low + high) // 2
            if _address(get(raw, middle)) == address:
                low = middle
            else:
                high = middle
        parts.append(Part(start, low + 1, handle if address else None))
        start = low + 1
    return parts


def read_runs(chars: Characters, parts: list[Part], fonts: Fonts) -> Iterator[Run]:
    """Yield the runs. Parts of one text object with a generated blank between them are one run."""
    matrix = pdfium.FS_MATRIX()
    before, at = "", 0
    while at < len(parts):
        part = parts[at]
        at += 1
        if part.handle is None:
            before += "".join(chars[part.first : part.stop])
            continue
        stop, address = part.stop, _address(part.handle)
        while at + 1 < len(parts) and parts[at].handle is None and _address(parts[at + 1].handle) == address:
            if "".join(chars[stop : parts[at].stop]) not in ("", " "):
                break
            stop = parts[at + 1].stop
            at += 2
        yield _run(chars, part.first, stop, part.handle, before, fonts, matrix)
        before = ""


def _run(chars: Characters, first: int, stop: int, handle: Any, before: str, fonts: Fonts, matrix: Any) -> Run:
    pdfium.FPDFText_GetMatrix(chars.raw, first, matrix)
    turns = round(atan2(matrix.b, matrix.a) / (pi / 2)) % 4
    size = pdfium.FPDFText_GetFontSize(chars.raw, first) * hypot(matrix.c, matrix.d)
    along, base = turn(*chars.origin(first), turns)
    ends = [along]
    for index in {first, stop - 1}:
        box = chars.box(index)
        if box is not None:
            ends += [turn(x, y, turns)[0] for x in box[::2] for y in box[1::2]]
    is_bold, has_large_signs = fonts.look_up(handle)
    return Run(
        text="".join(chars[first:stop]),
        before="\n" if "\n" in before or "\r" in before else before,
        first=first,
        stop=stop,
        size=abs(size) or 1.0,
        turns=turns,
        left=min(ends),
        right=max(ends),
        base=base,
        is_bold=is_bold,
        has_large_signs=has_large_signs,
        is_optional=_is_optional(handle),
    )


def turn(x: float, y: float, turns: int) -> tuple[float, float]:
    """Return a point's place along text that is turned by ``turns`` quarters, and its height there."""
    if not turns:
        return x, y
    angle = turns * pi / 2
    return x * cos(angle) + y * sin(angle), y * cos(angle) - x * sin(angle)


def _address(handle: Any) -> int:
    return ctypes.addressof(handle.contents) if handle else 0


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
