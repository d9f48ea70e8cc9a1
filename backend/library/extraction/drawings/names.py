"""Namespaces of Office's drawings, in lxml's notation."""

from typing import Any, Final

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
