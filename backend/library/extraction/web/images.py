"""Pictures of web pages: their descriptions."""

import re
from typing import Final

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_FILE_NAME = re.compile(
    r"\S*\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?|avif|heic)|(?:img|image|dsc|screenshot|bild)[\W_\d]*", re.I
)
_SMALL_PIXELS: Final = 40
_DECORATIVE_ROLES: Final = frozenset({"presentation", "none"})


def describe_image(alternative: str) -> str:
    """Return the description in the notation of a page's text; nothing for a file's name or a blank."""
    text = " ".join(alternative.split())
    return "" if not text or _FILE_NAME.fullmatch(text) else f"[image: {text}]"


def read_image(element: etree._Element) -> tuple[str, bool]:
    """Return the description of an image, and whether it may say something that is lost."""
    if element.get("role", "") in _DECORATIVE_ROLES or _is_small(element):
        return "", False
    alternative = element.get("alt")
    if alternative is not None and not alternative.strip():
        # An empty description says that the picture is decorative.
        return "", False
    description = describe_image(alternative or element.get("aria-label") or element.get("title") or "")
    return description, not description


def read_drawing(element: etree._Element) -> tuple[str, bool]:
    """Return an ``svg`` as its title and texts, and whether it has texts."""
    names = {"title": [], "desc": [], "text": [], "foreignobject": []}  # type: dict[str, list[str]]
    inside: etree._Element | None = None
    for part in element.iter():
        name = local_name(part).lower()
        if name in names and (inside is None or inside not in part.iterancestors()):
            inside = part
            text = " ".join(" ".join(str(piece) for piece in part.itertext()).split())
            if text:
                names[name].append(text)
    texts = names["text"] + names["foreignobject"]
    if not texts:
        label = element.get("aria-label", "") if element.get("role") == "img" else ""
        return describe_image(label), False
    return f"[image: {'; '.join([*names['title'][:1], *texts])}]", True


def _is_small(element: etree._Element) -> bool:
    """Whether an image is a bullet, an icon, or there to be counted."""
    sizes = [re.match(r"\s*(\d{1,5})", element.get(side, "")) for side in ("width", "height")]
    return any(size is not None and int(size[1]) <= _SMALL_PIXELS for size in sizes)
