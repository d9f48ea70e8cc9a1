"""Reads OpenDocument presentations (ODP): a page for each slide that is shown."""

from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.ocr.recognition import TextRecognition
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.opendocument.document import read_document
from backend.library.extraction.opendocument.items import Items
from backend.library.extraction.opendocument.names import DRAW, FO, OFFICE, PRESENTATION, STYLE
from backend.library.extraction.opendocument.shapes import Shape, is_furniture, pictures_of, shapes_in_order
from backend.library.extraction.opendocument.styles import Styles
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.geometry import Box, measure
from backend.library.extraction.slides.headings import find_title
from backend.library.extraction.slides.pictures import Picture
from backend.library.extraction.slides.slide import Piece, Slide
from backend.library.extraction.slides.writing import write_slides
from backend.library.extraction.word.blocks import blocks_of_items

_NOWHERE: Final = Box(0, 0, 0, 0)


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each slide of the file at ``path``. Raises UnreadableFile(damaged, encrypted, too_large)."""
    package = OfficePackage(path)
    document = read_document(package)
    body = document.content.find(f"{OFFICE}body/{OFFICE}presentation")
    if body is None:
        raise UnreadableFile("damaged")
    pages = list(body.iterchildren(DRAW + "page"))
    writer.expect(len(pages))
    area = _area(document.named, pages)
    slides = [_Reader(package, document.styles, area).read(page) for page in pages]
    recognition = TextRecognition(job, writer)
    write_slides(slides, area, 1, writer, lambda part: recognition.read_part(package, part))


class _Reader:
    """Reads one slide."""

    def __init__(self, package: OfficePackage, styles: Styles, area: Box) -> None:
        self._styles = styles
        self._area = area
        self._slide = Slide()
        self._items = Items(package, styles, self._slide.warn, warns_of_pictures=False)

    def read(self, page: Any) -> Slide | None:
        """Return what is on a ``draw:page``; None if it is hidden."""
        name = page.get(DRAW + "style-name")
        if self._styles.property("drawing-page", name, PRESENTATION + "visibility") == "hidden":
            return None
        slide = self._slide
        background = self._styles.fill_image("drawing-page", name)
        if background is not None:
            part = self._items.objects.picture_part(background)
            slide.pictures.append(Picture(part, 1.0, is_background=True))
        for shape in shapes_in_order(page, self._area, slide.warn):
            self._read_shape(shape)
        slide.title = find_title(slide.pieces, self._area)
        notes = [
            self._text(shape)
            for holder in page.iterchildren(PRESENTATION + "notes")
            for shape in shapes_in_order(holder, _NOWHERE, slide.warn)
        ]
        for comment in page.iterchildren(OFFICE + "annotation"):
            notes += [item.text for item in self._items.read_comment(comment)]
        slide.notes = "\n\n".join(filter(None, notes))
        return slide

    def _read_shape(self, shape: Shape) -> None:
        text = self._text(shape)
        kind = shape.element.get(PRESENTATION + "class")
        if text:
            self._slide.pieces.append(
                Piece(text, shape.place, is_placeholder=kind is not None, is_title=kind == "title")
            )
        self._slide.pictures += pictures_of(shape, self._area, self._styles, self._items.objects)

    def _text(self, shape: Shape) -> str:
        if is_furniture(shape.element):
            return ""
        blocks = blocks_of_items(self._items.read_drawing(shape.element))
        texts = (page_text.heading(one.text, one.level) if one.level else one.text for one in blocks)
        return "\n\n".join(text for text in texts if text.strip())


def _area(named: Any | None, pages: list[Any]) -> Box:
    """Return the size of the slides, which is that of their master's page layout."""
    if named is None or not pages:
        return _NOWHERE
    master = pages[0].get(DRAW + "master-page-name")
    layouts = {
        found.get(STYLE + "page-layout-name")
        for found in named.iter(STYLE + "master-page")
        if found.get(STYLE + "name") == master
    }
    for layout in named.iter(STYLE + "page-layout"):
        properties = layout.find(STYLE + "page-layout-properties")
        if layout.get(STYLE + "name") in layouts and properties is not None:
            width, height = (measure(properties.get(FO + side)) or 0.0 for side in ("page-width", "page-height"))
            return Box(0, 0, width, height)
    return _NOWHERE
