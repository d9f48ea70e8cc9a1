"""Writes slides that were read as pages, without what they only repeat."""

from collections.abc import Callable, Sequence
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.ocr.recognised import Recognised
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.pictures import PICTURE_SLIDE_SHARE, Picture, unread, without_design
from backend.library.extraction.slides.running_texts import remove_running_texts
from backend.library.extraction.slides.slide import Slide

# A picture slide has at most this much text beside its picture: a number, a source.
_FEW_CHARS: Final = 80


PictureReader = Callable[[str], Recognised | None]
"""Recognises the text in a picture, given its part of the file."""


def write_slides(
    slides: Sequence[Slide | None], area: Box, first_number: int, writer: PageWriter, read_picture: PictureReader
) -> None:
    """Write a page for each slide; None stands for a hidden one, which is left out and counted."""
    shown = [slide for slide in slides if slide is not None]
    remove_running_texts(shown, area)
    for one, pictures in zip(shown, without_design(one.pictures for one in shown), strict=True):
        one.pictures = pictures
    for number, slide in enumerate(slides, first_number):
        if slide is None:
            writer.warn("hidden_slides_left_out")
        else:
            _write(slide, number, writer, read_picture)


def _write(slide: Slide, number: int, writer: PageWriter, read_picture: PictureReader) -> None:
    for code, count in slide.warnings:
        writer.warn(code, count)
    parts: list[str] = []
    heading = None
    for piece in slide.pieces:
        if piece is slide.title:
            heading = " ".join(piece.text.split())
            parts.append(page_text.heading(heading, slide.level))
        else:
            parts.append(piece.text.strip("\n"))
    picture = find_slide_picture(slide)
    found = read_picture(picture.part) if picture is not None and picture.part is not None else None
    missing = picture is not None and found is None
    missed = max(sum(one is not picture or missing for one in unread(slide.pictures)), missing)
    if missed:
        writer.warn("pictures_not_read", count=missed)
    recognised = found.text if found is not None else ""
    if found is not None and found.unread:
        writer.warn("ocr_parts_unread", found.unread)
    text = "\n\n".join(filter(None, [*parts, recognised, slide.notes]))
    is_unread = slide.is_missing or (missing and not text)
    # The number of the slide, if hidden slides or the first number make it another one than the page's.
    label = str(number) if number != writer.next_number else None
    writer.write(
        text,
        heading,
        skipped="not_readable" if is_unread else None,
        label=label,
        source="ocr" if recognised else "text",
        confidence=found.confidence if found is not None and recognised else None,
    )


def find_slide_picture(slide: Slide) -> Picture | None:
    """Return the picture that a slide consists of, if it has hardly any other text."""
    if sum(len(piece.text) for piece in slide.pieces) > _FEW_CHARS:
        return None
    largest = max(slide.pictures, key=lambda one: one.share, default=None)
    return largest if largest is not None and largest.share >= PICTURE_SLIDE_SHARE else None
