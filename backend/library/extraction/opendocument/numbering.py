"""Labels of lists and numbers of headings, as readers see them."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction.drawings.lists import bullet_sign
from backend.library.extraction.drawings.names import whole_number
from backend.library.extraction.opendocument.names import FO, LOEXT, STYLE, TEXT, XML
from backend.library.extraction.opendocument.styles import Styles
from backend.library.extraction.word.label_formats import formatted

MAX_LEVEL: Final = 10

_FORMATS: Final = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "1": "decimal"}
_PLACE = re.compile(r"%(\d+)%")
_LEVEL_STYLES: Final = (
    TEXT + "list-level-style-number",
    TEXT + "list-level-style-bullet",
    TEXT + "list-level-style-image",
    TEXT + "outline-level-style",
)


@dataclass(slots=True)
class Counter:
    """The numbers of one list, by level from 1; a list that continues another one shares them."""

    numbers: dict[int, int] = field(default_factory=dict)

    def next(self, level: int, start: int, *, restart: int | None = None) -> None:
        """Count an item of a level; deeper levels begin again."""
        for deeper in [other for other in self.numbers if other > level]:
            del self.numbers[deeper]
        before = self.numbers.get(level)
        self.numbers[level] = restart if restart is not None else (start if before is None else before + 1)


class Numbering:
    """Labels the items and headings of one document."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._by_id: dict[str, Counter] = {}
        self._by_style: dict[str, Counter] = {}
        self._headings = Counter()

    def counter(self, element: Any, style: str | None) -> Counter:
        """Return the counter of a ``text:list`` of the first level: a new one, or that of the list it continues."""
        continued = element.get(TEXT + "continue-list")
        found = self._by_id.get(continued) if continued else None
        if found is None and element.get(TEXT + "continue-numbering") == "true":
            found = self._by_style.get(style or "")
        counter = found or Counter()
        self._by_id[element.get(XML + "id", "")] = counter
        self._by_style[style or ""] = counter
        return counter

    def item_label(self, item: Any, style: str | None, level: int, counter: Counter) -> str:
        """Return the label of the next item of a list, or an empty string."""
        level = min(level, MAX_LEVEL)
        properties = _level_style(self._styles.list_style(style), level)
        start = 1 if properties is None else whole_number(properties.get(TEXT + "start-value"), 1)
        restart = item.get(TEXT + "start-value")
        counter.next(level, start, restart=None if restart is None else whole_number(restart, start))
        written = item.find(TEXT + "number")
        if written is not None:
            return "".join(written.itertext()).strip()
        if properties is None or properties.tag.endswith("image"):
            return "-"
        if properties.tag.endswith("bullet"):
            return bullet_sign(properties.get(TEXT + "bullet-char", "•"), self._bullet_font(properties))
        return self._number_label(properties, level, counter, self._styles.list_style(style))

    def heading_label(self, heading: Any, level: int) -> str:
        """Return the number of a heading, such as ``2.1``, or an empty string."""
        written = heading.find(TEXT + "number")
        properties = _level_style(self._styles.outline, level)
        if properties is None or heading.get(TEXT + "is-list-header") == "true":
            return ""
        restart = heading.get(TEXT + "start-value") if heading.get(TEXT + "restart-numbering") == "true" else None
        start = whole_number(properties.get(TEXT + "start-value"), 1)
        self._headings.next(level, start, restart=None if restart is None else whole_number(restart, start))
        if written is not None:
            return "".join(written.itertext()).strip()
        return self._number_label(properties, level, self._headings, self._styles.outline)

    def _number_label(self, properties: Any, level: int, counter: Counter, style: Any) -> str:
        own_format = properties.get(STYLE + "num-format", "")
        if not own_format:
            return ""
        pattern = properties.get(LOEXT + "num-list-format")
        if pattern is None:
            shown = min(whole_number(properties.get(TEXT + "display-levels"), 1), level)
            places = ".".join(f"%{one}%" for one in range(level - shown + 1, level + 1))
            prefix, suffix = properties.get(STYLE + "num-prefix", ""), properties.get(STYLE + "num-suffix", "")
            pattern = f"{prefix}{places}{suffix}"

        def figure(match: re.Match[str]) -> str:
            upper = min(int(match.group(1)), level)
            at = properties if upper == level else _level_style(style, upper)
            number_format = own_format if at is None else at.get(STYLE + "num-format") or "1"
            return formatted(counter.numbers.get(upper, 1), _FORMATS.get(number_format, "decimal"))

        return _PLACE.sub(figure, pattern).strip()

    def _bullet_font(self, properties: Any) -> str | None:
        for text in properties.iterchildren(STYLE + "text-properties"):
            font: str | None = text.get(STYLE + "font-name") or text.get(FO + "font-family")
            return font
        return self._styles.look("text", properties.get(TEXT + "style-name")).font


def _level_style(style: Any | None, level: int) -> Any | None:
    if style is None:
        return None
    return next((one for one in style.iterchildren(*_LEVEL_STYLES) if one.get(TEXT + "level") == str(level)), None)
