"""Leaves out text that readers do not see, or see once: layers that are off, text beside the page, double printing."""

from collections import Counter
from typing import Any, Final

import pypdfium2

from backend.library.extraction.pdf.runs import INVISIBLE, Run, char_box

# Shares of a run's size: a shadow or a fake bold is drawn nearly at the same place.
_SAME_PLACE: Final = 0.5
_INK_SCALE: Final = 1.0
_MAX_PIXELS: Final = 4_000_000
_BACKGROUND: Final = 250
_GRID: Final = 12


def leave_out_unseen(
    runs: list[Run], page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage
) -> tuple[list[Run], int]:
    """Return the runs that readers see, and how many characters of text were left out that is in the file only.

    Text printed twice is left out without being counted.
    """
    seen = _inside(runs, page, textpage.raw)
    if any(run.is_optional for run in seen):
        seen = _drawn(seen, page, textpage.raw)
    hidden = _count_chars(runs) - _count_chars(seen) if len(seen) < len(runs) else 0
    return _once(seen), hidden


def _count_chars(runs: list[Run]) -> int:
    return sum(len(run.text.strip()) for run in runs)


def _inside(runs: list[Run], page: pypdfium2.PdfPage, raw: Any) -> list[Run]:
    left, bottom, right, top = page.get_bbox()
    kept = []
    for run in runs:
        if run.angle == 0 and run.left < right and run.right > left and bottom <= run.base <= top:
            kept.append(run)
            continue
        box = char_box(raw, run.first)
        if box is None or (box[0] < right and box[2] > left and box[1] < top and box[3] > bottom):
            kept.append(run)
    return kept


def _drawn(runs: list[Run], page: pypdfium2.PdfPage, raw: Any) -> list[Run]:
    """Return the runs without those of layers that leave no ink where they stand."""
    width, height = page.get_size()
    if width * height * _INK_SCALE**2 > _MAX_PIXELS:
        return runs
    bitmap = page.render(scale=_INK_SCALE, grayscale=True, may_draw_forms=False)
    try:
        return [run for run in runs if not run.is_optional or _has_ink(bitmap, page, run, raw)]
    finally:
        bitmap.close()


def _has_ink(bitmap: Any, page: pypdfium2.PdfPage, run: Run, raw: Any) -> bool:
    first, last = char_box(raw, run.first), char_box(raw, run.first + run.count - 1)
    if first is None or last is None:
        return True
    left, right = min(first[0], last[0]), max(first[2], last[2])
    bottom, top = min(first[1], last[1]), max(first[3], last[3])
    pixels = memoryview(bitmap.buffer).cast("B")
    x0, y0, x1, y1 = _in_pixels(page, (left, bottom, right, top), bitmap)
    for y in range(max(y0, 0), min(y1 + 1, bitmap.height)):
        row = pixels[y * bitmap.stride + max(x0, 0) : y * bitmap.stride + min(x1 + 1, bitmap.width)]
        if row and min(row) < _BACKGROUND:
            return True
    return False


def _in_pixels(page: Any, box: tuple[float, float, float, float], bitmap: Any) -> tuple[int, int, int, int]:
    """Return a rectangle of the page's space in pixels, whatever the page's rotation."""
    converter = bitmap.get_posconv(page)
    points = [converter.to_bitmap(x, y) for x in box[::2] for y in box[1::2]]
    across, down = [int(x) for x, _ in points], [int(y) for _, y in points]
    return min(across), min(down), max(across), max(down)


def _once(runs: list[Run]) -> list[Run]:
    """Return the runs without those that repeat another at nearly the same place, and without a second text layer."""
    texts = ["".join(run.text.split()) for run in runs]
    counts = Counter(texts)
    places: dict[tuple[str, int, int], list[Run]] = {}
    kept = []
    for run, text in zip(runs, texts, strict=True):
        if text and counts[text] > 1:
            if _is_repeated(run, text, places):
                continue
            places.setdefault(_place(run, text, 0, 0), []).append(run)
        kept.append(run)
    return kept


def _is_repeated(run: Run, text: str, places: dict[tuple[str, int, int], list[Run]]) -> bool:
    for across in (-1, 0, 1):
        for up in (-1, 0, 1):
            for other in places.get(_place(run, text, across, up), ()):
                near = _SAME_PLACE * max(run.size, other.size) if len(text) > 1 else 0.15 * run.size
                is_layer = INVISIBLE in {run.mode, other.mode} and run.mode != other.mode
                if is_layer or (abs(run.left - other.left) <= near and abs(run.base - other.base) <= near):
                    return True
    return False


def _place(run: Run, text: str, across: int, up: int) -> tuple[str, int, int]:
    return text, round(run.left / _GRID) + across, round(run.base / _GRID) + up
