"""Conversions of Office documents to PDF, whose pages are then shown. One runs at a time.

A worker that has LibreOffice queues one for each document that it has read. A dropped PDF is made again on request.
"""

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id, get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobFailed, JobState, LeaseLost, TryLater
from backend.core.work.runner import record
from backend.library.errors import FileExpired, FileUnavailable
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat
from backend.library.extraction.reader import ReadLimits
from backend.library.extraction.reader import read_document as extract
from backend.library.files.objects import write_object
from backend.library.files.stored_file import document_file
from backend.library.models import Conversion, Document, Page, PageImage, StudySet
from backend.library.page_images.converted_files import converted_file, drop_surplus_files
from backend.library.page_images.errors import (
    OfficePagesNotShown,
    PageImageFailed,
    PageNotFoundInPdf,
)
from backend.library.page_images.libreoffice import can_convert, convert_to_pdf, find_libreoffice
from backend.library.page_images.page_map import map_pages
from backend.library.reading_places import check_held
from backend.library.types import PageText
from backend.settings import get_settings

log = get_logger(__name__)

_SLIDES: Final = frozenset({DocumentFormat.PPTX, DocumentFormat.ODP})
CONVERTED_FORMATS: Final = frozenset({DocumentFormat.DOCX, DocumentFormat.ODT}) | _SLIDES
"""Formats whose pages are shown after a conversion."""

_AGAIN_AFTER_S: Final = 30.0
_MAX_PRINTED_PAGES: Final = 2_000

_HAS_NO_FILE: Final = sa.and_(Conversion.state == JobState.FAILED, Conversion.error_code == FileExpired.code)


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page of a converted document's PDF, counted from 1."""

    conversion_id: UUID
    number: int


def find_printed_page(document_id: UUID, number: int) -> PrintedPage | None:
    """Return what is shown for a page of an Office document; None if it is being converted. Needs a transaction.

    Raises PageImageFailed, OfficePagesNotShown, FileExpired, and PageNotFoundInPdf if no printed page has its
    words.
    """
    row = db.session.execute(
        sa.select(Conversion.id, Conversion.state, Conversion.printed_pages, _HAS_NO_FILE.label("has_no_file")).where(
            Conversion.document_id == document_id
        )
    ).one_or_none()
    if row is None:
        raise OfficePagesNotShown
    if row.state in (JobState.QUEUED, JobState.RUNNING):
        return None
    if row.has_no_file:
        # Perhaps it was uploaded again.
        convert_again(row.id)
        return None
    if row.state != JobState.DONE:
        raise PageImageFailed
    printed = row.printed_pages[number - 1] if number <= len(row.printed_pages) else None
    if printed is None:
        raise PageNotFoundInPdf
    return PrintedPage(row.id, printed)


def keep_conversion(document_id: UUID, conversion_id: UUID) -> bool:
    """Tell whether this is still the document's conversion. Then it is until the transaction ends."""
    _lock_document(document_id)
    return db.session.scalar(sa.select(Conversion.id).where(Conversion.id == conversion_id)) is not None


def queue_conversion(document_id: UUID) -> None:
    """Forget what shows an Office document, and have it converted if this worker could do it. Needs a transaction."""
    file_format = db.session.scalar(sa.select(Document.format).where(Document.id == document_id))
    if file_format not in CONVERTED_FORMATS:
        return
    # Our pages may be cut otherwise now, so another printed page may belong to each.
    for before in (Conversion, PageImage):
        stale = sa.delete(before).where(before.document_id == document_id)
        db.session.execute(stale.execution_options(synchronize_session=False))
    if not can_convert():
        return
    conversion = Conversion(id=new_id(), document_id=document_id, request_id=current_request_id())
    db.session.add(conversion)
    db.session.flush()
    jobs.dispatch(Conversion, [conversion.id])


