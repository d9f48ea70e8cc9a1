"""Fractions and scripts that style sheets draw: numerator over denominator, a raised text over a lowered one."""

from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.page_text import lowered, raised, remove_marks

_FRACTIONS: Final = frozenset({"frac", "sfrac"})
_NUMERATORS: Final = frozenset({"num", "numerator"})
_DENOMINATORS: Final = frozenset({"den", "denominator"})
_STACKED_SPANS: Final = "template-chem2-su"


def is_fraction(element: etree._Element) -> bool:
    """Whether an element is a fraction, which stands apart from a number before it."""
    return not _FRACTIONS.isdisjoint(_classes(element))


def is_part_of_fraction(element: etree._Element) -> bool:
    """Whether an element is a numerator or a denominator."""
    return not (_NUMERATORS | _DENOMINATORS).isdisjoint(_classes(element))


def divides(element: etree._Element) -> bool:
    """Whether an element is a denominator right after its numerator, with only a drawn line between them."""
    before = element.getprevious()
    if before is None or _DENOMINATORS.isdisjoint(_classes(element)):
        return False
    return not _NUMERATORS.isdisjoint(_classes(before)) and not (before.tail or "").strip()


def stacked_scripts(element: etree._Element, name: str) -> str | None:
    """Return the lowered and the raised text that an element shows one above the other; None for another element."""
    if name != "span" or not len(element) or (element.text or "").strip():
        return None
    parts = [part for part in element if isinstance(part.tag, str)]
    names = [local_name(part) for part in parts]
    if names not in (["sup", "br", "sub"], ["span", "span"]) or any((part.tail or "").strip() for part in parts):
        return None
    if names == ["span", "span"] and _STACKED_SPANS not in _classes(element):
        return None
    above, below = (remove_marks("".join(str(text) for text in part.itertext())) for part in (parts[0], parts[-1]))
    return lowered(below) + raised(above)


def _classes(element: etree._Element) -> list[str]:
    return element.get("class", "").split()
