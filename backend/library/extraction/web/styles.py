"""The few properties of CSS that change what a text says: hidden, raised, struck through, kinds of lists."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lxml import etree

from backend.library.extraction.web.selectors import Selector, Surroundings, keys_of, parse_selector

_MAX_CSS_CHARS = 500_000
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_KNOWN: Final = frozenset(
    {
        "white-space",
        "font-family",
        "display",
        "visibility",
        "vertical-align",
        "list-style-type",
        "list-style",
        "font-size",
        "position",
        "top",
        "left",
    }
    | {"bottom"}
)
_INLINE_ONLY: Final = frozenset({"opacity", "text-indent", "text-decoration", "text-decoration-line"})
_BEFORE = re.compile(r"::?before\Z", re.IGNORECASE)
_ZERO = re.compile(r"0(?:\.0*)?(?:px|pt|em|rem|%)?")
_FAR_OUTSIDE = re.compile(r"-\d{3,}(?:\.\d+)?(?:px|em|rem)")
_MOVED = re.compile(r"(-?)(?:\d*\.)?\d+(?:em|ex|rem|px|pt|%)")
_SMALLER = re.compile(r"smaller|(?:xx?-)?small|[1-9]?\d(?:\.\d+)?%|0?\.\d+r?em|(?:\d|10)(?:\.\d+)?(?:px|pt)")
_LIST_STYLE = re.compile(
    r"\b(none|disc|circle|square|decimal-leading-zero|decimal|(?:lower|upper)-(?:alpha|latin|roman|greek))\b"
)

Properties = dict[str, str]


class _Rule(NamedTuple):
    weight: tuple[int, int, int]
    order: int
    selector: Selector
    properties: Properties


@dataclass(slots=True)
class Styles:
    """Rules of a page whose selectors name tags, classes and ids; others are left out."""

    _rules: dict[str, list[_Rule]] = field(default_factory=dict)
    _labels: dict[str, list[_Rule]] = field(default_factory=dict)
    _count: int = 0
    _surroundings: Surroundings = field(default_factory=Surroundings)

    def add_sheet(self, css: str) -> None:
        """Read a style sheet. What stands in ``@media`` and the like does not count."""
        for selectors, body in _rules(_COMMENT.sub(" ", css[:_MAX_CSS_CHARS])):
            known, label = _properties(body, _KNOWN), _properties(body, {"content"})
            if _ZERO.fullmatch(known.get("font-size", "")):
                # So pages close the gaps between blocks, whose own letters are larger again.
                del known["font-size"]
            for selector in selectors.split(",") if known or label else ():
                if _BEFORE.search(selector):
                    self._add(self._labels, _BEFORE.sub("", selector), label)
                else:
                    self._add(self._rules, selector, known)

    def _add(self, rules: dict[str, list[_Rule]], source: str, properties: Properties) -> None:
        selector = parse_selector(source) if properties else None
        if selector is not None:
            self._count += 1
            rules.setdefault(selector.key, []).append(_Rule(selector.weight, self._count, selector, properties))

    def of(self, element: etree._Element, name: str) -> Properties:
        """Return what is known of an element's style, not inherited."""
        found = self._matching(self._rules, element, name)
        inline = element.get("style")
        if inline:
            found.update(_properties(inline[:2000], _KNOWN | _INLINE_ONLY))
        return found

    def label_before(self, element: etree._Element, name: str) -> str:
        """Return the ``content`` that CSS puts before an element, as CSS writes it; empty if there is none."""
        return self._matching(self._labels, element, name).get("content", "")

    def _matching(self, rules: dict[str, list[_Rule]], element: etree._Element, name: str) -> Properties:
        found: Properties = {}
        likely = [rule for key in keys_of(element, name) for rule in rules.get(key, ())] if rules else []
        if any(rule.selector.around for rule in likely):
            around = self._surroundings.around(element)
            likely = [rule for rule in likely if rule.selector.around <= around]
        fitting = [rule for rule in likely if rule.selector.fits(element)]
        for rule in sorted(fitting, key=lambda one: (one.weight, one.order)):
            found.update(rule.properties)
        return found


def is_hidden(properties: Properties) -> bool:
    """Whether an element of this style is not seen."""
    return (
        properties.get("display") == "none"
        or properties.get("visibility") in ("hidden", "collapse")
        or _ZERO.fullmatch(properties.get("font-size", "")) is not None
        or _ZERO.fullmatch(properties.get("opacity", "")) is not None
        or _FAR_OUTSIDE.fullmatch(properties.get("text-indent", "")) is not None
        or (
            properties.get("position") in ("absolute", "fixed")
            and any(_FAR_OUTSIDE.fullmatch(properties.get(side, "")) for side in ("left", "top"))
        )
    )


def is_preformatted(properties: Properties) -> bool:
    """Whether blanks and line ends stay as they are in letters of one width, as in code."""
    return properties.get("white-space", "").startswith("pre") and "mono" in properties.get("font-family", "")


def shift_of(properties: Properties) -> str:
    """Return ``super`` or ``sub`` for text that is raised or lowered; empty for other text."""
    place = properties.get("vertical-align", "")
    if place in ("super", "sub"):
        return place
    if not _SMALLER.fullmatch(properties.get("font-size", "")):
        return ""
    up = _MOVED.fullmatch(place)
    if up is None and properties.get("position") == "relative":
        up, down = _MOVED.fullmatch(properties.get("bottom", "")), _MOVED.fullmatch(properties.get("top", ""))
        if up is None and down is not None:
            return "super" if down[1] else "sub"
    return "" if up is None else "sub" if up[1] else "super"


def is_struck(properties: Properties) -> bool:
    """Whether a line goes through the text."""
    return "line-through" in properties.get("text-decoration", "") + properties.get("text-decoration-line", "")


def list_style(properties: Properties) -> str:
    """Return the kind of a list's labels; empty if CSS does not say."""
    match = _LIST_STYLE.search(properties.get("list-style-type", "") or properties.get("list-style", ""))
    return match[1] if match else ""


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and the body of each rule outside of blocks."""
    depth = start = 0
    selectors, body_start = "", 0
    for match in re.finditer("[{}]", css):
        if match.group() == "{":
            if depth == 0:
                selectors, body_start = css[start : match.start()], match.end()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                # What stands before the last semicolon is a statement such as @import.
                selectors = selectors.rpartition(";")[2]
                if "@" not in selectors:
                    yield selectors, css[body_start : match.start()]
                start = match.end()


def _properties(body: str, names: Iterable[str]) -> Properties:
    found = {}
    for declaration in body.split(";"):
        name, _, value = declaration.partition(":")
        if name.strip().lower() in names:
            shown = value.replace("!important", "").strip()
            found[name.strip().lower()] = shown if name.strip().lower() == "content" else shown.lower()
    return found
