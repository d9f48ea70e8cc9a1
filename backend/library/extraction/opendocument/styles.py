"""Styles: what they raise, hide, number and call a heading, with what they inherit."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from backend.library.extraction.drawings.names import whole_number
from backend.library.extraction.opendocument.names import DRAW, FO, OFFICE, STYLE, SVG, TEXT

_MAX_PARENTS: Final = 20
_HEADING = re.compile(r"heading (\d+)")
_CODE_STYLES: Final = frozenset({"preformatted text", "source code", "code", "quelltext"})
_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?)%")


class Look(NamedTuple):
    """What a style says about text; None if it leaves that to what is around the text.

    ``shift``: raised (1), lowered (-1) or neither (0).
    """

    shift: int | None = None
    font: str | None = None
    is_hidden: bool | None = None
    is_struck: bool | None = None

    def over(self, other: "Look") -> "Look":
        """Return this look, filled up with another one."""
        return Look(
            other.shift if self.shift is None else self.shift,
            other.font if self.font is None else self.font,
            other.is_hidden if self.is_hidden is None else self.is_hidden,
            other.is_struck if self.is_struck is None else self.is_struck,
        )


PLAIN: Final = Look(0, None, False, False)


class Styles:
    """The styles of a document: those of its content and those that have names."""

    def __init__(self, *roots: Any) -> None:
        """Take the root elements of the content and the styles, the nearer first."""
        self._styles: dict[tuple[str, str], Any] = {}
        self._lists: dict[str, Any] = {}
        self._fonts: dict[str, str] = {}
        self._images: dict[str, Any] = {}
        self._looks: dict[tuple[str, str], Look] = {}
        self._headings: dict[str, int] = {}
        self.outline: Any | None = None
        for root in roots:
            for element in _style_elements(root):
                self._learn(element)

    def look(self, family: str, name: str | None) -> Look:
        """Return what a style of text or paragraphs says about letters."""
        if name is None:
            return Look()
        key = (family, name)
        if key not in self._looks:
            look = Look()
            for style in self._chain(family, name):
                for properties in style.iterchildren(STYLE + "text-properties"):
                    look = look.over(self._look_of(properties))
            self._looks[key] = look
        return self._looks[key]

    def heading_level(self, name: str | None) -> int:
        """Return the level of a heading that a paragraph's style makes it, else 0."""
        if name is None:
            return 0
        if name not in self._headings:
            self._headings[name] = next(filter(None, map(_level_of, self._chain("paragraph", name))), 0)
        return self._headings[name]

    def is_code(self, name: str | None) -> bool:
        """Whether a paragraph's style is for program text."""
        return any(_label(style) in _CODE_STYLES for style in self._chain("paragraph", name))

    def begins_page(self, name: str | None) -> bool:
        """Whether a paragraph or table with this style begins a page."""
        for family in ("paragraph", "table"):
            for style in self._chain(family, name):
                if style.get(STYLE + "master-page-name"):
                    # Another kind of page, such as a landscape one, begins on a page of its own.
                    return True
                for properties in style.iterchildren(f"{STYLE}{family}-properties"):
                    if properties.get(FO + "break-before") == "page":
                        return True
        return False

    def list_style(self, name: str | None) -> Any | None:
        """Return a list style."""
        return None if name is None else self._lists.get(name)

    def list_of_paragraph(self, name: str | None) -> str | None:
        """Return the name of the list style that a paragraph's style sets."""
        found = (style.get(STYLE + "list-style-name") for style in self._chain("paragraph", name))
        return next(filter(None, found), None)

    def property(self, family: str, name: str | None, attribute: str) -> str | None:
        """Return an attribute of any properties of a style, or of the styles that it inherits from."""
        for style in self._chain(family, name):
            for properties in style.iterchildren("*"):
                value = properties.get(attribute)
                if value is not None:
                    return str(value)
        return None

    def fill_image(self, family: str, name: str | None) -> Any | None:
        """Return the ``draw:fill-image`` that a style fills shapes or pages with, or None."""
        if self.property(family, name, DRAW + "fill") != "bitmap":
            return None
        return self._images.get(self.property(family, name, DRAW + "fill-image-name") or "")

    def _chain(self, family: str, name: str | None) -> Iterator[Any]:
        """Yield a style and those it inherits from."""
        for _ in range(_MAX_PARENTS):
            style = self._styles.get((family, name)) if name is not None else None
            if style is None:
                return
            yield style
            name = style.get(STYLE + "parent-style-name")

    def _learn(self, element: Any) -> None:
        name = element.get(STYLE + "name", "")
        if element.tag == STYLE + "style":
            self._styles.setdefault((element.get(STYLE + "family", ""), name), element)
        elif element.tag == TEXT + "list-style":
            self._lists.setdefault(name, element)
        elif element.tag == TEXT + "outline-style":
            self.outline = element
        elif element.tag == STYLE + "font-face":
            family = element.get(SVG + "font-family", "")
            self._fonts.setdefault(name, family.strip("'\" "))
        elif element.tag == DRAW + "fill-image":
            self._images.setdefault(element.get(DRAW + "name", ""), element)

    def _look_of(self, properties: Any) -> Look:
        display = properties.get(TEXT + "display")
        font = properties.get(STYLE + "font-name")
        family = self._fonts.get(font, font) if font else properties.get(FO + "font-family")
        return Look(
            _shift(properties.get(STYLE + "text-position")),
            family.strip("'\" ") if family else None,
            None if display is None else display == "none",
            _is_struck(properties),
        )


def _style_elements(root: Any) -> Iterator[Any]:
    for holder in root.iterchildren(OFFICE + "font-face-decls", OFFICE + "automatic-styles", OFFICE + "styles"):
        yield from holder.iterchildren("*")


def _is_struck(properties: Any) -> bool | None:
    """Whether text is struck through; either attribute may say so."""
    values = [properties.get(f"{STYLE}text-line-through-{name}") for name in ("style", "type")]
    said = [value for value in values if value]
    return "none" not in said if said else None


def _shift(position: str | None) -> int | None:
    """Return the direction of ``super 58%``, ``-33% 58%`` or ``0% 100%``."""
    if not position:
        return None
    word = position.split()[0]
    if word in ("super", "sub"):
        return 1 if word == "super" else -1
    percent = _PERCENT.fullmatch(word)
    value = float(percent.group(1)) if percent else 0
    return (value > 0) - (value < 0)


def _label(style: Any) -> str:
    """Return the name of a style as users see it, in lower case; automatic styles have none."""
    name = style.get(STYLE + "display-name") or style.get(STYLE + "name", "").replace("_20_", " ")
    return str(name).lower()


def _level_of(style: Any) -> int:
    level = whole_number(style.get(STYLE + "default-outline-level"), 0)
    if level:
        return level
    label = _label(style)
    heading = _HEADING.fullmatch(label)
    return int(heading.group(1)) if heading else int(label == "title")
