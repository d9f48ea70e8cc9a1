"""Styles of a Word file: what a paragraph or a run inherits along ``basedOn``."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from backend.library.extraction.word.names import (
    OFF,
    P_PR,
    RUN_PR,
    VAL,
    W,
    half_points,
    is_set,
    number_of,
    value_of,
)

_MAX_LEVEL = 6
_BODY_LEVEL = 9
_MAX_CHAIN = 30
_HEADING_NAME = re.compile(r"(?:heading|überschrift|berschrift|titre|titolo)\s*(\d)", re.IGNORECASE)
_CODE_NAMES = frozenset(
    {"html preformatted", "source code", "code", "code block", "codeblock", "listing", "programlisting", "macro"}
    | {"quelltext", "quellcode", "programmcode"}
)
_MONOSPACE = re.compile(
    r"courier|consolas|menlo|monaco|\bmono\b|monospace|lucida console|inconsolata|source code|fira code|jetbrains",
    re.IGNORECASE,
)
_FONTS, _VANISH, _VERTICAL, _POSITION, _SIZE = (
    f"{W}{name}" for name in ("rFonts", "vanish", "vertAlign", "position", "sz")
)
_STRIKES = frozenset({f"{W}strike", f"{W}dstrike"})
_ASCII, _OTHER, _ASCII_THEME, _OTHER_THEME = (f"{W}{name}" for name in ("ascii", "hAnsi", "asciiTheme", "hAnsiTheme"))


class RunStyle(NamedTuple):
    """What matters of the look of a run; None: the level below decides. An empty font: the theme's.

    ``font`` is that of plain letters, ``other_font`` that of everything else, such as codes of a symbol font.
    ``position`` and ``size`` are in half-points.
    """

    hidden: bool | None = None
    vertical: str | None = None
    position: int | None = None
    font: str | None = None
    other_font: str | None = None
    size: int | None = None
    struck: bool | None = None

    def over(self, below: "RunStyle") -> "RunStyle":
        """Return these properties, and those of ``below`` where there are none."""
        return RunStyle(
            below.hidden if self.hidden is None else self.hidden,
            below.vertical if self.vertical is None else self.vertical,
            below.position if self.position is None else self.position,
            below.font if self.font is None else self.font,
            below.other_font if self.other_font is None else self.other_font,
            below.size if self.size is None else self.size,
            below.struck if self.struck is None else self.struck,
        )


PLAIN: Final = RunStyle()


@dataclass(frozen=True, slots=True)
class ParagraphStyle:
    """What matters of the look of a paragraph. ``level`` is 0 for body text, and 1 to 6 for headings."""

    level: int = 0
    numbering: tuple[str | None, int | None] = (None, None)
    breaks_page: bool = False
    is_code: bool = False
    run: RunStyle = PLAIN


def is_monospace(font: str | None) -> bool:
    """Whether letters of this font are all of one width, as code is written."""
    return font is not None and _MONOSPACE.search(font) is not None


def run_style(properties: Any) -> RunStyle:
    """Read the properties of a run."""
    hidden = vertical = position = font = other_font = size = struck = None
    for node in properties:
        tag = node.tag
        if tag == _FONTS:
            font = "" if node.get(_ASCII_THEME) else node.get(_ASCII, node.get(_OTHER))
            other_font = "" if node.get(_OTHER_THEME) else node.get(_OTHER, node.get(_ASCII))
        elif tag == _VANISH:
            hidden = node.get(VAL, "1") not in OFF
        elif tag == _VERTICAL:
            vertical = node.get(VAL)
        elif tag == _POSITION:
            position = half_points(node.get(VAL))
        elif tag == _SIZE:
            size = half_points(node.get(VAL))
        elif tag in _STRIKES:
            struck = bool(struck) or node.get(VAL, "1") not in OFF
    return RunStyle(hidden, vertical, position, font, other_font, size, struck)


def outline_level(properties: Any) -> int | None:
    """Return 1 to 6 for a place in the outline, 0 for body text, None if the properties do not say."""
    level = number_of(properties, "outlineLvl")
    if level is None:
        return None
    return min(level + 1, _MAX_LEVEL) if 0 <= level < _BODY_LEVEL else 0


def numbering_of(properties: Any) -> tuple[str | None, int | None]:
    """Return the list and the level that ``w:numPr`` names; each None if it does not."""
    numbering = properties.find(f"{W}numPr")
    if numbering is None:
        return None, None
    return value_of(numbering, "numId"), number_of(numbering, "ilvl")


class Styles:
    """The styles by their ids, resolved when they are first asked for."""

    def __init__(self, root: Any) -> None:
        """Take the root of ``styles.xml``, or None if there is none."""
        self._elements: dict[str, Any] = {}
        self._defaults: dict[str, str] = {}
        self._paragraphs: dict[str | None, ParagraphStyle] = {}
        self._characters: dict[str | None, RunStyle] = {}
        self._base = PLAIN
        if root is None:
            return
        defaults = root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
        if defaults is not None:
            self._base = run_style(defaults)
        for style in root.iterchildren(f"{W}style"):
            identifier = style.get(f"{W}styleId", "")
            self._elements[identifier] = style
            if style.get(f"{W}default") in ("1", "true", "on"):
                self._defaults[style.get(f"{W}type", "")] = identifier

    def paragraph(self, identifier: str | None) -> ParagraphStyle:
        """Return a paragraph style; the default one for None. An unknown id may still tell a heading by its name."""
        if identifier not in self._paragraphs:
            self._paragraphs[identifier] = self._resolve(identifier)
        return self._paragraphs[identifier]

    def character(self, identifier: str | None) -> RunStyle:
        """Return a character style; nothing for None or an unknown one."""
        if identifier not in self._characters:
            style = PLAIN
            for element in self._chain(identifier):
                properties = element.find(RUN_PR)
                if properties is not None:
                    style = run_style(properties).over(style)
            self._characters[identifier] = style
        return self._characters[identifier]

    def _chain(self, identifier: str | None) -> list[Any]:
        """Return a style and those that it is based on, the last one first."""
        chain: list[Any] = []
        while identifier in self._elements and len(chain) < _MAX_CHAIN:
            chain.append(self._elements[identifier])
            identifier = value_of(chain[-1], "basedOn")
        return chain[::-1]

    def _resolve(self, identifier: str | None) -> ParagraphStyle:
        known = identifier if identifier in self._elements else self._defaults.get("paragraph")
        style = ParagraphStyle(run=self._base)
        for element in self._chain(known):
            style = _derived(style, element)
        if identifier is not None and identifier not in self._elements:
            return replace(style, level=_level_by_name(identifier))
        return style


def _derived(style: ParagraphStyle, element: Any) -> ParagraphStyle:
    name = (value_of(element, "name") or "").strip().lower()
    if named := _level_by_name(name):
        style = replace(style, level=named)
    if name in _CODE_NAMES:
        style = replace(style, is_code=True)
    paragraph, run = element.find(P_PR), element.find(RUN_PR)
    if run is not None:
        style = replace(style, run=run_style(run).over(style.run))
    if paragraph is None:
        return style
    level = outline_level(paragraph)
    number, depth = numbering_of(paragraph)
    breaks = is_set(paragraph, "pageBreakBefore")
    return replace(
        style,
        level=style.level if level is None else level,
        numbering=(
            style.numbering[0] if number is None else number,
            style.numbering[1] if depth is None else depth,
        ),
        breaks_page=style.breaks_page if breaks is None else breaks,
    )


def _level_by_name(name: str) -> int:
    """Return the level of a heading by its style's name, which Word stores in English in every language."""
    if name == "title":
        return 1
    match = _HEADING_NAME.fullmatch(name)
    return min(max(int(match.group(1)), 1), _MAX_LEVEL) if match else 0
