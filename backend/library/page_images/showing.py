"""Shows a page as an image: the one that is kept, or one that is rendered now."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import refuse_open_transaction, transaction
from backend.core.errors import NotFound
from backend.core.web.slots import Slots
from backend.library.errors import FileChanged, FileUnavailable
from backend.library.extraction.formats import DocumentFormat
from backend.library.files.objects import write_object
from backend.library.files.stored_file import document_file
from backend.library.models import Page
from backend.library.page_images.errors import ImageDropped, PageImageFailed, PageImagesBusy, PageImageUnavailable
from backend.library.page_images.kept_images import (
    Failed,
    ImageOf,
    add_failure,
    add_image,
    find_image,
    image_file,
    note_word_boxes,
)
from backend.library.page_images.renderer import RENDERED_FORMATS, RenderedPage, render_page
from backend.library.page_images.slots import rendering_slot

# Part of each entity tag: a change makes browsers fetch images anew.
_VERSION: Final = 1

# Requests that render, or wait for it, hold a thread.
_WAITING = Slots(PageImagesBusy)


@dataclass(frozen=True, slots=True)
class PageToShow:
    """A page of a document that the user may read."""

    user_id: UUID
    document_id: UUID
    format: DocumentFormat
    number: int

    def tag(self, width: int) -> str:
        """Return the entity tag. A document's bytes never change, so neither does an image of its page."""
        return f"{self.document_id.hex}-{self.number}-{width}-{_VERSION}"

    def image(self, width: int) -> ImageOf:
        return ImageOf(self.document_id, self.number, width)

    def refuse_formats_without_images(self) -> None:
        """Raises PageImageUnavailable."""
        if self.format not in RENDERED_FORMATS:
            raise PageImageUnavailable


def show_page(page: PageToShow, width: int) -> bytes:
    """Return the page as a PNG or JPEG of one of the ``WIDTHS``.

    Opens transactions, none of them while it renders. Raises NotFound, FileExpired, FileUnavailable, PageImageFailed,
    PageImagesBusy, PageImageInterrupted.
    """
    refuse_open_transaction()
    kept = _find(page, width)
    if kept is not None:
        return kept
    with _turn(page.user_id):
        # Another request may have rendered it while this one waited.
        kept = _find(page, width)
        return kept if kept is not None else _show(page, width)


def place_words(page: PageToShow) -> None:
    """Note where the words of a page are shown, unless it is known. Opens transactions.

    Raises the same errors as ``show_page``, but not for a page that cannot be rendered: its words have no place.
    """
    refuse_open_transaction()
    with _turn(page.user_id):
        text = _find_text(page)
        if text.is_placed:
            return
        try:
            with _rendered(page, None, text.text) as rendered:
                boxes = rendered.boxes
        except PageImageFailed:
            boxes = []
        with transaction():
            note_word_boxes(page.document_id, page.number, text.text, boxes or [])


@contextmanager
def _turn(user_id: UUID) -> Iterator[None]:
    waiting = _WAITING.acquire()
    try:
        with rendering_slot(user_id):
            yield
    finally:
        waiting.release()


def _find(page: PageToShow, width: int) -> bytes | None:
    with transaction():
        found = find_image(page.image(width))
    if isinstance(found, Failed):
        raise PageImageFailed
    if found is None:
        return None
    try:
        return b"".join(image_file.open(found))
    except (NotFound, ImageDropped):
        return None


@dataclass(frozen=True, slots=True)
class _PageText:
    text: str
    is_placed: bool


def _find_text(page: PageToShow) -> _PageText:
    with transaction():
        row = db.session.execute(
            sa.select(Page.text, Page.word_boxes.is_not(None).label("is_placed")).where(
                Page.document_id == page.document_id, Page.number == page.number
            )
        ).one_or_none()
    if row is None:
        raise NotFound
    return _PageText(row.text, row.is_placed)


def _show(page: PageToShow, width: int) -> bytes:
    text = _find_text(page)
    try:
        with _rendered(page, width, None if text.is_placed else text.text) as rendered:
            if rendered.boxes is not None:
                with transaction():
                    note_word_boxes(page.document_id, page.number, text.text, rendered.boxes)
            _keep(page, width, rendered.path)
            return rendered.path.read_bytes()
    except PageImageFailed:
        with transaction():
            add_failure(page.image(width))
        raise


@contextmanager
def _rendered(page: PageToShow, width: int | None, text: str | None) -> Iterator[RenderedPage]:
    with tempfile.TemporaryDirectory(prefix="page-image-") as folder:
        path = Path(folder) / f"document.{page.format.value}"
        with path.open("wb") as file:
            for piece in document_file.open(page.document_id):
                file.write(piece)
        yield render_page(path, page.format, page.number, width, text)


def _keep(page: PageToShow, width: int, path: Path) -> None:
    """Keep the image. If that cannot be done now, the next request renders it again."""
    with path.open("rb") as image:
        try:
            location = write_object(image, path.stat().st_size)
            with transaction():
                add_image(page.user_id, page.image(width), image, location)
        except (FileUnavailable, FileChanged):
            return
