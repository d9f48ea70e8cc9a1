"""Leaves out text that readers do not see, or see once: beside the page, on layers that are off, printed twice."""

from typing import Any, Final

import pypdfium2

from backend.library.extraction.pdf.characters import Characters
from backend.library.extraction.pdf.runs import Run

_MAX_PIXELS: Final = 4_000_000
_LIGHT: Final = 250
_MAX_REPEATED: Final = 100
# A shadow, a fake bold and a second text layer are nearly at the same place: a share of their size.
_SAME_PLACE: Final = 0.5


def leave_out_unseen(runs: list[Run], page: pypdfium2.PdfPage, chars: Characters) -> tuple[list[Run], int]:
    """Return the runs that readers see, and how many characters are left out that they never see."""
    left, bottom, right, top = page.get_bbox()
    seen = []
    for run in runs:
        x, y = (run.along, run.base) if not run.turns else chars.origin(run.first)
        if (left <= x <= right and bottom <= y <= top) or _reaches(run, chars, page):
            seen.append(run)
    if any(run.is_optional for run in seen):
        seen = _with_ink(seen, page, chars)
    hidden = _letters(runs) - _letters(seen)
    return _once(seen), hidden


def _reaches(run: Run, chars: Characters, page: pypdfium2.PdfPage) -> bool:
    """Whether a run that begins beside the page ends on it, or reaches into it."""
    left, bottom, right, top = page.get_bbox()
    boxes = [box for box in (chars.box(run.first), chars.box(run.stop - 1)) if box is not None]
    return any(x0 <= right and x1 >= left and y0 <= top and y1 >= bottom for x0, y0, x1, y1 in boxes)


def _letters(runs: list[Run]) -> int:
    return sum(len("".join(run.text.split())) for run in runs)


def _with_ink(runs: list[Run], page: pypdfium2.PdfPage, chars: Characters) -> list[Run]:
    width, height = page.get_size()
    if width * height > _MAX_PIXELS:
        return runs
    bitmap = page.render(scale=1, grayscale=True, may_draw_forms=False)
    try:
        converter = bitmap.get_posconv(page)
        return [run for run in runs if not run.is_optional or _has_ink(run, chars, bitmap, converter)]
    finally:
        bitmap.close()


def _has_ink(run: Run, chars: Characters, bitmap: Any, converter: Any) -> bool:
    boxes = [box for index in range(run.first, run.stop) if (box := chars.box(index)) is not None]
    if not boxes:
        return True
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    bottom, top = min(box[1] for box in boxes), max(box[3] for box in boxes)
    points = [converter.to_bitmap(x, y) for x in (left, right) for y in (bottom, top)]
    x0, x1 = (int(edge(x for x, _ in points)) for edge in (min, max))
    y0, y1 = (int(edge(y for _, y in points)) for edge in (min, max))
    pixels = memoryview(bitmap.buffer)
    for y in range(max(y0, 0), min(y1 + 1, bitmap.height)):
        row = bytes(pixels[y * bitmap.stride + max(x0, 0) : y * bitmap.stride + min(x1 + 1, bitmap.width)])
        if row and min(row) < _LIGHT:
            return True
    return False


def _once(runs: list[Run]) -> list[Run]:
    places: dict[str, list[Run]] = {}
    kept: list[Run] = []
    for run in runs:
        text = "".join(run.text.split())
        others = places.setdefault(text, [])
        if text and any(_is_same(run, other) for other in others):
            continue
        kept.append(run)
        if len(others) < _MAX_REPEATED:
            others.append(run)
    return kept


def _is_same(run: Run, other: Run) -> bool:
    # A single sign may stand twice close together, as in a formula; a text hardly does.
    near = (_SAME_PLACE if len(run.text) > 2 else 0.12) * max(run.size, other.size)
    return run.turns == other.turns and abs(run.along - other.along) <= near and abs(run.base - other.base) <= near
