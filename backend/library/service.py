"""The door of the library. Loading takes the user: NotFound means missing or owned by another user."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import load_only

from backend.accounts.activity import record_activity
from backend.accounts.types import ActivityKind
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.core.work import jobs
from backend.core.work.jobs import JobState
from backend.library.errors import FileRefused, FileTooLarge, TooManyDocuments, TooManyStudySets
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from backend.library.files.expiry import delete_expired_files
from backend.library.files.moving import count_misplaced_documents, move_documents
from backend.library.files.objects import discard_objects, write_object
from backend.library.files.quota import measure_storage, note_items, refuse_more_storage, settle_storage
from backend.library.files.stored_file import StoredFile, document_file
from backend.library.holdings import measure_holdings
from backend.library.hooks import document_deleting, study_set_deleting
from backend.library.models import Document, Page, StudySet
from backend.library.page_images.boxes import find_boxes
from backend.library.page_images.kept_images import drop_left_images, drop_old_images, measure_images
from backend.library.page_images.showing import place_words
from backend.library.page_notations import find_notations
from backend.library.reading_warnings import list_warnings
from backend.library.types import DocumentPurpose, DocumentStatus, DocumentText, PageSource, PageText, Span, SpanKind
from backend.library.user_data import OwnedFile, delete_next_study_set, list_files
from backend.settings import get_settings

__all__ = [
    "AddedDocument",
    "IncomingFile",
    "OwnedFile",
    "StoredFile",
    "add_documents",
    "are_settled",
    "check_study_set",
    "count_misplaced_documents",
    "count_pages",
    "create_study_set",
    "delete_document",
    "delete_expired_files",
    "delete_next_study_set",
    "delete_study_set",
    "discard_objects",
    "document_file",
    "document_status",
    "drop_left_images",
    "drop_old_images",
    "find_boxes",
    "find_filenames",
    "find_notations",
    "find_titles",
    "get_document",
    "get_page",
    "get_study_set",
    "keep_study_set",
    "list_documents",
    "list_files",
    "list_page_numbers",
    "list_study_sets",
    "list_warnings",
    "load_texts",
    "lock_documents",
    "lock_study_set",
    "measure_holdings",
    "measure_images",
    "measure_storage",
    "move_documents",
    "note_items",
    "place_words",
    "rename_study_set",
    "settle_storage",
    "write_object",
]

_STATUS = {
    JobState.QUEUED: DocumentStatus.QUEUED,
    JobState.RUNNING: DocumentStatus.READING,
    JobState.DONE: DocumentStatus.READY,
    JobState.FAILED: DocumentStatus.FAILED,
    JobState.CANCELLED: DocumentStatus.FAILED,
}
_MINE = sa.select(StudySet.id).where(
    StudySet.id == sa.bindparam("study_set_id"), StudySet.user_id == sa.bindparam("user_id")
)
_HASH_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """An uploaded file: ``path`` is temporary, ``stream`` is open on it, ``name`` comes from the user.

    ``format`` is set for files that we made of uploaded ones.
    """

    name: str
    path: Path
    stream: BinaryIO
    size_bytes: int
    format: DocumentFormat | None = None


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """A document after an upload; ``duplicate`` if the study set already had the same bytes."""

    document: Document
    duplicate: bool


def create_study_set(user_id: UUID, title: str) -> StudySet:
    """Make an empty study set. Raises TooManyStudySets."""
    lock_quota("study-sets", user_id)
    limit = get_settings().max_study_sets_per_user
    count = sa.select(sa.func.count()).select_from(StudySet).where(StudySet.user_id == user_id)
    if (db.session.scalar(count) or 0) >= limit:
        raise TooManyStudySets(limit=limit)
    study_set = StudySet(id=new_id(), user_id=user_id, title=title)
    db.session.add(study_set)
    db.session.flush()
    return study_set


def list_study_sets(user_id: UUID, page: PageQuery) -> ListPage[StudySet]:
    """Return a page of the user's study sets, newest first."""
    return fetch_page(sa.select(StudySet).where(StudySet.user_id == user_id), StudySet.id, page, newest_first=True)


def get_study_set(user_id: UUID, study_set_id: UUID, *, lock: bool = False) -> StudySet:
    """Return the study set, locked against concurrent changes if asked. Raises NotFound."""
    query = sa.select(StudySet).where(StudySet.id == study_set_id, StudySet.user_id == user_id)
    if lock:
        query = query.with_for_update(key_share=True)
    study_set = db.session.scalar(query)
    if study_set is None:
        raise NotFound
    return study_set


