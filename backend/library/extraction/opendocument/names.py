"""Namespaces of OpenDocument, in lxml's notation."""

from typing import Any, Final

from backend.library.extraction.drawings.names import whole_number

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
CHART: Final = f"{{{_ODF}:chart:1.0}}"
DRAW: Final = f"{{{_ODF}:drawing:1.0}}"
FO: Final = f"{{{_ODF}:xsl-fo-compatible:1.0}}"
LOEXT: Final = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
MATH: Final = "{http://www.w3.org/1998/Math/MathML}"
OFFICE: Final = f"{{{_ODF}:office:1.0}}"
PRESENTATION: Final = f"{{{_ODF}:presentation:1.0}}"
STYLE: Final = f"{{{_ODF}:style:1.0}}"
SVG: Final = f"{{{_ODF}:svg-compatible:1.0}}"
TABLE: Final = f"{{{_ODF}:table:1.0}}"
TEXT: Final = f"{{{_ODF}:text:1.0}}"
XLINK: Final = "{http://www.w3.org/1999/xlink}"
XML: Final = "{http://www.w3.org/XML/1998/namespace}"


def count_of(element: Any, name: str, most: int) -> int:
    """Return an attribute that is a number from 1 to ``most``; 1 if it is none."""
    return min(max(whole_number(element.get(name), 1), 1), most)
