"""Reads one slide: its texts in reading order, its pictures, and what was lost."""

from collections.abc import Iterator
from typing import Any, Final

from backend.library.extraction.drawings.names import A, P, whole_number
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.comments import comments_text
from backend.library.extraction.slides.content import SlideContent
from backend.library.extraction.slides.geometry import Box, measure
from backend.library.extraction.slides.headings import find_title
from backend.library.extraction.slides.notes import notes_text
from backend.library.extraction.slides.pictures import Picture, background_of, picture_part, share_of
from backend.library.extraction.slides.placeholders import Inheritance, is_main_title, placeholder_of
from backend.library.extraction.slides.shapes import Shape, is_title, shapes_in_order
from backend.library.extraction.slides.slide import Piece, Slide

_OFF: Final = frozenset({"0", "false", "off"})


class SlideReader:
    """Reads the slides of one file."""

    def __init__(self, package: OfficePackage, presentation: Any) -> None:
        self._package = package
        self._models = Inheritance(package, presentation)
        size = presentation.find(P + "sldSz")
        width, height = (0.0, 0.0) if size is None else (measure(size.get(side)) or 0.0 for side in ("cx", "cy"))
        self.area = Box(0, 0, width, height)

    def read(self, part: str) -> Slide | None:
        """Return what is on a slide; None if it is hidden. Raises UnreadableFile (damaged, too_large)."""
        root = self._package.parse(part)
        if root.get("show") in _OFF:
            return None
        slide = Slide()
        layout = self._models.layout_of(part)
        content = SlideContent(self._package, part, slide.warn)
        background = background_of(root)
        if background is not None:
            slide.pictures.append(Picture(picture_part(background, part, self._package), 1.0, is_background=True))
        is_section = self._models.is_section_layout(layout)
        for shape in self._shapes(root, layout, slide):
            text = content.text(shape.element, self._models.style(shape.element, layout))
            if text.strip():
                slide.pieces.append(_piece(text, shape))
                is_section = is_section or is_main_title(shape.element)
            picture = content.picture(shape.element, share_of(shape.place, self.area))
            if picture is not None:
                slide.pictures.append(picture)
        slide.title = find_title(slide.pieces, self.area)
        slide.level = 1 if is_section else 2
        beside = (read(self._package, part, slide.warn) for read in (notes_text, comments_text))
        slide.notes = "\n\n".join(filter(None, beside))
        return slide

    def _shapes(self, root: Any, layout: str | None, slide: Slide) -> Iterator[Shape]:
        tree = root.find(f"{P}cSld/{P}spTree")
        return iter(()) if tree is None else shapes_in_order(tree, layout, self._models, self.area, slide.warn)


def _piece(text: str, shape: Shape) -> Piece:
    sizes = (whole_number(properties.get("sz"), 0) for properties in shape.element.iter(A + "rPr"))
    return Piece(
        text,
        shape.place,
        is_placeholder=placeholder_of(shape.element) is not None,
        is_title=is_title(shape.element),
        letter_size=max(sizes, default=0),
    )