def convert_again(conversion_id: UUID) -> None:
    """Queue a conversion whose PDF was dropped, or whose file had expired. Needs a transaction. Raises FileExpired."""
    lock_first(conversion_id)
    document = sa.select(Document.stored_in).join(Conversion, Conversion.document_id == Document.id)
    found = db.session.execute(document.where(Conversion.id == conversion_id)).one_or_none()
    if found is not None and found.stored_in is None:
        raise FileExpired
    db.session.execute(
        sa.update(Conversion)
        .where(Conversion.id == conversion_id, sa.or_(Conversion.state == JobState.DONE, _HAS_NO_FILE))
        .values(state=JobState.PLANNED, failures=0, ended_at=None, error_code=None)
        .execution_options(synchronize_session=False)
    )
    jobs.dispatch(Conversion, [conversion_id])


def convert_document(held: Claim, lost: threading.Event) -> None:
    """Convert a held conversion's document. Raises JobFailed, TryLater, and LeaseLost when the document is gone."""
    with transaction():
        found = db.session.execute(
            sa.select(Document.id, Document.format, StudySet.user_id)
            .join(Conversion, Conversion.document_id == Document.id)
            .join(StudySet, StudySet.id == Document.study_set_id)
            .where(Conversion.id == held.id)
        ).one_or_none()
        texts = _load_texts(found.id) if found is not None else []
    program = find_libreoffice()
    if found is None or program is None:
        raise LeaseLost
    file_format = DocumentFormat(found.format)
    check = partial(check_held, Conversion, held)
    with tempfile.TemporaryDirectory(prefix="conversion-") as folder:
        path = Path(folder) / f"document.{file_format.value}"
        try:
            with path.open("wb") as file:
                for piece in document_file.open(found.id):
                    file.write(piece)
            made = convert_to_pdf(program, path, check)
            printed = _read_printed(made, check)
            with made.open("rb") as pdf:
                location = write_object(pdf, made.stat().st_size)
                shown = map_pages(texts, printed, are_slides=file_format in _SLIDES)
                values = {"size_bytes": made.stat().st_size, "printed_pages": shown}

                def write() -> None:
                    lock_first(held.id)
                    jobs.finish(Conversion, held)
                    converted_file.put(held.id, pdf, location=location, **values)
                    drop_surplus_files(found.user_id)

                record(write, lost)
        except FileUnavailable:
            raise TryLater(_AGAIN_AFTER_S) from None
        except (FileExpired, UnreadableFile) as error:
            raise JobFailed(error.code) from None
    log.info("library.document.converted", pages=len(printed), size_bytes=values["size_bytes"])


def forget(_conversion_id: UUID, _code: str) -> None:
    """Do nothing: the failed row says that the document has no pages to show."""


def lock_first(conversion_id: UUID) -> None:
    """Lock the document. A row that is changed twice locks it through the foreign key anyway, which is too late."""
    _lock_document(sa.select(Conversion.document_id).where(Conversion.id == conversion_id).scalar_subquery())


def _lock_document(document_id: UUID | sa.ScalarSelect[UUID]) -> None:
    """Lock the document as a foreign key does. Comes before the lock of its conversion."""
    query = sa.select(Document.id).where(Document.id == document_id)
    db.session.execute(query.with_for_update(read=True, key_share=True)).all()


def _load_texts(document_id: UUID) -> list[str]:
    query = sa.select(Page.text).where(Page.document_id == document_id).order_by(Page.number)
    return list(db.session.scalars(query))


def _read_printed(pdf: Path, check: Callable[[], None]) -> list[str]:
    settings = get_settings()
    limits = ReadLimits(
        max_pages=_MAX_PRINTED_PAGES,
        max_chars=settings.max_document_chars,
        memory_bytes=settings.read_memory_bytes,
        wall_s=settings.read_timeout_s,
        ocr_max_pages=0,
    )
    pages: list[PageText] = []
    try:
        extract(pdf, DocumentFormat.PDF, limits, pages.append, check)
    except UnreadableFile as error:
        # Slides that are pictures; their pages were handed over all the same.
        if error.code != "no_text":
            raise
    return [page.text for page in pages]
