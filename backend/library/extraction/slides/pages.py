"""Reads PowerPoint files: a page for each slide that is shown, in the order of the presentation."""

from collections.abc import Iterator
from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.drawings.names import P, R
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.content import SlideContent
from backend.library.extraction.slides.geometry import Box, measure
from backend.library.extraction.slides.notes import notes_text
from backend.library.extraction.slides.pictures import (
    NOTABLE_SHARE,
    PICTURE_SLIDE_SHARE,
    Picture,
    background_of,
    picture_part,
    share_of,
)
from backend.library.extraction.slides.placeholders import Inheritance, placeholder_of, type_of
from backend.library.extraction.slides.shapes import is_title, shapes_in_order

_HIDDEN: Final = frozenset({"0", "false", "off"})
_SECTION_LAYOUTS: Final = frozenset({"title", "secHead"})
# A picture slide has at most this much text beside its picture: a number, a source.
_FEW_CHARS: Final = 80


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each slide of the file at ``path``. Raises UnreadableFile(damaged, too_large)."""
    package = OfficePackage(path)
    main = package.main_part("ppt")
    presentation = package.parse(main)
    slides = list(_slides(presentation, main, package))
    writer.expect(len(slides))
    reader = _SlideReader(package, presentation, writer)
    first = presentation.get("firstSlideNum", "1")
    for number, part in enumerate(slides, int(first) if first.isdigit() else 1):
        reader.read(part, number)


def _slides(presentation: Any, main: str, package: OfficePackage) -> Iterator[str | None]:
    """Yield the part of each slide; None for one that is missing."""
    relations = package.relations(main)
    for entry in presentation.iterfind(f"{P}sldIdLst/{P}sldId"):
        relation = relations.get(entry.get(R + "id", ""))
        yield None if relation is None else relation.part


class _SlideReader:
    def __init__(self, package: OfficePackage, presentation: Any, writer: PageWriter) -> None:
        self._package = package
        self._models = Inheritance(package, presentation)
        self._writer = writer
        size = presentation.find(P + "sldSz")
        width, height = (0.0, 0.0) if size is None else (measure(size.get(side)) or 0.0 for side in ("cx", "cy"))
        self._slide = Box(0, 0, width, height)

    def read(self, part: str | None, number: int) -> None:
        """Write a slide, unless it is hidden."""
        if part is None:
            self._writer.write("", skipped="not_readable")
            return
        root = self._package.parse(part)
        if root.get("show") in _HIDDEN:
            self._writer.warn("hidden_slides_left_out")
            return
        layout = self._models.layout_of(part)
        content = SlideContent(self._package, part, self._writer.warn)
        heading: str | None = None
        parts: list[str] = []
        pictures: list[Picture] = []
        background = background_of(root)
        if background is not None:
            pictures.append(Picture(picture_part(background, part, self._package), 1.0))
        tree = root.find(f"{P}cSld/{P}spTree")
        shapes = [] if tree is None else shapes_in_order(tree, layout, self._models, self._slide, self._writer.warn)
        for shape in shapes:
            text = content.text(shape.element, self._models.style(shape.element, layout))
            if heading is None and text and is_title(shape.element):
                heading = " ".join(text.split())
                text = page_text.heading(text, self._level(shape.element, layout))
            parts.append(text)
            picture = content.picture(shape.element, share_of(shape.place, self._slide))
            if picture is not None:
                pictures.append(picture)
        is_picture = self._look_at_pictures(pictures, "".join(parts))
        parts.append(notes_text(self._package, part, self._writer.warn))
        text = "\n\n".join(one for one in parts if one.strip())
        skipped = "not_readable" if is_picture and not text else None
        label = str(number) if number != self._writer.next_number else None
        self._writer.write(text, heading, skipped=skipped, label=label)

    def _level(self, title: Any, layout: str | None) -> int:
        """Return 1 for the title of the presentation or of a section, 2 for other slides."""
        placeholder = placeholder_of(title)
        is_section = type_of(placeholder) == "ctrTitle" or self._models.layout_type(layout) in _SECTION_LAYOUTS
        return 1 if is_section else 2

    def _look_at_pictures(self, pictures: list[Picture], text: str) -> bool:
        """Warn of pictures that were not read; return whether the slide is nothing but a picture."""
        is_picture_slide = len(text) <= _FEW_CHARS and any(one.share >= PICTURE_SLIDE_SHARE for one in pictures)
        notable = [one for one in pictures if one.share >= NOTABLE_SHARE and not one.is_described]
        if is_picture_slide or notable:
            self._writer.warn("pictures_not_read", count=max(len(notable), 1))
        return is_picture_slide
