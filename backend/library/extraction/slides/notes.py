"""The notes of a slide."""

from backend.library.extraction.drawings.bodies import NO_STYLE, body_text
from backend.library.extraction.drawings.names import P
from backend.library.extraction.drawings.paragraphs import Warn
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.placeholders import FURNITURE, placeholder_of, type_of


def notes_text(package: OfficePackage, slide: str, warn: Warn) -> str:
    """Return the text of a slide's page of notes without its header, footer, date and number."""
    texts = []
    for part in package.related(slide, "notesSlide")[:1]:
        try:
            root = package.parse(part)
        except UnreadableFile as error:
            if error.code != "damaged":
                raise
            warn("objects_lost")
            continue
        for shape in root.iter(P + "sp"):
            placeholder, body = placeholder_of(shape), shape.find(P + "txBody")
            if body is not None and (placeholder is None or type_of(placeholder) not in FURNITURE):
                texts.append(body_text(body, NO_STYLE, warn))
    return "\n\n".join(text for text in texts if text)
