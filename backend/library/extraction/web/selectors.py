"""Selectors of CSS that name tags, classes and ids, also below others; rules with any other selector are left out."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_COMPOUND = re.compile(r"(?P<tag>[a-z][\w-]*|\*)?(?P<rest>(?:[.#][\w-]+)*)", re.IGNORECASE)
_PART = re.compile(r"([.#])([\w-]+)")
_COMBINATOR = re.compile(r"\s*>\s*|\s+")
_MAX_PARTS: Final = 8
# Of what is around an element, so many are looked at: a page may be nested 2,000 deep.
_MAX_AROUND: Final = 40
_MAX_KNOWN: Final = 2_000


class Compound(NamedTuple):
    """What one element must be: of a tag (any if empty), with an id (any if empty) and classes."""

    tag: str
    identity: str
    classes: frozenset[str]

    @property
    def key(self) -> str:
        if self.identity:
            return f"#{self.identity}"
        return f".{min(self.classes)}" if self.classes else self.tag

    def fits(self, element: etree._Element) -> bool:
        if self.tag and local_name(element).lower() != self.tag:
            return False
        if self.identity and element.get("id") != self.identity:
            return False
        return not self.classes or self.classes.issubset(element.get("class", "").split())


class Selector(NamedTuple):
    """An element and those around it, the outermost first; ``is_child``: each must be in the one before, directly.

    ``around`` are the keys that something around the element must have.
    """

    compounds: tuple[Compound, ...]
    is_child: tuple[bool, ...]
    around: frozenset[str]

    @property
    def key(self) -> str:
        """The id, a class or the tag of the element itself."""
        return self.compounds[-1].key

    @property
    def weight(self) -> tuple[int, int, int]:
        """How it weighs against other selectors: its ids, its classes, its tags."""
        ids = sum(bool(one.identity) for one in self.compounds)
        classes = sum(len(one.classes) for one in self.compounds)
        return ids, classes, sum(bool(one.tag) for one in self.compounds)

    def fits(self, element: etree._Element) -> bool:
        if not self.compounds[-1].fits(element):
            return False
        around = _around(element)
        for compound, is_child in zip(self.compounds[-2::-1], self.is_child[::-1], strict=True):
            found = next((one for one in around if is_child or compound.fits(one)), None)
            if found is None or not compound.fits(found):
                return False
        return True


def parse_selector(source: str) -> Selector | None:
    """Return a selector, or None for one of another kind."""
    source = source.strip()
    combinators = [">" in found for found in _COMBINATOR.findall(source)]
    compounds = [_compound(part) for part in _COMBINATOR.split(source)]
    known = tuple(one for one in compounds if one is not None)
    if not known or len(known) < len(compounds) or len(known) > _MAX_PARTS:
        return None
    return Selector(known, tuple(combinators), frozenset(one.key for one in known[:-1]))


class Surroundings:
    """The keys of everything around an element; most selectors are told by them."""

    def __init__(self) -> None:
        self._keys: dict[etree._Element, frozenset[str]] = {}

    def around(self, element: etree._Element) -> frozenset[str]:
        """Return the keys of what is around an element, the nearest ``_MAX_AROUND`` at least."""
        unknown: list[etree._Element] = []
        parent = element.getparent()
        while parent is not None and parent not in self._keys and len(unknown) < _MAX_AROUND:
            unknown.append(parent)
            parent = parent.getparent()
        keys = self._keys.get(parent, frozenset()) if parent is not None else frozenset()
        if len(self._keys) > _MAX_KNOWN:
            self._keys.clear()
        for one in reversed(unknown):
            keys = keys.union(keys_of(one, local_name(one).lower()))
            self._keys[one] = keys
        return keys


def keys_of(element: etree._Element, name: str) -> Iterator[str]:
    """Yield the keys of the selectors that an element may fit."""
    yield name
    for token in element.get("class", "").split()[:50]:
        yield f".{token}"
    if identity := element.get("id"):
        yield f"#{identity}"


def _compound(source: str) -> Compound | None:
    match = _COMPOUND.fullmatch(source)
    if match is None or not source or source == "*":
        return None
    parts = _PART.findall(match["rest"])
    identities = [name for sign, name in parts if sign == "#"]
    tag = (match["tag"] or "").lower().replace("*", "")
    return Compound(tag, identities[-1] if identities else "", frozenset(name for sign, name in parts if sign == "."))


def _around(element: etree._Element) -> Iterator[etree._Element]:
    for count, ancestor in enumerate(element.iterancestors()):
        if count >= _MAX_AROUND:
            return
        yield ancestor