def check_study_set(user_id: UUID, study_set_id: UUID) -> None:
    """Raise NotFound unless the user owns the study set; takes half the time of loading it."""
    if db.session.scalar(_MINE, {"user_id": user_id, "study_set_id": study_set_id}) is None:
        raise NotFound


def rename_study_set(user_id: UUID, study_set_id: UUID, title: str) -> StudySet:
    """Raises NotFound."""
    study_set = get_study_set(user_id, study_set_id)
    study_set.title = title
    db.session.flush()
    return study_set


def delete_study_set(user_id: UUID, study_set_id: UUID) -> None:
    """Delete the study set with everything in it. Raises NotFound."""
    # Comes first: what is done in the study set has ended, or waits and finds it gone.
    study_set = db.session.scalar(
        sa.select(StudySet).where(StudySet.id == study_set_id, StudySet.user_id == user_id).with_for_update()
    )
    if study_set is None:
        raise NotFound
    study_set_deleting.send(study_set.id)
    db.session.delete(study_set)


def add_documents(
    user_id: UUID,
    study_set_id: UUID,
    files: Sequence[IncomingFile],
    purpose: DocumentPurpose = DocumentPurpose.NOTES,
) -> list[AddedDocument]:
    """Store files and queue them for reading, all or none. A duplicate keeps the purpose it has.

    Raises NotFound, FileRefused, FileTooLarge, TooManyDocuments, StorageQuotaExceeded.
    """
    study_set = get_study_set(user_id, study_set_id, lock=True)
    added = [_add_document(study_set, file, purpose, f"files[{index}]") for index, file in enumerate(files)]
    new = [each.document for each in added if not each.duplicate]
    if new:
        record_activity(
            user_id,
            ActivityKind.DOCUMENT_UPLOADED,
            study_set_id=str(study_set_id),
            documents=[{"id": str(document.id), "filename": document.filename} for document in new],
        )
    settle_storage(user_id)
    return added


