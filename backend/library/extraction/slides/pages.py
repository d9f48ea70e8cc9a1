"""Reads PowerPoint files: a page for each slide that is shown, in the order of the presentation."""

from collections.abc import Iterator
from typing import Any

from backend.library.extraction.drawings.names import P, R, whole_number
from backend.library.extraction.ocr.recognition import TextRecognition
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.slide import Slide
from backend.library.extraction.slides.slide_reader import SlideReader
from backend.library.extraction.slides.writing import write_slides


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each slide of the file at ``path``. Raises UnreadableFile(damaged, too_large)."""
    package = OfficePackage(path)
    main = package.main_part("ppt")
    presentation = package.parse(main)
    parts = list(_slide_parts(presentation, main, package))
    writer.expect(len(parts))
    reader = SlideReader(package, presentation)
    slides = [Slide(is_missing=True) if part is None else reader.read(part) for part in parts]
    recognition = TextRecognition(job, writer)
    first = whole_number(presentation.get("firstSlideNum"), 1)
    write_slides(slides, reader.area, first, writer, lambda part: recognition.read_part(package, part))


def _slide_parts(presentation: Any, main: str, package: OfficePackage) -> Iterator[str | None]:
    """Yield the part of each slide; None for one that is missing."""
    relations = package.relations(main)
    for entry in presentation.iterfind(f"{P}sldIdLst/{P}sldId"):
        relation = relations.get(entry.get(R + "id", ""))
        yield None if relation is None else relation.part
