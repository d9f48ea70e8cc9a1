"""Which elements of a web page are no part of its text."""

from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
_LEFT_OUT: Final = frozenset(
    {"script", "style", "head", "template", "noscript", "iframe", "object", "embed", "datalist", "canvas"}
    | {"audio", "video", "noembed", "noframes", "progress", "meter", "map", "title", "link", "meta", "rp", "default"}
)
_FURNITURE_ROLES: Final = frozenset(
    {"navigation", "search", "tooltip", "menu", "menubar", "tablist", "doc-pagebreak", "doc-backlink"}
)
_FURNITURE_CLASSES: Final = frozenset(
    {"headerlink", "mw-editsection", "header-anchor", "anchorjs-link", "anchor-link", "heading-anchor", "hash-link"}
    | {"permalink", "sr-only", "visually-hidden", "screen-reader-text", "visuallyhidden", "skip-link", "copybtn"}
    | {"mw-jump-link", "noprint", "navbox"}
)
_FOR_LISTENERS: Final = frozenset({"sr-only", "visually-hidden", "screen-reader-text", "visuallyhidden"})
_MAX_SHIFTED_CHARS: Final = 12
_REFERENCE_CLASSES: Final = frozenset(
    {"footnote-ref", "footnoteref", "noteref", "footnote-reference", "footnote_call", "fn-ref", "footnote-link"}
)


def is_left_out(element: etree._Element, name: str, *, in_heading: bool) -> bool:
    """Whether an element is never shown, or is furniture around the text: menus, buttons, links to headings."""
    if name in _LEFT_OUT or name == "nav":
        return True
    if name == "button":
        # A heading that opens its section is a button inside a heading.
        return not in_heading
    if name == "dialog":
        return element.get("open") is None
    if element.get("role", "") in _FURNITURE_ROLES or "pagebreak" in epub_type(element):
        return True
    classes = element.get("class", "").split()
    return not _FURNITURE_CLASSES.isdisjoint(classes) and not _is_sign(element, classes)


def is_reference_mark(element: etree._Element, name: str) -> bool:
    """Whether a link is the mark of a footnote, which style sheets raise."""
    if name not in ("a", "span") or any(local_name(part) == "sup" for part in element):
        return False
    return (
        element.get("role") == "doc-noteref"
        or "noteref" in epub_type(element)
        or not _REFERENCE_CLASSES.isdisjoint(element.get("class", "").lower().split())
    )


def is_short(element: etree._Element) -> bool:
    """Whether an element is as short as a raised text is, and has none in it."""
    if any(local_name(part) in ("sup", "sub", "br") for part in element.iter()):
        return False
    return len("".join(str(text) for text in element.itertext()).strip()) <= _MAX_SHIFTED_CHARS


def _is_sign(element: etree._Element, classes: list[str]) -> bool:
    """Whether an element is a sign that style sheets draw as a line: the slash of a fraction, for those who listen."""
    if _FOR_LISTENERS.isdisjoint(classes):
        return False
    text = "".join(str(part) for part in element.itertext()).strip()
    return 0 < len(text) <= 2 and not any(sign.isalnum() or sign in "#¶§" for sign in text)


def has_text(element: etree._Element) -> bool:
    """Whether an element has text other than blanks."""
    return any(str(text).strip() for text in element.itertext())


def epub_type(element: etree._Element) -> list[str]:
    """Return the types of an element by the EPUB Structural Semantics Vocabulary."""
    return (element.get(_EPUB_TYPE) or element.get("epub:type") or "").split()
