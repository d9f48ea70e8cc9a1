"""Namespaces of Office's drawings, in lxml's notation."""

import re
from typing import Any, Final

from backend.library.extraction.page_text import remove_marks

A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
A14: Final = "{http://schemas.microsoft.com/office/drawing/2010/main}"
C: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
CX: Final = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
DGM: Final = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"

_TRUE = frozenset({"1", "true", "on"})
_WHOLE = re.compile("[0-9]{1,9}")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_BREAKS = frozenset({0x0A, 0x0B, 0x0D})
_UNDERSCORE = 0x5F


def is_on(element: Any, name: str) -> bool:
    """Whether a Boolean attribute is set."""
    return element.get(name) in _TRUE


def alternatives(element: Any) -> list[Any]:
    """Return the elements that stand for ``mc:AlternateContent``: those of its first choice, else of its fallback."""
    for name in ("Choice", "Fallback"):
        for branch in element.iterchildren(MC + name):
            if len(branch):
                return list(branch.iterchildren("*"))
    return []


def whole_number(value: str | None, otherwise: int) -> int:
    """Return an attribute that is a number from 0 to 999,999,999, else ``otherwise``."""
    return int(value) if value is not None and _WHOLE.fullmatch(value) else otherwise


def text_of(element: Any) -> str:
    """Return the text of an ``a:t``. Office writes control characters as ``_x000B_``; line ends are what is left."""
    text = remove_marks(element.text or "")
    return _ESCAPE.sub(_unescaped, text) if "_x" in text else text


def _unescaped(escape: re.Match[str]) -> str:
    code = int(escape.group(1), 16)
    if code in _BREAKS:
        return "\n"
    if code == _UNDERSCORE:
        return "_"
    return "" if code < ord(" ") else escape.group()
