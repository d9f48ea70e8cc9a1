"""The work on a document: its bytes become pages of text."""

import tempfile
import time
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from backend.core.database.database import db, is_passing
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger, log_context
from backend.core.work import jobs
from backend.core.work.jobs import Claim
from backend.library.errors import FileUnavailable
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat
from backend.library.extraction.reader import ReadLimits, ReadReport
from backend.library.extraction.reader import read_document as extract
from backend.library.files.storage import read_file
from backend.library.models import Document, Page
from backend.library.signals import document_settled
from backend.library.types import PageText
from backend.settings import Settings, get_settings

log = get_logger(__name__)

_PROGRESS_EVERY_S = 0.5
_BUCKET_AWAY_S = 30.0


def read_document(document_id: UUID) -> None:
    """Read a queued document into pages. Does nothing when it is not there, not queued or being read."""
    with transaction():
        held = jobs.claim(Document, document_id)
    if held is None:
        return
    with log_context(document_id=document_id, request_id=held.request_id, attempt=held.attempt):
        try:
            _read(held)
        except (jobs.LeaseLost, NotFound):
            log.warning("library.document.lease_lost")
        except Exception as error:
            if isinstance(error, DBAPIError) and is_passing(error):
                # What became of the document stands in the database, or will when its lease has run out.
                raise
            log.exception("library.document.crashed")
            with transaction():
                _after_crash(held)


def _after_crash(held: Claim) -> None:
    if held.failures + 1 < get_settings().step_attempts:
        jobs.retry_later(Document, held, delay_s=float(2**held.failures))
        return
    jobs.fail(Document, held, "internal_error")
    document_settled.send(document_id=held.id)


def _read(held: Claim) -> None:
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
        file_format = DocumentFormat(db.session.get_one(Document, held.id).format)
    with jobs.lease(Document, held), tempfile.TemporaryDirectory(prefix="document-") as folder:
        path = Path(folder) / f"document.{file_format.value}"
        try:
            with path.open("wb") as file:
                for piece in read_file(held.id):
                    file.write(piece)
        except FileUnavailable:
            with transaction():
                # However long the bucket is away: the document is as good as it was.
                jobs.retry_later(Document, held, delay_s=_BUCKET_AWAY_S, is_failure=False)
            return
        try:
            report = extract(path, file_format, _limits(get_settings()), take)
        except UnreadableFile as error:
            log.info("library.document.unreadable", code=error.code)
            with transaction():
                jobs.fail(Document, held, error.code)
                document_settled.send(document_id=held.id)
            return
        with transaction():
            _record(held, pages, report)
    log.info("library.document.read", pages=len(pages), duration_ms=round((time.monotonic() - started) * 1000))


def _record(held: Claim, pages: list[PageText], report: ReadReport) -> None:
    # The claim is checked first: a worker that lost the document must not touch its pages.
    jobs.finish(Document, held)
    db.session.execute(sa.delete(Page).where(Page.document_id == held.id))
    db.session.execute(
        sa.insert(Page),
        [
            {
                "document_id": held.id,
                "number": page.number,
                "text": page.text,
                "heading": page.heading,
                "source": page.source.value,
                "skipped": page.skipped,
            }
            for page in pages
        ],
    )
    db.session.execute(
        sa.update(Document)
        .where(Document.id == held.id)
        .values(
            pages_total=report.total_pages,
            pages_read=len(pages),
            characters=sum(len(page.text) for page in pages),
            warnings=[{"code": w.code, "count": w.count, "pages": list(w.pages)} for w in report.warnings],
        )
        .execution_options(synchronize_session=False)
    )
    document_settled.send(document_id=held.id)


def _show_progress(held: Claim, pages_read: int) -> None:
    with transaction():
        db.session.execute(
            sa.update(Document)
            .where(*jobs.is_held(Document, held))
            .values(pages_read=pages_read)
            .execution_options(synchronize_session=False)
        )


def _limits(settings: Settings) -> ReadLimits:
    return ReadLimits(
        max_pages=settings.max_document_pages,
        max_chars=settings.max_document_chars,
        memory_bytes=settings.read_memory_bytes,
        wall_s=settings.read_timeout_s,
        ocr_max_pages=settings.ocr_max_pages,
        ocr_languages=settings.ocr_languages,
    )


def _give_up(document_id: UUID, _code: str) -> None:
    document_settled.send(document_id=document_id)


jobs.register(Document, _give_up)
