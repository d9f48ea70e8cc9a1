"""Fields of forms, as a page shows them."""

from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_TYPED: Final = frozenset({"", "text", "number", "date", "email", "url", "tel", "time"})
_CHOICES: Final = frozenset({"checkbox", "radio"})


def read_field(element: etree._Element) -> tuple[str, bool]:
    """Return what a field shows, and whether somebody may have typed it."""
    if local_name(element).lower() == "textarea":
        text = (element.text or "").strip()
        return text, bool(text)
    if local_name(element).lower() == "select":
        chosen = next((option for option in element.iter() if option.get("selected") is not None), None)
        return ("" if chosen is None else "".join(str(text) for text in chosen.itertext()).strip()), False
    kind = element.get("type", "").lower()
    if kind in _CHOICES:
        if not any(local_name(around) in ("li", "label", "td") for around in _around(element)):
            return "", False
        return ("[x] " if element.get("checked") is not None else "[ ] "), False
    text = element.get("value", "").strip() if kind in _TYPED else ""
    return text, bool(text)


def _around(element: etree._Element) -> list[etree._Element]:
    """Return the three elements around a field."""
    found: list[etree._Element] = []
    for ancestor in element.iterancestors():
        found.append(ancestor)
        if len(found) == 3:
            break
    return found
