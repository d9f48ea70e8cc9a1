"""Writes slides that were read as pages, without what they only repeat."""

from collections.abc import Sequence
from typing import Final

from backend.library.extraction import page_text
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.slides.geometry import Box
from backend.library.extraction.slides.pictures import PICTURE_SLIDE_SHARE, Picture, unread, without_design
from backend.library.extraction.slides.running_texts import remove_running_texts
from backend.library.extraction.slides.slide import Slide

# A picture slide has at most this much text beside its picture: a number, a source.
_FEW_CHARS: Final = 80


def write_slides(slides: Sequence[Slide | None], area: Box, first_number: int, writer: PageWriter) -> None:
    """Write a page for each slide; None stands for a hidden one, which is left out and counted."""
    shown = [slide for slide in slides if slide is not None]
    remove_running_texts(shown, area)
    for one, pictures in zip(shown, without_design(one.pictures for one in shown), strict=True):
        one.pictures = pictures
    for number, slide in enumerate(slides, first_number):
        if slide is None:
            writer.warn("hidden_slides_left_out")
        else:
            _write(slide, number, writer)


def _write(slide: Slide, number: int, writer: PageWriter) -> None:
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
    missed = max(len(unread(slide.pictures)), picture is not None)
    if missed:
        writer.warn("pictures_not_read", count=missed)
    text = "\n\n".join([*parts, slide.notes] if slide.notes else parts)
    is_unread = slide.is_missing or (picture is not None and not text)
    # The number of the slide, if hidden slides or the first number make it another one than the page's.
    label = str(number) if number != writer.next_number else None
    writer.write(text, heading, skipped="not_readable" if is_unread else None, label=label)


def find_slide_picture(slide: Slide) -> Picture | None:
    """Return the picture that a slide consists of, if it has hardly any other text. Its text is not read yet."""
    if sum(len(piece.text) for piece in slide.pieces) > _FEW_CHARS:
        return None
    largest = max(slide.pictures, key=lambda one: one.share, default=None)
    return largest if largest is not None and largest.share >= PICTURE_SLIDE_SHARE else None
