"""Leaves out text that readers do not see, or see once: hidden layers, off the page, white on white, double print."""

from collections import Counter
from typing import Any, Final

import pypdfium2

from backend.library.extraction.pdf.beneath import Box, find_dark_boxes, find_ground
from backend.library.extraction.pdf.runs import INVISIBLE, Run, char_box

# Shares of a run's size: a shadow or a fake bold is drawn nearly at the same place.
_SAME_PLACE: Final = 0.5
_INK_SCALE: Final = 1.0
_MAX_PIXELS: Final = 4_000_000
_BACKGROUND: Final = 250
_GRID: Final = 12
# In points. On a small page, such as a slide that is shown larger, it is a share of the page's shorter side.
_UNREADABLE: Final = 1.0
_UNREADABLE_SHARE: Final = 1 / 300
_MAX_TINY_BOXES: Final = 50
# A scan has only a stamp or a page number as visible text.
_STAMP_CHARS: Final = 400
_FEW_CHARS: Final = 20
# Pixels around the text that is looked at.
_CROP_MARGIN: Final = 4.0


def leave_out_unseen(
    runs: list[Run], page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage
) -> tuple[list[Run], int]:
    """Return the runs that readers see, and how many characters of text were left out that is in the file only.

    Text printed twice is left out without being counted.
    """
    seen = _inside(runs, page, textpage.raw)
    if any(run.size < _UNREADABLE for run in seen):
        seen = _readable(seen, page, textpage.raw)
    if any(run.mode == INVISIBLE for run in seen):
        seen = _visible(seen, page, textpage.raw)
    if any(run.is_optional or run.is_pale for run in seen):
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


def _readable(runs: list[Run], page: pypdfium2.PdfPage, raw: Any) -> list[Run]:
    limit = min(_UNREADABLE, _UNREADABLE_SHARE * min(page.get_size()))
    return [run for run in runs if run.size >= limit or not _is_tiny(run, limit, raw)]


def _is_tiny(run: Run, limit: float, raw: Any) -> bool:
    """Whether a run's signs are smaller than ``limit``. Bitmap fonts may have a size that says nothing."""
    if run.right - run.left > limit * run.count:
        return False
    boxes = [char_box(raw, run.first + at) for at in range(min(run.count, _MAX_TINY_BOXES))]
    lengths = [max(box[2] - box[0], box[3] - box[1]) for box in boxes if box is not None]
    return 0 < max(lengths, default=0.0) < limit


def _visible(runs: list[Run], page: pypdfium2.PdfPage, raw: Any) -> list[Run]:
    """Return the runs without those that are invisible and do not stand on a picture of their text."""
    ground = find_ground(page)
    if ground.is_scan:
        return runs
    boxes = {
        id(run): box
        for run in runs
        if run.mode == INVISIBLE and not run.text.isspace()
        if (box := _box(run, raw)) is not None
        if not ground.has_picture_at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    }
    if _count_chars([run for run in runs if run.mode != INVISIBLE]) < _FEW_CHARS:
        # The visible letters may be outlines.
        unseen = _without_ink(boxes, page)
    else:
        unseen = set(boxes)
    return [run for run in runs if id(run) not in unseen]


def _drawn(runs: list[Run], page: pypdfium2.PdfPage, raw: Any) -> list[Run]:
    """Return the runs without those of layers, and those filled with white, that leave no ink where they stand."""
    boxes = {id(run): box for run in runs if run.is_optional or run.is_pale if (box := _box(run, raw)) is not None}
    if boxes and not any(run.is_optional for run in runs):
        # Far cheaper than drawing: most white text stands in the dark head of a table.
        boxes = _beside_dark(boxes, page)
    unseen = _without_ink(boxes, page)
    if any(run.is_pale and id(run) in unseen for run in runs) and _is_scan(runs, page):
        unseen -= {id(run) for run in runs if run.is_pale and not run.is_optional}
    return [run for run in runs if id(run) not in unseen]


def _beside_dark(boxes: dict[int, Box], page: pypdfium2.PdfPage) -> dict[int, Box]:
    """Return the boxes that do not stand in a dark one."""
    left = dict(boxes)
    for dark in find_dark_boxes(page):
        left = {key: box for key, box in left.items() if not _holds(dark, box)}
        if not left:
            break
    return left


def _holds(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def _without_ink(boxes: dict[int, Box], page: pypdfium2.PdfPage) -> set[int]:
    """Return the keys of the boxes in which the page is blank; none if it is too large to be drawn."""
    bitmap = _render(page, list(boxes.values())) if boxes else None
    if bitmap is None:
        return set()
    try:
        return {key for key, box in boxes.items() if not _has_ink(bitmap, page, box)}
    finally:
        bitmap.close()


def _is_scan(runs: list[Run], page: pypdfium2.PdfPage) -> bool:
    """Whether the page is a picture whose text layer may be white."""
    dark = [run for run in runs if not run.is_pale and run.mode != INVISIBLE]
    return _count_chars(dark) < _STAMP_CHARS and find_ground(page).is_scan


def _box(run: Run, raw: Any) -> Box | None:
    first, last = char_box(raw, run.first), char_box(raw, run.first + run.count - 1)
    if first is None or last is None:
        return None
    return min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3])


def _render(page: pypdfium2.PdfPage, boxes: list[Box]) -> Any:
    """Return a picture of the part of the page that holds the boxes, or None if it is too large."""
    width, height = page.get_size()
    left, bottom, right, top = page.get_bbox()
    crop = (0.0, 0.0, 0.0, 0.0)
    if page.get_rotation() == 0 and abs(right - left - width) < 1 and abs(top - bottom - height) < 1:
        crop = (
            max(min(box[0] for box in boxes) - left - _CROP_MARGIN, 0.0),
            max(min(box[1] for box in boxes) - bottom - _CROP_MARGIN, 0.0),
            max(right - max(box[2] for box in boxes) - _CROP_MARGIN, 0.0),
            max(top - max(box[3] for box in boxes) - _CROP_MARGIN, 0.0),
        )
    area = (width - crop[0] - crop[2]) * (height - crop[1] - crop[3])
    if area <= 0 or area * _INK_SCALE**2 > _MAX_PIXELS:
        return None
    return page.render(scale=_INK_SCALE, grayscale=True, may_draw_forms=False, crop=crop)


def _has_ink(bitmap: Any, page: pypdfium2.PdfPage, box: Box) -> bool:
    pixels = memoryview(bitmap.buffer).cast("B")
    x0, y0, x1, y1 = _in_pixels(page, box, bitmap)
    for y in range(max(y0, 0), min(y1 + 1, bitmap.height)):
        row = pixels[y * bitmap.stride + max(x0, 0) : y * bitmap.stride + min(x1 + 1, bitmap.width)]
        if row and min(row) < _BACKGROUND:
            return True
    return False


def _in_pixels(page: Any, box: Box, bitmap: Any) -> tuple[int, int, int, int]:
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
