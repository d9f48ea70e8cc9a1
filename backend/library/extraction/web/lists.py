"""Lists of web pages, with the labels that a browser shows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.web.flow import Kind, Piece, indent

_STYLES: Final = {
    "1": "decimal", "a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman",
    "lower-latin": "lower-alpha", "upper-latin": "upper-alpha",
}  # fmt: skip
_ROMAN: Final = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
_MAX_ROMAN = 3_999
_MAX_NUMBER = 1_000_000_000
_STRING = r"(?:\"[^\"]*\"|'[^']*')"
_COUNTER = re.compile(
    rf"counters?\(\s*(?P<name>[\w-]+)\s*(?:,\s*(?P<joiner>{_STRING})\s*)?(?:,\s*(?P<style>[\w-]+)\s*)?\)"
)
_CONTENT = re.compile(f"(?P<text>{_STRING})|{_COUNTER.pattern}")
_ESCAPE = re.compile(r"\\0*([0-9a-fA-F]{1,4}) ?")
_BULLETS = frozenset({"disc", "circle", "square"})


@dataclass(slots=True)
class Listing:
    """A list that is being read."""

    ordered: bool
    style: str
    number: int
    step: int
    delimiter: str = "."
    shown: int = 0
    items: list[tuple[str, list[Piece]]] = field(default_factory=list)

    def label(self, value: str | None, own_style: str = "") -> str:
        """Return the label of the next item; ``value`` and ``own_style`` are the number and style of its element."""
        style = own_style or self.style
        given = _whole(value)
        self.shown = self.number if given is None else given
        self.number = self.shown + self.step
        if style == "none":
            return ""
        if style in _BULLETS or (not self.ordered and not style):
            return "-"
        return f"{format_number(self.shown, style)}{self.delimiter}"

    def definition_label(self, name: str) -> str:
        """Return the label of a term or of its definition, which is indented if a term comes before it."""
        return " " if name == "dd" and self.items else ""

    def add(self, label: str, pieces: list[Piece]) -> None:
        if pieces:
            self.items.append((label, pieces))

    def finish(self) -> list[Piece]:
        """Return the list as one piece, or, if it is used to lay out a page, the pieces of its items."""
        if any(piece.kind is Kind.HEADING for _, pieces in self.items for piece in pieces):
            return [piece for label, pieces in self.items for piece in _labelled(label, pieces)]
        text = "\n".join(_item(label, pieces) for label, pieces in self.items)
        return [Piece(text, Kind.LIST)] if text else []


def open_list(element: etree._Element, name: str, style: str) -> Listing:
    """Begin a list. ``style`` is its list style by CSS, if it has one."""
    style = style or element.get("type", "")
    style = _STYLES.get(style, style.lower())
    if name != "ol":
        return Listing(ordered=False, style=style, number=1, step=1)
    backwards = element.get("reversed") is not None
    count = sum(1 for child in element if local_name(child) == "li") if backwards else 1
    start = _whole(element.get("start"))
    return Listing(
        ordered=True,
        style=style or "decimal",
        number=count if start is None else start,
        step=-1 if backwards else 1,
    )


class Counters:
    """Labels that CSS puts together from counters: ``counter(a, lower-latin) ". "``, ``counters(b, ".")``."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def label(self, content: str, number: int, above: Sequence[int]) -> str:
        """Return the label of an item that has this number, in lists that have come to the numbers ``above``."""
        found = list(_COUNTER.finditer(content))
        if not found:
            return ""
        # The last counter is that of the list itself.
        self._numbers[found[-1]["name"]] = number
        parts: list[str] = []
        for match in _CONTENT.finditer(content):
            if match["text"] is not None:
                parts.append(_ESCAPE.sub(lambda code: chr(int(code[1], 16)), match["text"][1:-1]))
                continue
            style = match["style"] or "decimal"
            levels = above if match["joiner"] is not None else [self._numbers.get(match["name"], 1)]
            joiner = (match["joiner"] or "''")[1:-1]
            parts.append(joiner.join(format_number(level, style) for level in levels))
        return " ".join(remove_marks("".join(parts)).split())


def format_number(number: int, style: str) -> str:
    """Return a number as a list of the CSS list style shows it."""
    if style.endswith(("-alpha", "-latin")) and number > 0:
        letters = _letters(number)
        return letters.upper() if style.startswith("upper") else letters
    if style.endswith("-roman") and 0 < number <= _MAX_ROMAN:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman.upper() if style.startswith("upper") else roman
    if style == "lower-greek" and 0 < number <= len(_GREEK):
        return _GREEK[number - 1]
    if style == "decimal-leading-zero":
        return f"{number:02}"
    return str(number)


def _letters(number: int) -> str:
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _whole(text: str | None) -> int | None:
    match = re.match(r"\s*([+-]?\d{1,10})", text or "", re.ASCII)
    number = int(match[1]) if match else None
    return number if number is not None and abs(number) <= _MAX_NUMBER else None


def _item(label: str, pieces: Sequence[Piece]) -> str:
    start = f"{label} " if label else ""
    text = pieces[0].text
    if not label and pieces[0].kind is Kind.LIST:
        # A list directly inside a list, which HTML does not allow but browsers indent.
        start = "  "
    for piece in pieces[1:]:
        # Only a list follows at once; paragraphs, code and tables are apart.
        text += ("\n" if piece.kind is Kind.LIST else "\n\n") + piece.text
    return start + indent(text, len(start))


def _labelled(label: str, pieces: Sequence[Piece]) -> list[Piece]:
    first = pieces[0]
    if label.strip() in ("", "-") or first.kind in (Kind.CODE, Kind.TABLE):
        return list(pieces)
    return [Piece(f"{label} {first.text}", first.kind, first.level), *pieces[1:]]
