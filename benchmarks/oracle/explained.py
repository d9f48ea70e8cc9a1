"""Differences from pandoc that were looked at and are right."""

from fnmatch import fnmatchcase
from typing import Final

_CHARTS = "The figures of charts are read as tables; pandoc leaves charts out."
_NO_FORMULAS = "pandoc does not read the formulas of this format."
_SHOWN_SOURCE = "The page shows the TeX source of its formulas with their signs; it is read as a formula too."

# By document (a pattern) and difference.
EXPLAINED: Final[dict[str, dict[str, str]]] = {
    "python-pptx/*.pptx": {"added cells": _CHARTS, "more tables": _CHARTS},
    "python-docx/shp-inline-shape-access.docx": {"added cells": _CHARTS, "more tables": _CHARTS},
    "converted/*.odt": {"added formulas": _NO_FORMULAS},
    "converted/*.pptx": {"added formulas": _NO_FORMULAS},
    "converted/readme.html": {"lost formulas": "These are signs of formulas inside code, where they are only shown."},
    "debian-policy/policy.epub": dict.fromkeys(
        ("lost cells", "fewer tables"), "A table of one cell only arranges the page; it is read as text."
    ),
    "markdown/contributing.md": dict.fromkeys(
        ("lost cells", "added cells"), "Attributes such as { .label } are no common Markdown and stay as written."
    ),
    "markdown/release-2.6.md": {"lost words": "Text that is struck through is left out, with a warning."},
    "markdown-it-texmath/index.html": dict.fromkeys(
        ("lost words", "lost cells", "added cells", "lost formulas", "added formulas"), _SHOWN_SOURCE
    ),
    "nbconvert/Widget_List.ipynb": {"lost words": "Widgets need a running program; each is left out with a warning."},
    "python-mpmath-doc/bessel.html": {"lost words": "Alternative texts that are only file names are left out."},
}


def reasons_for(document: str) -> dict[str, str]:
    """Return the explained differences of a document, with the reason of each."""
    found: dict[str, str] = {}
    for pattern, reasons in EXPLAINED.items():
        if fnmatchcase(document, pattern):
            found |= reasons
    return found
