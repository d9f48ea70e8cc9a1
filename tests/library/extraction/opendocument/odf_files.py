"""Writes OpenDocument files as XML, with exactly what a test wants in them."""

import zipfile
from pathlib import Path

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
NAMESPACES = (
    f'xmlns:office="{_ODF}:office:1.0" xmlns:text="{_ODF}:text:1.0" xmlns:table="{_ODF}:table:1.0" '
    f'xmlns:draw="{_ODF}:drawing:1.0" xmlns:style="{_ODF}:style:1.0" xmlns:fo="{_ODF}:xsl-fo-compatible:1.0" '
    f'xmlns:svg="{_ODF}:svg-compatible:1.0" xmlns:presentation="{_ODF}:presentation:1.0" '
    f'xmlns:chart="{_ODF}:chart:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:math="http://www.w3.org/1998/Math/MathML"'
)
MEDIA_TYPES = {
    "odt": "application/vnd.oasis.opendocument.text",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
# Slides of 28 by 21 cm.
_LAYOUT = (
    '<office:automatic-styles><style:page-layout style:name="PM1">'
    '<style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/></style:page-layout>'
    "</office:automatic-styles>"
    '<office:master-styles><style:master-page style:name="M" style:page-layout-name="PM1"/></office:master-styles>'
)


def write_odf(
    path: Path,
    body: str,
    *,
    automatic: str = "",
    named: str = "",
    parts: dict[str, bytes | str] | None = None,
) -> Path:
    """Write an ODT or ODP file; ``automatic`` and ``named`` are styles, ``parts`` further entries of the archive."""
    kind = path.suffix[1:]
    element = {"odt": "text", "odp": "presentation"}[kind]
    content = (
        f"<office:document-content {NAMESPACES}><office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:{element}>{body}</office:{element}></office:body></office:document-content>"
    )
    styles = (
        f"<office:document-styles {NAMESPACES}><office:styles>{named}</office:styles>{_LAYOUT}</office:document-styles>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MEDIA_TYPES[kind], zipfile.ZIP_STORED)
        for name, text in {"content.xml": content, "styles.xml": styles, **(parts or {})}.items():
            archive.writestr(name, text)
    return path


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph."""
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def heading(text: str, level: int = 1, attributes: str = "") -> str:
    """Return a heading."""
    return f'<text:h text:outline-level="{level}" {attributes}>{text}</text:h>'


def text_style(name: str, properties: str, family: str = "text", attributes: str = "") -> str:
    """Return a style of letters or, with another ``family``, of paragraphs."""
    return (
        f'<style:style style:name="{name}" style:family="{family}" {attributes}>'
        f"<style:text-properties {properties}/></style:style>"
    )


def list_style(name: str, *levels: str) -> str:
    """Return a list style; each level is a bullet's sign, or ``format prefix suffix`` such as ``a - )``; a number
    after it says how many levels are shown.
    """
    found = []
    for level, shown in enumerate(levels, 1):
        if len(shown) == 1:
            found.append(f'<text:list-level-style-bullet text:level="{level}" text:bullet-char="{shown}"/>')
        else:
            number_format, prefix, suffix, *upper = shown.split(" ")
            levels_shown = upper[0] if upper else "1"
            found.append(
                f'<text:list-level-style-number text:level="{level}" style:num-format="{number_format}" '
                f'style:num-prefix="{prefix.strip("-")}" style:num-suffix="{suffix.strip("-")}" '
                f'text:display-levels="{levels_shown}"/>'
            )
    return f'<text:list-style style:name="{name}">{"".join(found)}</text:list-style>'


def bullets(*items: str, style: str = "", attributes: str = "") -> str:
    """Return a list; an item is text, or elements."""
    inner = "".join(
        f"<text:list-item>{one if one.startswith('<text:') else paragraph(one)}</text:list-item>" for one in items
    )
    name = f'text:style-name="{style}"' if style else ""
    return f"<text:list {name} {attributes}>{inner}</text:list>"


def frame(content: str, at: tuple[float, float, float, float] | None = None, attributes: str = "") -> str:
    """Return a frame; ``at`` is left, top, width and height in centimetres."""
    place = ""
    if at is not None:
        left, top, width, height = at
        place = f'svg:x="{left}cm" svg:y="{top}cm" svg:width="{width}cm" svg:height="{height}cm"'
    return f"<draw:frame {place} {attributes}>{content}</draw:frame>"


def box(*paragraphs: str, at: tuple[float, float, float, float] | None = None, attributes: str = "") -> str:
    """Return a frame with a text box."""
    inner = "".join(one if one.startswith("<") else paragraph(one) for one in paragraphs)
    return frame(f"<draw:text-box>{inner}</draw:text-box>", at, attributes)


def page(*shapes: str, style: str = "", notes: str = "") -> str:
    """Return a slide; ``notes`` are shapes."""
    return (
        f'<draw:page draw:master-page-name="M" draw:style-name="{style}">{"".join(shapes)}'
        f"<presentation:notes>{notes}</presentation:notes></draw:page>"
    )
