"""Shows a page as an image: the one that is kept, or one that is rendered now."""

import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import refuse_open_transaction, transaction
from backend.core.errors import NotFound, Unavailable
from backend.core.web.slots import Slots
from backend.library.errors import FileChanged, FileExpired, FileLost, FileUnavailable
from backend.library.extraction.formats import DocumentFormat
from backend.library.files.objects import write_object
from backend.library.files.stored_file import document_file
from backend.library.models import Conversion, Document, Page, PageImage, StudySet
from backend.library.page_images.conversions import (
    CONVERTED_FORMATS,
    PrintedPage,
    convert_again,
    find_printed_page,
    keep_conversion,
)
from backend.library.page_images.converted_files import converted_file
from backend.library.page_images.errors import (
    ImageDropped,
    OfficePagesNotShown,
    PageImageFailed,
    PageImagePending,
    PageImagesBusy,
    PageImageUnavailable,
    PageNotFoundInPdf,
)
from backend.library.page_images.kept_images import (
    Failed,
    ImageOf,
    KeptImage,
    add_failure,
    add_image,
    drop_images,
    find_image,
    image_file,
    note_word_boxes,
)
from backend.library.page_images.renderer import RENDERED_FORMATS, RenderedPage, render_page
from backend.library.page_images.slots import MAX_WAIT_S, rendering_slot

# Part of each entity tag: a change makes browsers fetch images anew.
_VERSION: Final = 1

# Words of at most this many pages are placed for one request, each after waiting this long, and all in this time.
_MAX_PLACED: Final = 4
_PLACING_WAIT_S: Final = 1.0
_PLACING_S: Final = 5.0

_NO_IMAGE: Final = (PageImageUnavailable, PageNotFoundInPdf, PageImagePending, OfficePagesNotShown, PageImageFailed)

# Requests that render, or wait for it, hold a thread.
_WAITING = Slots(PageImagesBusy)


Found = KeptImage | Failed | None


