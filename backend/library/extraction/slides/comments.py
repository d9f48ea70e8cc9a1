"""The comments on a slide, in the older format (``p:cm``) and in that of threads (``p188:cm`` with replies)."""

from collections.abc import Iterator

from backend.library.extraction.drawings.bodies import NO_STYLE, body_text
from backend.library.extraction.drawings.names import P, text_of
from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage


def comments_text(package: OfficePackage, slide: str, warn: Warn) -> str:
    """Return the comments of a slide as ``[comment: …]``, each a paragraph of its own."""
    return "\n\n".join(f"[comment: {text}]" for text in _texts(package, slide, warn))


def _texts(package: OfficePackage, slide: str, warn: Warn) -> Iterator[str]:
    for part in package.related(slide, "comments"):
        try:
            root = package.parse(part)
        except UnreadableFile as error:
            if error.code != "damaged":
                raise
            warn("objects_lost")
            continue
        for element in root.iter(P + "text", "{*}txBody"):
            text = text_of(element) if element.tag == P + "text" else body_text(element, NO_STYLE, warn)
            shown = " / ".join(line.strip() for line in text.splitlines() if line.strip())
            if shown:
                warn("annotations_read")
                yield shown
