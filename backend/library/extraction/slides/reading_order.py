"""The order in which the boxes of a slide are read: by rows and columns, whatever lies on top of what."""

from collections.abc import Sequence
from typing import Final, TypeVar

from backend.library.extraction.slides.geometry import Box

Item = TypeVar("Item")

# Boxes that overlap by less than this part of the smaller one are beside each other: frames touch and cross a little.
_TOLERANCE: Final = 0.15
# Nobody draws more boxes than this on a slide; a hostile file that does is only sorted.
_MAX_CUT: Final = 500


def in_reading_order(items: Sequence[tuple[Box, Item]]) -> list[Item]:
    """Return the items in reading order.

    The slide is cut where the widest gap runs through it, again and again: what is near belongs together. Boxes that
    no gap divides are read from top to bottom, then from left to right.
    """
    ordered: list[Item] = []
    stack = [list(items)]
    while stack:
        group = stack.pop()
        parts = _cut(group) if 1 < len(group) <= _MAX_CUT else None
        if parts is None:
            ordered += [item for _, item in sorted(group, key=lambda one: (one[0].top, one[0].left))]
        else:
            stack.extend(reversed(parts))
    return ordered


def _cut(group: list[tuple[Box, Item]]) -> list[list[tuple[Box, Item]]] | None:
    rows = _gap([(box.top, box.bottom) for box, _ in group])
    columns = _gap([(box.left, box.right) for box, _ in group])
    parts: list[list[tuple[Box, Item]]] = [[], []]
    if rows is not None and (columns is None or rows[0] >= columns[0]):
        for one in group:
            parts[(one[0].top + one[0].bottom) / 2 > rows[1]].append(one)
    elif columns is not None:
        for one in group:
            parts[(one[0].left + one[0].right) / 2 > columns[1]].append(one)
    return parts if all(parts) else None


def _gap(ranges: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Return the width and the middle of the widest gap between ranges; a small overlap is a gap below zero."""
    cores = [(start + (end - start) * _TOLERANCE, end - (end - start) * _TOLERANCE) for start, end in ranges]
    order = sorted(range(len(ranges)), key=lambda at: cores[at][0])
    # Where each range and those after it begin.
    begins = [ranges[at][0] for at in order]
    for at in range(len(begins) - 2, -1, -1):
        begins[at] = min(begins[at], begins[at + 1])
    best: tuple[float, float] | None = None
    core_reach, reach = cores[order[0]][1], ranges[order[0]][1]
    for place, at in enumerate(order[1:], 1):
        width = begins[place] - reach
        if cores[at][0] >= core_reach and (best is None or width > best[0]):
            best = (width, (cores[at][0] + core_reach) / 2)
        core_reach, reach = max(core_reach, cores[at][1]), max(reach, ranges[at][1])
    return best
