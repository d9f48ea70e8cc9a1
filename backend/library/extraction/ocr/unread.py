"""Finds ink on a page that is in none of the words read: formulas, drawings, and words under a stamp.

Tesseract takes such parts for pictures and returns nothing for them, not even a low confidence.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from backend.library.extraction.ocr.recognised import Box, Unread

# Half the size is enough to find ink, and takes a quarter of the time.
_SCALE: Final = 2
_INK: Final = 150
# A cell is a quarter of a letter; with more ink than this it is not a speck.
_CELL_INK: Final = 24
_CELLS_PER_LETTER: Final = 4
_MIN_CELL: Final = 4
_MIN_CELLS: Final = 5
# In letters: two letters side by side are wider than the first, and bullets and dashes lower than the second.
_MIN_WIDTH: Final = 1.2
_MIN_HEIGHT: Final = 0.6
# Straight strokes of four letters are rules, frames and edges. They may be broken by this much.
_RULE_LETTERS: Final = 2
_RULE_INK: Final = 245
_MAX_RULE_RADIUS: Final = 120
# Cells this near belong together, so that a formula is one part.
_NEAR: Final = [(x, y) for x in range(-6, 7) for y in range(-3, 4)]
# Above this, the paper itself has a pattern: it is one part.
_MAX_CELLS: Final = 30_000
_MAX_PARTS: Final = 100

_Cell = tuple[int, int]


class _Grid(NamedTuple):
    """The cells of a page that have ink outside words, ``size`` pixels wide and high."""

    size: int
    cells: frozenset[_Cell]


def find_unread(image: Image.Image, words: Sequence[Box]) -> Unread:
    """Return the parts of a grey page with dark ink that are in no word, and the words they touch or are beside."""
    if not words:
        return Unread(0, (), frozenset())
    letter = max(8.0, median(min(box.right - box.left, box.bottom - box.top) for box in words))
    cell = max(_MIN_CELL, round(letter / _CELLS_PER_LETTER / _SCALE))
    ink = image.reduce(_SCALE).point(lambda value: 255 * (value < _INK))
    ink = _erase(_remove_rules(ink, letter / _SCALE), words, cell)
    cells = ink.reduce(cell).point(lambda value: 255 * (value >= _CELL_INK))
    found = [part for part in _divide(cells) if _is_text(part, cells.size)]
    grid = _Grid(cell * _SCALE, frozenset(at for part in found for at in part))
    beside = frozenset(number for number, word in enumerate(words) if _is_beside(word, grid, letter))
    shown = sorted(found, key=len, reverse=True)[:_MAX_PARTS]
    places = tuple(_box(band, grid.size) for part in shown for band in _bands(part))
    return Unread(len(found), places, beside)


def _remove_rules(ink: Image.Image, letter: float) -> Image.Image:
    radius = min(round(letter * _RULE_LETTERS), _MAX_RULE_RADIUS)
    # Also dark areas, such as boxes with white letters: no stroke of a letter is as thick as half of it.
    thick = max(2, round(letter / _CELLS_PER_LETTER))
    rules = []
    for axis in ((radius, 0), (0, radius), (thick, thick)):
        middles = ink.filter(ImageFilter.BoxBlur(axis)).point(lambda value: 255 * (value >= _RULE_INK))
        rules.append(middles.filter(ImageFilter.BoxBlur(axis)).point(lambda value: 255 * (value > 0)))
    for rule in rules:
        ink = ImageChops.subtract(ink, rule.filter(ImageFilter.MaxFilter(5)))
    return ink


def _erase(ink: Image.Image, words: Iterable[Box], margin: int) -> Image.Image:
    draw = ImageDraw.Draw(ink)
    for word in words:
        left, top, right, bottom = (edge // _SCALE for edge in word)
        draw.rectangle((left - margin, top - margin, right + margin, bottom + margin), fill=0)
    return ink


def _divide(cells: Image.Image) -> list[list[_Cell]]:
    """Return the cells with ink in parts of cells that are near one another."""
    width, _ = cells.size
    left = {(at % width, at // width) for at, value in enumerate(cells.tobytes()) if value}
    if len(left) > _MAX_CELLS:
        return [list(left)]
    parts = []
    while left:
        part, todo = [], [left.pop()]
        while todo:
            x, y = todo.pop()
            part.append((x, y))
            near = left.intersection([(x + dx, y + dy) for dx, dy in _NEAR])
            left -= near
            todo.extend(near)
        parts.append(part)
    return parts


def _bands(part: Iterable[_Cell]) -> Iterable[list[_Cell]]:
    """Yield a part in bands as high as two letters, so that it is marked at each line that it reaches."""
    for _, band in groupby(sorted(part, key=itemgetter(1)), key=lambda at: at[1] // (2 * _CELLS_PER_LETTER)):
        yield list(band)


def _is_text(part: Sequence[_Cell], size: tuple[int, int]) -> bool:
    """Whether a part is at least as large as two letters, and not the shadow of an edge of the paper."""
    left, top, right, bottom = _box(part, 1)
    if left <= 0 or top <= 0 or right >= size[0] or bottom >= size[1]:
        return False
    is_wide = right - left >= _MIN_WIDTH * _CELLS_PER_LETTER and bottom - top >= _MIN_HEIGHT * _CELLS_PER_LETTER
    return is_wide and len(part) >= _MIN_CELLS


def _box(part: Sequence[_Cell], cell: int) -> Box:
    columns, rows = [x for x, _ in part], [y for _, y in part]
    return Box(min(columns) * cell, min(rows) * cell, (max(columns) + 1) * cell, (max(rows) + 1) * cell)


def _is_beside(word: Box, grid: _Grid, letter: float) -> bool:
    """Whether a part begins within a letter's width of a word, on its line."""
    inset = (word.bottom - word.top) / 4
    columns = range(int((word.left - 1.5 * letter) // grid.size), int((word.right + 1.5 * letter) // grid.size) + 1)
    rows = range(int((word.top + inset) // grid.size), int((word.bottom - inset) // grid.size) + 1)
    return any((x, y) in grid.cells for y in rows for x in columns)
