"""Reads a document's file again on request. The document keeps its old text until the new one is complete.

Then one transaction replaces the pages, and the rooms above locate what they quote in the new ones. If anything fails,
the old text stays.
"""

import threading
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.activity import record_activity
from backend.accounts.types import ActivityKind
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import DomainError, NotFound
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id, get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState, LeaseLost, TryLater
from backend.core.work.runner import record
from backend.library import service
from backend.library.errors import DocumentNotReady, NoFileToReread, RereadingInProgress
from backend.library.extraction.reader import ReadReport, ReadWarning
from backend.library.hooks import document_rereading, pages_replaced
from backend.library.models import Document, Rereading
from backend.library.page_images.conversions import queue_conversion
from backend.library.reading import read_file, settle_text, write_pages
from backend.library.reading_places import check_held
from backend.library.types import PageText, QuoteCounts

log = get_logger(__name__)

_IN_USE_S = 30.0


def start_rereading(user_id: UUID, document_id: UUID) -> Rereading:
    """Queue a document to be read again.

    Raises NotFound, DocumentNotReady, NoFileToReread, RereadingInProgress, and what rooms above object with.
    """
    document = service.get_document(user_id, document_id)
    if not service.keep_study_set(document.study_set_id) or _lock_document(document_id) is None:
        raise NotFound
    db.session.refresh(document)
    if document.state != JobState.DONE:
        raise DocumentNotReady
    if document.stored_in is None:
        raise NoFileToReread
    document_rereading.send(document_id)
    before = find_rereading(document_id)
    if before is not None:
        if before.state in (JobState.QUEUED, JobState.RUNNING):
            raise RereadingInProgress
        db.session.delete(before)
        db.session.flush()
    rereading = Rereading(id=new_id(), document_id=document_id, request_id=current_request_id())
    db.session.add(rereading)
    db.session.flush()
    record_activity(
        user_id,
        ActivityKind.DOCUMENT_REREAD,
        study_set_id=str(document.study_set_id),
        documents=[{"id": str(document.id), "filename": document.filename}],
    )
    jobs.dispatch(Rereading, [rereading.id])
    db.session.refresh(rereading)
    return rereading


def get_rereading(user_id: UUID, document_id: UUID) -> Rereading:
    """Return the latest rereading of a document. Raises NotFound, also when there is none."""
    service.get_document(user_id, document_id)
    rereading = find_rereading(document_id)
    if rereading is None:
        raise NotFound
    return rereading


def find_rereading(document_id: UUID) -> Rereading | None:
    """Return the latest rereading of a document. The caller has checked the permission."""
    latest = sa.select(Rereading).where(Rereading.document_id == document_id).order_by(Rereading.id.desc())
    return db.session.scalar(latest.limit(1))


def reread_document(held: Claim, lost: threading.Event) -> None:
    """Read a held rereading's file, and replace the document's pages.

    Raises JobFailed with a reader's code, TryLater while a run uses the document or the bucket is unreachable, and
    LeaseLost when the document is gone.
    """
    with transaction():
        rereading = db.session.get(Rereading, held.id)
        document = db.session.get(Document, rereading.document_id) if rereading is not None else None
        if document is None:
            raise LeaseLost
        _wait_for_runs(document.id)
    pages: list[PageText] = []
    report = read_file(document, pages.append, lambda: check_held(Rereading, held))
    record(lambda: _record(held, document, pages, report), lost)
    log.info("library.document.reread", pages=len(pages))


def keep_old_text(_rereading_id: UUID, _code: str) -> None:
    """Do nothing: the document never changed."""


def _record(held: Claim, document: Document, pages: list[PageText], report: ReadReport) -> None:
    # In full, because evidence in it changes.
    if not service.lock_study_set(document.study_set_id) or _lock_document(document.id) is None:
        raise LeaseLost
    # Asked after the document is locked: a run that starts now waits, and gets the new pages.
    _wait_for_runs(document.id)
    jobs.finish(Rereading, held)
    counts = pages_replaced.send(document.id, pages)
    quotes = QuoteCounts(sum(each.found for each in counts), sum(each.lost for each in counts))
    if quotes.lost:
        lost_pages = {page for each in counts for page in each.lost_pages}
        warning = ReadWarning("quotes_lost", quotes.lost, tuple(sorted(lost_pages)))
        report = ReadReport(report.total_pages, (*report.warnings, warning))
    write_pages(document.id, pages, report)
    _note_outcome(held.id, document.id, quotes)
    settle_text(document.id)
    queue_conversion(document.id)


def _note_outcome(rereading_id: UUID, document_id: UUID, quotes: QuoteCounts) -> None:
    started_at = db.session.scalars(
        sa.update(Rereading)
        .where(Rereading.id == rereading_id)
        .values(quotes_found=quotes.found, quotes_lost=quotes.lost)
        .returning(Rereading.started_at)
        .execution_options(synchronize_session=False)
    ).one()
    # Estimates, which are kept for a text, recognise by these times that there is another one.
    db.session.execute(
        sa.update(Document)
        .where(Document.id == document_id)
        .values(started_at=started_at, ended_at=database_now())
        .execution_options(synchronize_session=False)
    )


def _lock_document(document_id: UUID) -> UUID | None:
    return db.session.scalar(sa.select(Document.id).where(Document.id == document_id).with_for_update())


def _wait_for_runs(document_id: UUID) -> None:
    try:
        document_rereading.send(document_id)
    except DomainError:
        raise TryLater(_IN_USE_S) from None
