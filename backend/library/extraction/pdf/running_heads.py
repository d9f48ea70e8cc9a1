"""Removes running heads, page numbers and line numbers, which are no part of the text."""

import re
from collections import Counter
from itertools import pairwise
from typing import Final

from backend.library.extraction.pdf.page_content import PlacedLine, ReadPage

_MIN_PAGES: Final = 3
# Shares of the page's height. The titles of slides are further inside, or larger than the text.
_MARGIN: Final = 0.11
_SLIDE_MARGIN: Final = 0.07
_MAX_SIZE: Final = 1.1
_MAX_LINES: Final = 2
_DIGITS = re.compile(r"\d+")
_ROMAN_PAGE = re.compile(r"[ivxlc]{1,8}")
_LINE_NUMBER = re.compile(r"(\d{1,4})\s+(?=\S)")
_MIN_NUMBERED: Final = 4


def remove_running_heads(pages: list[ReadPage], body_size: float) -> None:
    """Remove first and last lines in the margins that repeat, with digits folded, on half of three or more pages.

    A page that would be left empty keeps its lines.
    """
    if len(pages) < _MIN_PAGES:
        return
    for at_top in (True, False):
        edges = [_edge(page, body_size, at_top) for page in pages]
        counts = Counter(key for lines in edges for key in {_fold(line.text) for line in lines})
        least = max(_MIN_PAGES, (len(pages) + 1) // 2)
        for page, lines in zip(pages, edges, strict=True):
            gone = {id(line) for line in lines if counts[_fold(line.text)] >= least}
            if 0 < len(gone) < len(page.lines):
                page.lines = [line for line in page.lines if id(line) not in gone]


def remove_line_numbers(lines: list[PlacedLine]) -> None:
    """Remove numbers that count the lines of running text, as in contracts and in exams on texts."""
    counted = [(line, match) for line in lines if (match := _LINE_NUMBER.match(line.text))]
    if len(counted) < _MIN_NUMBERED or len(counted) < 0.8 * len(lines):
        return
    numbers = [int(match[1]) for _, match in counted]
    if any(after - before != 1 for before, after in pairwise(numbers)):
        return
    # The items of a list begin anew on each line; the lines of running text go on.
    rests = [line.text[match.end() :] for line, match in counted]
    if sum(rest[:1].islower() for rest in rests) < len(rests) / 3:
        return
    for (line, _), rest in zip(counted, rests, strict=True):
        line.text = rest


def _edge(page: ReadPage, body_size: float, at_top: bool) -> list[PlacedLine]:
    upright = [line for line in page.lines if line.height is not None and not line.is_typed]
    upright.sort(key=lambda line: -(line.height or 0) if at_top else (line.height or 0))
    margin = _SLIDE_MARGIN if page.is_landscape else _MARGIN
    found = []
    for line in upright[:_MAX_LINES]:
        distance = 1 - (line.height or 0) if at_top else (line.height or 0)
        if distance > margin or line.size > _MAX_SIZE * body_size:
            break
        found.append(line)
    return found


def _fold(text: str) -> str:
    text = " ".join(text.lower().split())
    return "#" if _ROMAN_PAGE.fullmatch(text) else _DIGITS.sub("#", text)
