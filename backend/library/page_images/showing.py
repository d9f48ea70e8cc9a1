"""Shows a page as an image: the one that is kept, or one that is rendered now."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import refuse_open_transaction, transaction
from backend.core.errors import NotFound
from backend.core.web.slots import Slots
from backend.library.errors import FileUnavailable
from backend.library.extraction.formats import DocumentFormat
from backend.library.files.stored_file import document_file
from backend.library.models import Page
from backend.library.page_images.errors import (
    ImageDropped,
    PageImageFailed,
    PageImagesBusy,
    PageImageUnavailable,
)
from backend.library.page_images.kept_images import (
    Failed,
    find_image,
    image_file,
    keep_failure,
    keep_image,
    keep_word_boxes,
)
from backend.library.page_images.renderer import RENDERED_FORMATS, RenderedPage, render_page
from backend.library.page_images.slots import rendering_slot

# Part of each entity tag: a change makes browsers fetch images anew.
_VERSION: Final = 1

# Requests that render, or wait for it, hold a thread.
_WAITING = Slots(PageImagesBusy)


@dataclass(frozen=True, slots=True)
class PageToShow:
    """A page of a document that the user may read, in one of the ``WIDTHS``."""

    user_id: UUID
    document_id: UUID
    format: DocumentFormat
    number: int
    width: int

    @property
    def tag(self) -> str:
        """The entity tag. A document's bytes never change, so neither does an image of its page."""
        return f"{self.document_id.hex}-{self.number}-{self.width}-{_VERSION}"

    def refuse_formats_without_images(self) -> None:
        """Raises PageImageUnavailable."""
        if self.format not in RENDERED_FORMATS:
            raise PageImageUnavailable


def show_page(page: PageToShow) -> bytes:
    """Return the page as a PNG. Opens transactions, none of them while it renders.

    Raises NotFound, FileExpired, FileUnavailable, PageImageFailed, PageImagesBusy, PageImageInterrupted.
    """
    refuse_open_transaction()
    kept = _find(page)
    if kept is not None:
        return kept
    waiting = _WAITING.acquire()
    try:
        with rendering_slot(page.user_id):
            # Another request may have rendered it while this one waited.
            kept = _find(page)
            return kept if kept is not None else _render(page)
    finally:
        waiting.release()


def _find(page: PageToShow) -> bytes | None:
    with transaction():
        found = find_image(page.document_id, page.number, page.width)
    if isinstance(found, Failed):
        raise PageImageFailed
    if found is None:
        return None
    try:
        return b"".join(image_file.open(found))
    except (NotFound, ImageDropped):
        return None


def _render(page: PageToShow) -> bytes:
    with transaction():
        row = db.session.execute(
            sa.select(Page.text, Page.word_boxes.is_(None).label("has_no_boxes")).where(
                Page.document_id == page.document_id, Page.number == page.number
            )
        ).one_or_none()
    if row is None:
        raise NotFound
    with tempfile.TemporaryDirectory(prefix="page-image-") as folder:
        path = Path(folder) / f"document.{page.format.value}"
        with path.open("wb") as file:
            for piece in document_file.open(page.document_id):
                file.write(piece)
        try:
            rendered = render_page(path, page.format, page.number, page.width, row.text if row.has_no_boxes else None)
        except PageImageFailed:
            keep_failure(page.document_id, page.number, page.width)
            raise
        return _keep(page, rendered, row.text)


def _keep(page: PageToShow, rendered: RenderedPage, text: str) -> bytes:
    image = rendered.path.read_bytes()
    if rendered.boxes is not None:
        keep_word_boxes(page.document_id, page.number, text, rendered.boxes)
    try:
        keep_image(page.user_id, page.document_id, page.number, page.width, rendered.path)
    except FileUnavailable:
        # The user gets the image that is there; the next request renders it again.
        return image
    return image