def _add_document(study_set: StudySet, file: IncomingFile, purpose: DocumentPurpose, field: str) -> AddedDocument:
    limit = get_settings().max_upload_bytes
    if file.size_bytes > limit:
        raise FileTooLarge(limit_mb=limit // 1_000_000)
    try:
        file_format = file.format or detect_kind(file.name, file.path)
    except UnreadableFile as error:
        raise FileRefused(error.code, field=field) from None
    digest = _sha256(file.stream)
    same = db.session.scalar(
        sa.select(Document).where(Document.study_set_id == study_set.id, Document.sha256 == digest)
    )
    if same is not None:
        if same.stored_in is None:
            # The file had expired: uploading it again restores it.
            refuse_more_storage(study_set.user_id, file.size_bytes)
            document_file.put(same.id, file.stream)
        return AddedDocument(same, duplicate=True)
    most = get_settings().max_documents_per_set
    count = sa.select(sa.func.count()).select_from(Document).where(Document.study_set_id == study_set.id)
    if (db.session.scalar(count) or 0) >= most:
        raise TooManyDocuments(limit=most)
    refuse_more_storage(study_set.user_id, file.size_bytes)
    document = Document(
        id=new_id(),
        study_set_id=study_set.id,
        filename=file.name,
        format=file_format.value,
        purpose=purpose.value,
        size_bytes=file.size_bytes,
        sha256=digest,
        request_id=current_request_id(),
    )
    db.session.add(document)
    db.session.flush()
    document_file.put(document.id, file.stream)
    jobs.dispatch(Document, [document.id])
    return AddedDocument(document, duplicate=False)


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(_HASH_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def list_documents(user_id: UUID, study_set_id: UUID, page: PageQuery) -> ListPage[Document]:
    """Return a page of the study set's documents, oldest first. Raises NotFound."""
    check_study_set(user_id, study_set_id)
    query = sa.select(Document).where(Document.study_set_id == study_set_id)
    return fetch_page(query, Document.id, page)


def get_document(user_id: UUID, document_id: UUID) -> Document:
    """Return the document. Raises NotFound."""
    document = db.session.scalar(
        sa.select(Document)
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(Document.id == document_id, StudySet.user_id == user_id)
    )
    if document is None:
        raise NotFound
    return document


def document_status(document: Document) -> DocumentStatus:
    return _STATUS[JobState(document.state)]


def get_page(user_id: UUID, document_id: UUID, number: int) -> PageText:
    """Return one page's text. Raises NotFound."""
    get_document(user_id, document_id)
    page = db.session.get(Page, (document_id, number))
    if page is None:
        raise NotFound
    return _page_text(page)


def delete_document(user_id: UUID, document_id: UUID) -> None:
    """Delete the document with its bytes and pages. Raises NotFound, and what rooms above object with."""
    if not keep_study_set(get_document(user_id, document_id).study_set_id):
        raise NotFound
    # Locked before anyone is asked: a run that starts at this moment waits, and finds the document gone.
    document = db.session.scalar(sa.select(Document).where(Document.id == document_id).with_for_update())
    if document is None:
        raise NotFound
    document_deleting.send(document.id)
    db.session.delete(document)


def lock_documents(study_set_id: UUID, document_ids: Sequence[UUID] | None = None) -> list[Document]:
    """Return documents of the study set (all, or the named ones), locked so that none of them settles meanwhile.

    Raises NotFound when a named document is not in the study set.
    """
    query = sa.select(Document).where(Document.study_set_id == study_set_id).order_by(Document.id)
    if document_ids is not None:
        query = query.where(Document.id.in_(document_ids))
    documents = list(db.session.scalars(query.with_for_update(read=True)))
    if document_ids is not None and len(documents) != len(set(document_ids)):
        raise NotFound
    return documents


def lock_study_set(study_set_id: UUID) -> bool:
    """Lock the study set until the transaction ends, so that only one step at a time adds items to it.

    Returns False if it was deleted. The caller has checked the permission.
    """
    query = sa.select(StudySet.id).where(StudySet.id == study_set_id).with_for_update(key_share=True)
    return db.session.scalar(query) is not None


def keep_study_set(study_set_id: UUID) -> bool:
    """Keep the study set from being deleted until the transaction ends. Returns False when it was deleted.

    Comes before all other locks of rows in the study set (docs/architecture.md).
    """
    query = sa.select(StudySet.id).where(StudySet.id == study_set_id).with_for_update(read=True, key_share=True)
    return db.session.scalar(query) is not None


def are_settled(document_ids: Sequence[UUID]) -> bool:
    """Whether every remaining document has been read or has failed."""
    waiting = sa.select(Document.id).where(
        Document.id.in_(document_ids), Document.state.in_((JobState.QUEUED, JobState.RUNNING))
    )
    return db.session.scalar(waiting.limit(1)) is None


def count_pages(document_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int | None]]:
    """Return pages read and total pages (None until known) by document; the total of a failed one is 0."""
    query = sa.select(Document.id, Document.pages_read, Document.pages_total, Document.state)
    return {
        row.id: (row.pages_read, 0 if row.state == JobState.FAILED else row.pages_total)
        for row in db.session.execute(query.where(Document.id.in_(document_ids)))
    }


def list_page_numbers(document_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Return the sorted numbers of the pages read, by document. The caller has checked the permission."""
    query = sa.select(Page.document_id, Page.number).where(Page.document_id.in_(document_ids))
    numbers: dict[UUID, list[int]] = {document_id: [] for document_id in document_ids}
    for document_id, number in db.session.execute(query.order_by(Page.document_id, Page.number)):
        numbers[document_id].append(number)
    return numbers


def load_texts(document_ids: Sequence[UUID], pages: tuple[int, int] | None = None) -> list[DocumentText]:
    """Return documents with the texts of all their pages, or of pages ``pages[0]`` to ``pages[1]``.

    Deleted documents are left out. The caller has checked the permission.
    """
    documents = db.session.scalars(
        sa.select(Document)
        .where(Document.id.in_(document_ids))
        .order_by(Document.id)
        .options(load_only(Document.id, Document.filename, Document.state, Document.error_code))
    ).all()
    query = sa.select(Page).where(Page.document_id.in_(document_ids)).order_by(Page.document_id, Page.number)
    if pages is not None:
        query = query.where(Page.number.between(*pages))
    texts: dict[UUID, list[PageText]] = {document.id: [] for document in documents}
    for page in db.session.scalars(query):
        texts[page.document_id].append(_page_text(page))
    return [DocumentText(d.id, d.filename, document_status(d), d.error_code, tuple(texts[d.id])) for d in documents]


def find_filenames(document_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the file names of the remaining documents. The caller has checked the permission."""
    rows = db.session.execute(sa.select(Document.id, Document.filename).where(Document.id.in_(document_ids)))
    return {row.id: row.filename for row in rows}


def find_titles(study_set_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the titles of the remaining study sets. The caller has checked the permission."""
    rows = db.session.execute(sa.select(StudySet.id, StudySet.title).where(StudySet.id.in_(study_set_ids)))
    return {row.id: row.title for row in rows}


def _page_text(page: Page) -> PageText:
    spans = tuple(Span(SpanKind(kind), start, end, level) for kind, start, end, level in page.spans)
    source = PageSource(page.source)
    return PageText(
        page.number,
        page.text,
        page.heading,
        source,
        page.skipped,
        page.label,
        spans,
        page.confidence,
        page.text_version,
    )
