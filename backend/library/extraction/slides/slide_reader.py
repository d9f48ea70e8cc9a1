"""Reads one slide: its texts in reading order, its pictures, and what was lost."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction.drawings.names import P
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.slides.content import SlideContent
from backend.library.extraction.slides.geometry import Box, measure
from backend.library.extraction.slides.headings import Title, find_title
from backend.library.extraction.slides.notes import notes_text
from backend.library.extraction.slides.pictures import Picture, background_of, picture_part, share_of
from backend.library.extraction.slides.placeholders import Inheritance
from backend.library.extraction.slides.shapes import Shape, shapes_in_order

_OFF: Final = frozenset({"0", "false", "off"})


@dataclass(slots=True)
class Piece:
    """The text of a shape, which is not empty, and the shape's place on the slide."""

    text: str
    shape: Shape


@dataclass(slots=True)
class Slide:
    """What was read of a slide. ``warnings`` are codes with their counts."""

    pieces: list[Piece] = field(default_factory=list)
    notes: str = ""
    title: Title | None = None
    pictures: list[Picture] = field(default_factory=list)
    warnings: list[tuple[str, int]] = field(default_factory=list)

    def warn(self, code: str, count: int = 1) -> None:
        """Add a warning."""
        self.warnings.append((code, count))


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
        for shape in self._shapes(root, layout, slide):
            text = content.text(shape.element, self._models.style(shape.element, layout))
            if text.strip():
                slide.pieces.append(Piece(text, shape))
            picture = content.picture(shape.element, share_of(shape.place, self.area))
            if picture is not None:
                slide.pictures.append(picture)
        slide.title = find_title([(piece.text, piece.shape) for piece in slide.pieces], self.area)
        if slide.title is not None and self._models.is_section(slide.title.shape.element, layout):
            slide.title.level = 1
        slide.notes = notes_text(self._package, part, slide.warn)
        return slide

    def _shapes(self, root: Any, layout: str | None, slide: Slide) -> Iterator[Shape]:
        tree = root.find(f"{P}cSld/{P}spTree")
        return iter(()) if tree is None else shapes_in_order(tree, layout, self._models, self.area, slide.warn)
