"""The work on a document: its bytes become pages of text."""

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobFailed, TryLater
from backend.core.work.runner import record
from backend.library.errors import FileExpired, FileUnavailable, StorageQuotaExceeded
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat
from backend.library.extraction.reader import ReadLimits, ReadReport
from backend.library.extraction.reader import read_document as extract
from backend.library.files.quota import settle_storage
from backend.library.files.stored_file import document_file
from backend.library.hooks import document_settled, document_settling
from backend.library.models import Document, Page, StudySet
from backend.library.page_images.conversions import queue_conversion
from backend.library.reading_places import check_held
from backend.library.recognition_languages import order_languages
from backend.library.types import PageText
from backend.settings import Settings, get_settings

log = get_logger(__name__)

_PROGRESS_EVERY_S = 0.5
_BUCKET_AWAY_S = 30.0


def read_document(held: Claim, lost: threading.Event) -> None:
    """Read a held document into pages. Raises JobFailed with a reader's code, TryLater when the bucket is unreachable.

    Raises LeaseLost when the document or its file is gone.
    """
    started = time.monotonic()
    pages: list[PageText] = []
    next_progress = started + _PROGRESS_EVERY_S

    def take(page: PageText) -> None:
        nonlocal next_progress
        pages.append(page)
        if time.monotonic() >= next_progress:
            next_progress = time.monotonic() + _PROGRESS_EVERY_S
            _show_progress(held, len(pages))

    with transaction():
        document = db.session.get(Document, held.id)
    if document is None:
        raise jobs.LeaseLost
    report = read_file(document, take, lambda: check_held(Document, held))
    record(lambda: _record(held, pages, report), lost)
    log.info("library.document.read", pages=len(pages), duration_ms=round((time.monotonic() - started) * 1000))


def read_file(document: Document, take: Callable[[PageText], None], check: Callable[[], None]) -> ReadReport:
    """Read a document's file and hand over its pages. ``check`` is called about once a second.

    Raises JobFailed with a reader's code, TryLater when the bucket is unreachable, LeaseLost when the file is gone.
    """
    file_format = DocumentFormat(document.format)
    with transaction():
        limits = _limits(get_settings(), document.study_set_id)
    with tempfile.TemporaryDirectory(prefix="document-") as folder:
        path = Path(folder) / f"document.{file_format.value}"
        try:
            with path.open("wb") as file:
                for piece in document_file.open(document.id):
                    file.write(piece)
            return extract(path, file_format, limits, take, check)
        except NotFound:
            raise jobs.LeaseLost from None
        except FileExpired as error:
            raise JobFailed(error.code) from None
        except FileUnavailable:
            raise TryLater(_BUCKET_AWAY_S) from None
        except UnreadableFile as error:
            log.info("library.document.unreadable", code=error.code)
            raise JobFailed(error.code) from None


def _record(held: Claim, pages: list[PageText], report: ReadReport) -> None:
    lock_first(held.id)
    # The claim is checked before anything is written: a worker that lost the document must not touch its pages.
    jobs.finish(Document, held)
    write_pages(held.id, pages, report)
    document_settled.send(held.id)
    settle_text(held.id)
    queue_conversion(held.id)


def write_pages(document_id: UUID, pages: Sequence[PageText], report: ReadReport) -> None:
    """Give a document these pages instead of those it had, with their counts and warnings."""
    db.session.execute(sa.delete(Page).where(Page.document_id == document_id))
    db.session.execute(
        sa.insert(Page),
        [
            {
                "document_id": document_id,
                "number": page.number,
                "text": page.text,
                "heading": page.heading,
                "source": page.source.value,
                "skipped": page.skipped,
                "label": page.label,
                "spans": [[span.kind, span.start, span.end, span.level] for span in page.spans],
                "confidence": page.confidence,
                "text_version": page.text_version,
            }
            for page in pages
        ],
    )
    db.session.execute(
        sa.update(Document)
        .where(Document.id == document_id)
        .values(
            pages_total=report.total_pages,
            pages_read=len(pages),
            characters=sum(len(page.text) for page in pages),
            text_bytes=sum(len(page.text.encode()) for page in pages),
            warnings=[{"code": w.code, "count": w.count, "pages": list(w.pages)} for w in report.warnings],
        )
        .execution_options(synchronize_session=False)
    )


def settle_text(document_id: UUID) -> None:
    """Check that a document's new text fits into its user's storage. Raises JobFailed."""
    user_id = db.session.scalars(
        sa.select(StudySet.user_id)
        .join(Document, Document.study_set_id == StudySet.id)
        .where(Document.id == document_id)
    ).one()
    try:
        settle_storage(user_id)
    except StorageQuotaExceeded as error:
        raise JobFailed(error.code) from None


def _show_progress(held: Claim, pages_read: int) -> None:
    with transaction():
        db.session.execute(
            sa.update(Document)
            .where(*jobs.is_held(Document, held))
            .values(pages_read=pages_read)
            .execution_options(synchronize_session=False)
        )


def _limits(settings: Settings, study_set_id: UUID) -> ReadLimits:
    return ReadLimits(
        max_pages=settings.max_document_pages,
        max_chars=settings.max_document_chars,
        memory_bytes=settings.read_memory_bytes,
        wall_s=settings.read_timeout_s,
        ocr_max_pages=settings.ocr_max_pages,
        ocr_languages=order_languages(study_set_id, settings.ocr_languages),
    )


def lock_first(document_id: UUID) -> None:
    """Lock the study set; then receivers of ``document_settling`` lock what comes before the document."""
    study_set = sa.select(StudySet.id).where(
        StudySet.id == sa.select(Document.study_set_id).where(Document.id == document_id).scalar_subquery()
    )
    db.session.execute(study_set.with_for_update(read=True, key_share=True)).all()
    document_settling.send(document_id)


def give_up(document_id: UUID, _code: str) -> None:
    """Send ``document_settled``: the document has failed for good."""
    document_settled.send(document_id)
