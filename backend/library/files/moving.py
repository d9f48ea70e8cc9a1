"""The mover: brings files from PostgreSQL to the bucket that ``DOCUMENT_STORAGE`` names.

The way back, or to another bucket, is taken only when an operator asks for it (``move-documents``). A file is copied
first, and the copy is read again and compared. Then one transaction points the row at the copy and lets go of the
original. Whatever happens in between, the row points at bytes that are there.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger
from backend.core.work.jobs import JobState
from backend.library.errors import FileChanged, FileExpired, FileUnavailable, ObjectRefused
from backend.library.files.objects import read_object, write_object
from backend.library.files.stored_file import document_file
from backend.library.models import POSTGRES, Document
from backend.settings import get_settings

log = get_logger(__name__)

# A document that has not been read yet stays in PostgreSQL, where reading it is fastest.
_SETTLED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
# Lease of one move: far longer than a move takes. After a failure, no mover tries until it has expired.
_MOVE_FOR = timedelta(minutes=15)
_BATCH = 20

# A document's id, where its file is (``stored_in``, ``stored_key``), its size and its SHA-256.
_Claimed = sa.Row[UUID, str | None, UUID | None, int, str]


class _CopyDiffers(Exception):
    """The bytes that were read are not those that were uploaded."""


def move_documents(limit: int = _BATCH, *, from_anywhere: bool = False) -> int:
    """Move up to ``limit`` files from PostgreSQL (or from anywhere) to where they belong; return how many were moved.

    A file that cannot be moved is logged and left where it is for 15 minutes. Raises FileUnavailable when the bucket is
    unreachable, or has refused ``limit`` files one by one.
    """
    moved = refused = 0
    for _ in range(limit):
        claimed = _claim(from_anywhere)
        if claimed is None:
            break
        document_id = str(claimed.id)
        try:
            place = _move(claimed)
        except ObjectRefused:
            # It stays claimed, or it would be first again and keep the others waiting.
            log.error("library.document.move_refused", document_id=document_id)
            refused += 1
        except FileUnavailable:
            _release(claimed.id)
            raise
        except (FileChanged, NotFound, FileExpired):
            log.info("library.document.move_lost", document_id=document_id)
        except Exception:
            log.exception("library.document.move_failed", document_id=document_id)
        else:
            moved += 1
            log.info("library.document.moved", document_id=document_id, place=place)
    if 0 < limit == refused:
        raise FileUnavailable
    return moved


def count_misplaced_documents() -> int:
    """Return how many files are not where ``DOCUMENT_STORAGE`` says. Opens a transaction."""
    with transaction():
        misplaced = sa.select(sa.func.count()).select_from(Document).where(_is_misplaced(from_anywhere=True))
        return db.session.scalar(misplaced) or 0


def _is_misplaced(*, from_anywhere: bool) -> sa.ColumnElement[bool]:
    place = get_settings().document_storage
    if from_anywhere:
        # Smaller or greater, because the index cannot answer "different".
        return sa.or_(Document.stored_in < place, Document.stored_in > place)
    return Document.stored_in == POSTGRES if place != POSTGRES else sa.false()


def _claim(from_anywhere: bool) -> _Claimed | None:
    moment = database_now()
    next_one = (
        sa.select(Document.id)
        .where(
            _is_misplaced(from_anywhere=from_anywhere),
            Document.state.in_(_SETTLED),
            sa.or_(Document.moving_until.is_(None), Document.moving_until < moment),
        )
        .order_by(Document.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction():
        return db.session.execute(
            sa.update(Document)
            .where(Document.id == next_one.scalar_subquery())
            .values(moving_until=moment + _MOVE_FOR)
            .returning(Document.id, Document.stored_in, Document.stored_key, Document.size_bytes, Document.sha256)
            .execution_options(synchronize_session=False)
        ).one_or_none()


def _move(claimed: _Claimed) -> str:
    """Move a file and return its new place. Raises FileChanged unless the row is as it was when it was claimed."""
    with tempfile.NamedTemporaryFile(prefix="document-") as file:
        _compare(document_file.open(claimed.id), claimed.sha256, file.write)
        file.flush()
        location = write_object(file, claimed.size_bytes)
        if location.key is not None:
            _compare(read_object(location), claimed.sha256)
        with transaction():
            document_file.put(
                claimed.id,
                file,
                Document.state.in_(_SETTLED),
                Document.stored_in == claimed.stored_in,
                Document.stored_key.is_not_distinct_from(claimed.stored_key),
                location=location,
                moving_until=None,
            )
    return location.place


def _compare(pieces: Iterable[bytes], sha256: str, write: Callable[[bytes], object] = lambda _: None) -> None:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        write(piece)
    if digest.hexdigest() != sha256:
        raise _CopyDiffers


def _release(document_id: UUID) -> None:
    with transaction():
        db.session.execute(
            sa.update(Document)
            .where(Document.id == document_id)
            .values(moving_until=None)
            .execution_options(synchronize_session=False)
        )
