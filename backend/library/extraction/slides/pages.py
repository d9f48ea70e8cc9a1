"""Reads PowerPoint files: a page for each slide that is shown, in the order of the presentation."""

from collections.abc import Iterator
from typing import Any, Final

from backend.library.extraction import page_text
from backend.library.extraction.drawings.names import P, R
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.pictures import PICTURE_SLIDE_SHARE, Picture, unread, without_design
from backend.library.extraction.slides.running_texts import remove_running_texts
from backend.library.extraction.slides.slide_reader import Slide, SlideReader

# A picture slide has at most this much text beside its picture: a number, a source.
_FEW_CHARS: Final = 80


def read_pages(path: str, job: dict[str, Any], writer: PageWriter) -> None:
    """Write each slide of the file at ``path``. Raises UnreadableFile(damaged, too_large)."""
    package = OfficePackage(path)
    main = package.main_part("ppt")
    presentation = package.parse(main)
    parts = list(_slide_parts(presentation, main, package))
    writer.expect(len(parts))
    reader = SlideReader(package, presentation)
    # A slide that is missing from the file is an empty one, a hidden one is None.
    slides: list[Slide | None] = [Slide() if part is None else reader.read(part) for part in parts]
    shown = [one for one in slides if one is not None]
    remove_running_texts(shown, reader.area)
    for one, pictures in zip(shown, without_design(one.pictures for one in shown), strict=True):
        one.pictures = pictures
    first = presentation.get("firstSlideNum", "1")
    for number, (part, slide) in enumerate(zip(parts, slides, strict=True), int(first) if first.isdigit() else 1):
        if slide is None:
            writer.warn("hidden_slides_left_out")
        else:
            _write(slide, number, writer, is_missing=part is None)


def _slide_parts(presentation: Any, main: str, package: OfficePackage) -> Iterator[str | None]:
    """Yield the part of each slide; None for one that is missing."""
    relations = package.relations(main)
    for entry in presentation.iterfind(f"{P}sldIdLst/{P}sldId"):
        relation = relations.get(entry.get(R + "id", ""))
        yield None if relation is None else relation.part


def _write(slide: Slide, number: int, writer: PageWriter, *, is_missing: bool) -> None:
    for code, count in slide.warnings:
        writer.warn(code, count)
    parts: list[str] = []
    heading = None
    for piece in slide.pieces:
        if slide.title is not None and piece.shape is slide.title.shape:
            heading = " ".join(piece.text.split())
            parts.append(page_text.heading(heading, slide.title.level))
        else:
            parts.append(piece.text.strip("\n"))
    picture = find_slide_picture(slide)
    missed = max(len(unread(slide.pictures)), picture is not None)
    if missed:
        writer.warn("pictures_not_read", count=missed)
    text = "\n\n".join([*parts, slide.notes] if slide.notes else parts)
    is_unread = is_missing or (picture is not None and not text)
    # The number of the slide, if hidden slides or the first number make it another one than the page's.
    label = str(number) if number != writer.next_number else None
    writer.write(text, heading, skipped="not_readable" if is_unread else None, label=label)


def find_slide_picture(slide: Slide) -> Picture | None:
    """Return the picture that a slide consists of, if it has hardly any other text. Its text is not read yet."""
    if sum(len(piece.text) for piece in slide.pieces) > _FEW_CHARS:
        return None
    largest = max(slide.pictures, key=lambda one: one.share, default=None)
    return largest if largest is not None and largest.share >= PICTURE_SLIDE_SHARE else None
