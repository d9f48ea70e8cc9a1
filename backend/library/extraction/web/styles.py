"""The few properties of CSS that change what a text says: hidden, raised, struck through, kinds of lists."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

_MAX_CSS_CHARS = 500_000
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SIMPLE_SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*)?[.#]?[\w-]+", re.IGNORECASE)
_KNOWN: Final = frozenset({"display", "visibility", "vertical-align", "list-style-type", "list-style"})
_INLINE_ONLY: Final = frozenset({"opacity", "font-size", "text-indent", "text-decoration", "text-decoration-line"})
_ZERO = re.compile(r"0(?:\.0*)?(?:px|pt|em|rem|%)?")
_FAR_OUTSIDE = re.compile(r"-\d{3,}(?:\.\d+)?(?:px|em|rem)")
_LIST_STYLE = re.compile(
    r"\b(none|disc|circle|square|decimal-leading-zero|decimal|(?:lower|upper)-(?:alpha|latin|roman|greek))\b"
)

Properties = dict[str, str]


@dataclass(slots=True)
class Styles:
    """Rules of a page whose selector is one tag, class or id; others are left out."""

    _rules: dict[str, Properties] = field(default_factory=dict)

    def add_sheet(self, css: str) -> None:
        """Read a style sheet. What stands in ``@media`` and the like does not count."""
        for selectors, body in _rules(_COMMENT.sub(" ", css[:_MAX_CSS_CHARS])):
            properties = _properties(body, _KNOWN)
            if properties:
                for selector in selectors.split(","):
                    if _SIMPLE_SELECTOR.fullmatch(selector.strip()):
                        self._rules.setdefault(selector.strip(), {}).update(properties)

    def of(self, element: etree._Element, name: str) -> Properties:
        """Return what is known of an element's style, not inherited."""
        found: Properties = {}
        if self._rules:
            for selector in _selectors(element, name):
                found.update(self._rules.get(selector, {}))
        inline = element.get("style")
        if inline:
            found.update(_properties(inline[:2000], _KNOWN | _INLINE_ONLY))
        return found


def is_hidden(properties: Properties) -> bool:
    """Whether an element of this style is not seen."""
    return (
        properties.get("display") == "none"
        or properties.get("visibility") in ("hidden", "collapse")
        or _ZERO.fullmatch(properties.get("font-size", "")) is not None
        or _ZERO.fullmatch(properties.get("opacity", "")) is not None
        or _FAR_OUTSIDE.fullmatch(properties.get("text-indent", "")) is not None
    )


def is_struck(properties: Properties) -> bool:
    """Whether a line goes through the text."""
    return "line-through" in properties.get("text-decoration", "") + properties.get("text-decoration-line", "")


def list_style(properties: Properties) -> str:
    """Return the kind of a list's labels; empty if CSS does not say."""
    match = _LIST_STYLE.search(properties.get("list-style-type", "") or properties.get("list-style", ""))
    return match[1] if match else ""


def _selectors(element: etree._Element, name: str) -> Iterator[str]:
    """Yield selectors of an element, the weakest first."""
    yield name
    for token in element.get("class", "").split()[:50]:
        yield f".{token}"
        yield f"{name}.{token}"
    if identity := element.get("id"):
        yield f"#{identity}"


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
            found[name.strip().lower()] = value.replace("!important", "").strip().lower()
    return found
