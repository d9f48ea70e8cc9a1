"""Automatic numbers and letters of paragraphs, as Word shows them."""

import re
from typing import Any, Final, NamedTuple

from backend.library.extraction.formulas.symbols import decode
from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.word.label_formats import formatted
from backend.library.extraction.word.names import RUN_PR, VAL, W, is_set, number_of, value_of, whole_number

BULLET: Final = "-"
MAX_LEVELS: Final = 9

_PLACE = re.compile(r"%([1-9])")


class Level(NamedTuple):
    """One level of a list. ``restart`` is the level (from 1) whose paragraphs restart it; None: the one above."""

    start: int = 1
    number_format: str = "decimal"
    text: str = ""
    restart: int | None = None
    is_legal: bool = False
    style: str | None = None


class Numbering:
    """Lists of a Word file, with the numbers that they have come to."""

    def __init__(self, root: Any) -> None:
        """Take the root of ``numbering.xml``, or None if there is none."""
        self._abstract: dict[str, Any] = {}
        self._lists: dict[str, Any] = {}
        self._style_lists: dict[str, str] = {}
        self._levels: dict[str, dict[int, Level]] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._started: set[tuple[str, int]] = set()
        for element in root if root is not None else ():
            if element.tag == f"{W}abstractNum":
                identifier = element.get(f"{W}abstractNumId", "")
                self._abstract[identifier] = element
                style = value_of(element, "styleLink")
                if style:
                    self._style_lists[style] = identifier
            elif element.tag == f"{W}num":
                self._lists[element.get(f"{W}numId", "")] = element

    def level_of_style(self, number: str, style: str | None) -> int:
        """Return the level of a list that belongs to a paragraph style; the first if none does."""
        for depth, level in self._levels_of(number).items():
            if style is not None and level.style == style:
                return depth
        return 0

    def next_label(self, number: str, depth: int) -> str | None:
        """Count a paragraph of a list and return its label, ``BULLET`` for bullets; None if it has none."""
        levels = self._levels_of(number)
        level = levels.get(depth)
        if level is None:
            return None
        counters = self._counters_of(number, depth, levels)
        counters[depth] = counters[depth] + 1 if depth in counters else level.start
        for below in [below for below in counters if below > depth]:
            restart = levels[below].restart if below in levels else None
            if restart is None or (restart and depth < restart):
                del counters[below]
        if level.number_format == "bullet":
            return BULLET
        if level.number_format == "none":
            return _PLACE.sub("", level.text).strip() or None
        return _label(level, levels, counters, depth).strip() or None

    def _counters_of(self, number: str, depth: int, levels: dict[int, Level]) -> dict[int, int]:
        """Lists that share an abstract one go on counting, unless they override where to start."""
        counters = self._counters.setdefault(self._abstract_id(number), {})
        for override in self._lists[number].iterchildren(f"{W}lvlOverride"):
            overridden = whole_number(override.get(f"{W}ilvl"))
            if overridden is None or number_of(override, "startOverride") is None:
                continue
            if overridden <= depth and (number, overridden) not in self._started:
                self._started.add((number, overridden))
                for below in [below for below in counters if below >= overridden]:
                    del counters[below]
        for above in range(depth):
            if above not in counters and above in levels:
                counters[above] = levels[above].start
        return counters

    def _levels_of(self, number: str) -> dict[int, Level]:
        if number not in self._levels:
            self._levels[number] = self._read_levels(number)
        return self._levels[number]

    def _abstract_id(self, number: str) -> str:
        """Return the id of the abstract list, through a link to a list style."""
        identifier = value_of(self._lists[number], "abstractNumId") or ""
        element = self._abstract.get(identifier)
        link = value_of(element, "numStyleLink") if element is not None else None
        return self._style_lists.get(link, identifier) if link else identifier

    def _read_levels(self, number: str) -> dict[int, Level]:
        if number not in self._lists:
            return {}
        levels = _levels_in(self._abstract.get(self._abstract_id(number)))
        for override in self._lists[number].iterchildren(f"{W}lvlOverride"):
            depth = whole_number(override.get(f"{W}ilvl"))
            start = number_of(override, "startOverride")
            if depth is None:
                continue
            levels.update(_levels_in(override))
            if start is not None:
                levels[depth] = levels.get(depth, Level())._replace(start=start)
        return levels


def _levels_in(container: Any) -> dict[int, Level]:
    levels: dict[int, Level] = {}
    for element in container.iterchildren(f"{W}lvl") if container is not None else ():
        depth = whole_number(element.get(f"{W}ilvl"))
        if depth is not None and 0 <= depth < MAX_LEVELS:
            levels[depth] = _level(element)
    return levels


def _level(element: Any) -> Level:
    start = number_of(element, "start")
    properties = element.find(RUN_PR)
    if properties is not None and is_set(properties, "vanish"):
        # The paragraphs count, but their labels are hidden.
        return Level(0 if start is None else start, "none")
    fonts = properties.find(f"{W}rFonts") if properties is not None else None
    text, _ = decode(
        remove_marks(value_of(element, "lvlText") or ""), fonts.get(f"{W}ascii") if fonts is not None else None
    )
    return Level(
        0 if start is None else start,
        _format_of(element),
        text,
        number_of(element, "lvlRestart"),
        bool(is_set(element, "isLgl")),
        value_of(element, "pStyle"),
    )


def _format_of(level: Any) -> str:
    # Word keeps new formats within a choice; their plain name is an attribute.
    found = level.find(f".//{W}numFmt")
    if found is None:
        return "decimal"
    return str(found.get(f"{W}format") if found.get(VAL) == "custom" else found.get(VAL, "decimal"))


def _label(level: Level, levels: dict[int, Level], counters: dict[int, int], depth: int) -> str:
    def _number(match: re.Match[str]) -> str:
        place = int(match.group(1)) - 1
        if place > depth:
            return ""
        shown = levels.get(place, Level())
        number = counters.get(place, shown.start)
        return formatted(number, "decimal" if level.is_legal else shown.number_format)

    return _PLACE.sub(_number, level.text)