@dataclass(frozen=True, slots=True)
class PageToShow:
    """A page of a document that the user may read. ``printed`` is the page of its PDF if it was converted."""

    user_id: UUID
    document_id: UUID
    format: DocumentFormat
    number: int
    printed: PrintedPage | None = None

    @classmethod
    def find(cls, user_id: UUID, document_id: UUID, number: int) -> "PageToShow":
        """Return a page of the user's. Needs a transaction.

        Raises NotFound, FileExpired, and what is raised when there is no image. See ``refuse_pending``.
        """
        row = db.session.execute(
            sa.select(Document.format)
            .join(StudySet, StudySet.id == Document.study_set_id)
            .join(Page, Page.document_id == Document.id)
            .where(Document.id == document_id, Page.number == number, StudySet.user_id == user_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        file_format = DocumentFormat(row.format)
        if file_format in RENDERED_FORMATS:
            return cls(user_id, document_id, file_format, number)
        if file_format not in CONVERTED_FORMATS:
            raise PageImageUnavailable
        return cls(user_id, document_id, file_format, number, find_printed_page(document_id, number))

    def refuse_pending(self) -> None:
        """Refuse a page whose document is being converted. Raises PageImagePending."""
        if self.format not in RENDERED_FORMATS and self.printed is None:
            raise PageImagePending

    def is_current(self) -> bool:
        """Tell whether this page still looks so: another conversion may have replaced its own. Needs a transaction."""
        return self.printed is None or keep_conversion(self.document_id, self.printed.conversion_id)

    @property
    def is_final(self) -> bool:
        """Whether the image can never be another one. A document's bytes never change, but its conversion may."""
        return self.printed is None

    def tag(self, width: int) -> str:
        """Return the entity tag."""
        source = self.document_id if self.printed is None else self.printed.conversion_id
        return f"{source.hex}-{self.number}-{width}-{_VERSION}"

    def image(self, width: int) -> ImageOf:
        return ImageOf(self.document_id, self.number, width)


def show_page(page: PageToShow, width: int, found: Found) -> bytes:
    """Return the page as a PNG or JPEG of one of the ``WIDTHS``. ``found`` is what ``find_image`` returned for it.

    A kept image that cannot be read is rendered anew. Opens transactions, none of them while it renders. Raises
    NotFound, FileExpired, FileUnavailable, FileLost, PageImageFailed, PageImagePending, PageImagesBusy,
    PageImageInterrupted.
    """
    refuse_open_transaction()
    kept = _read(found)
    if kept is not None:
        return kept
    with _turn(page.user_id):
        # Another request may have rendered it while this one waited.
        with transaction():
            now = find_image(page.image(width))
            text = _find_text(page)
        kept = _read(now) if now != found else None
        return kept if kept is not None else _show(page, width, text)


def place_words(user_id: UUID, pages: Iterable[tuple[UUID, int]]) -> bool:
    """Note where the words of pages (document and number) are shown, where that is not known but can be.

    Returns whether anything was noted. Opens transactions. What cannot be done now, in a few seconds, is left out.
    """
    refuse_open_transaction()
    ends_at = time.monotonic() + _PLACING_S
    placed = False
    for document_id, number in islice(pages, _MAX_PLACED):
        if time.monotonic() >= ends_at:
            break
        with suppress(NotFound, FileExpired, FileLost, Unavailable, *_NO_IMAGE):
            with transaction():
                page = PageToShow.find(user_id, document_id, number)
            page.refuse_pending()
            _place(page, ends_at)
            placed = True
    return placed


def _place(page: PageToShow, ends_at: float) -> None:
    with _turn(page.user_id, _PLACING_WAIT_S):
        with transaction():
            text = _find_text(page)
        if text.is_placed:
            return
        try:
            with _rendered(page, None, text.text, ends_at) as rendered:
                boxes = rendered.boxes
        except PageImageFailed:
            # Its words have no place, and this is not tried again and again.
            boxes = []
        _note_boxes(page, text.text, boxes or [])


def _note_boxes(page: PageToShow, text: str, boxes: Sequence[Sequence[Any]]) -> None:
    with transaction():
        if page.is_current():
            note_word_boxes(page.document_id, page.number, text, boxes)


@contextmanager
def _turn(user_id: UUID, max_wait_s: float = MAX_WAIT_S) -> Iterator[None]:
    waiting = _WAITING.acquire()
    try:
        with rendering_slot(user_id, max_wait_s):
            yield
    finally:
        waiting.release()


def _read(found: Found) -> bytes | None:
    if isinstance(found, Failed):
        raise PageImageFailed
    if found is None:
        return None
    if found.data is not None:
        return found.data
    try:
        return b"".join(image_file.open(found.id))
    except (NotFound, ImageDropped):
        return None
    except FileLost:
        unreadable = PageImage.id == found.id
    except FileUnavailable:
        unreadable = sa.and_(PageImage.id == found.id, image_file.is_left())
    with transaction():
        drop_images(unreadable)
    return None


@dataclass(frozen=True, slots=True)
class _PageText:
    text: str
    is_placed: bool


def _find_text(page: PageToShow) -> _PageText:
    """Return the page's text. Needs a transaction. Raises NotFound."""
    row = db.session.execute(
        sa.select(Page.text, Page.word_boxes.is_not(None).label("is_placed")).where(
            Page.document_id == page.document_id, Page.number == page.number
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _PageText(row.text, row.is_placed)


def _show(page: PageToShow, width: int, text: _PageText) -> bytes:
    try:
        with _rendered(page, width, None if text.is_placed else text.text) as rendered:
            if rendered.boxes is not None:
                _note_boxes(page, text.text, rendered.boxes)
            _keep(page, width, rendered.path)
            return rendered.path.read_bytes()
    except PageImageFailed:
        with transaction():
            if page.is_current():
                add_failure(page.image(width))
        raise


@contextmanager
def _rendered(
    page: PageToShow, width: int | None, text: str | None, ends_at: float = math.inf
) -> Iterator[RenderedPage]:
    with tempfile.TemporaryDirectory(prefix="page-image-") as folder:
        if page.printed is None:
            pieces, file_format, number = document_file.open(page.document_id), page.format, page.number
        else:
            pieces, file_format, number = _read_converted(page.printed), DocumentFormat.PDF, page.printed.number
        path = Path(folder) / f"document.{file_format.value}"
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        yield render_page(path, file_format, number, width, text, ends_at=ends_at)


def _read_converted(printed: PrintedPage) -> Iterator[bytes]:
    try:
        yield from converted_file.open(printed.conversion_id)
    except (ImageDropped, FileLost):
        _make_again(Conversion.id == printed.conversion_id)
        raise PageImagePending from None
    except FileUnavailable:
        if not _make_again(Conversion.id == printed.conversion_id, converted_file.is_left()):
            raise
        raise PageImagePending from None
    except NotFound:
        # The document was read again at this moment.
        raise PageImagePending from None


def _make_again(*which: sa.ColumnElement[bool]) -> bool:
    """Have a PDF that cannot be read made again if its conversion meets the conditions. Returns whether it does."""
    with transaction():
        conversion_id = db.session.scalar(sa.select(Conversion.id).where(*which))
        if conversion_id is not None:
            convert_again(conversion_id)
            converted_file.delete(Conversion.id == conversion_id)
    return conversion_id is not None


def _keep(page: PageToShow, width: int, path: Path) -> None:
    """Keep the image. If that cannot be done now, the next request renders it again."""
    with path.open("rb") as image:
        try:
            location = write_object(image, path.stat().st_size)
            with transaction():
                if page.is_current():
                    add_image(page.user_id, page.image(width), image, location)
        except (FileUnavailable, FileChanged):
            return
