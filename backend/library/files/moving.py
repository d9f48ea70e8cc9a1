"""The mover: brings each file to the place that ``DOCUMENT_STORAGE`` names, in either direction.

A file is copied first, read again and compared; then one transaction points its row at the copy and lets go of the
original. Whatever happens in between, the row points at bytes that are there. What a crash or a lost race leaves
over is an object whose key was noted in ``discarded_objects`` before it was made.
"""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.work.jobs import JobState
from backend.library.errors import FileExpired, FileUnavailable, ObjectRefused
from backend.library.files import storage
from backend.library.files.storage import Location
from backend.library.models import POSTGRES, DiscardedObject, Document
from backend.settings import get_settings

log = get_logger(__name__)

# Nobody reads these any more; the others are read soon, and are as near as can be where they are.
_SETTLED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
# How long a mover has a document to itself: far longer than a move takes. One that fails is left alone so long.
_MOVE_S = 900
# How long the object of a move that never ended is left alone: longer still.
_UNRECORDED_S = 3600
_DISCARD_AGAIN_S = 300
_BATCH = 20


class _MoveLost(Exception):
    """The file is not where the move began any more, or its copy is being deleted: the move is as if never begun."""


class _CopyDiffers(Exception):
    """What was read is not what was uploaded."""


@dataclass(frozen=True, slots=True)
class _Move:
    document_id: UUID
    source: Location
    target: Location
    size_bytes: int
    sha256: str


def move_documents(most: int = _BATCH) -> int:
    """Move up to ``most`` files to where they belong; return how many were moved.

    A file that cannot be moved is logged and left where it is, for a quarter of an hour. Files that wait to be read
    stay where they are. Raises FileUnavailable when the bucket is away, or has refused ``most`` files one by one.
    """
    moved = refused = 0
    for _ in range(most):
        move = _begin()
        if move is None:
            break
        try:
            _copy_and_record(move)
        except ObjectRefused:
            # Not given back, or this one would be the first again and the others never come.
            log.error("library.document.move_refused", document_id=str(move.document_id))
            refused += 1
        except FileUnavailable:
            _give_back(move)
            raise
        except (_MoveLost, NotFound, FileExpired):
            log.info("library.document.move_lost", document_id=str(move.document_id))
        except Exception:
            log.exception("library.document.move_failed", document_id=str(move.document_id))
        else:
            moved += 1
            log.info("library.document.moved", document_id=str(move.document_id), place=move.target.place)
    if 0 < most == refused:
        raise FileUnavailable
    return moved


def count_misplaced_documents() -> int:
    """Return how many files are not where ``DOCUMENT_STORAGE`` says. Opens a transaction."""
    with transaction():
        return db.session.scalar(sa.select(sa.func.count()).select_from(Document).where(_is_misplaced())) or 0


def discard_objects(most: int = 100) -> int:
    """Delete up to ``most`` objects that no document has any more; return how many.

    Those that cannot be deleted are tried again after some minutes. Opens transactions of its own.
    """
    with transaction():
        due = (
            sa.select(DiscardedObject.key)
            .where(DiscardedObject.due_at <= database_now())
            .order_by(DiscardedObject.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        # A move that is being recorded has its note locked, and one that comes later sees the claim: never do both
        # a document and this have the object.
        claimed = db.session.execute(
            sa.update(DiscardedObject)
            .where(DiscardedObject.key.in_(due))
            .values(claimed=True, due_at=database_now() + timedelta(seconds=_DISCARD_AGAIN_S))
            .returning(DiscardedObject.place, DiscardedObject.key)
            .execution_options(synchronize_session=False)
        ).all()
    gone = _delete_objects([(row.place, row.key) for row in claimed])
    if gone:
        with transaction():
            db.session.execute(sa.delete(DiscardedObject).where(DiscardedObject.key.in_(gone)))
    return len(gone)


def _delete_objects(objects: Iterable[tuple[str, UUID]]) -> list[UUID]:
    gone: list[UUID] = []
    away: set[str] = set()
    for place, key in objects:
        if place in away:
            continue
        try:
            storage.delete_object(Location(place, key))
        except ObjectRefused:
            log.error("library.object.kept", place=place, key=str(key))
        except FileUnavailable:
            away.add(place)
        else:
            gone.append(key)
    return gone


def _is_misplaced() -> sa.ColumnElement[bool]:
    place = get_settings().document_storage
    # Smaller or greater, and not just different, because that the index can answer.
    return sa.or_(Document.stored_in < place, Document.stored_in > place)


def _begin() -> _Move | None:
    """Claim a document whose file is to be moved, and note the object that is about to be made."""
    place = get_settings().document_storage
    moment = database_now()
    next_one = (
        sa.select(Document.id)
        .where(
            _is_misplaced(),
            Document.state.in_(_SETTLED),
            sa.or_(Document.moving_until.is_(None), Document.moving_until < moment),
        )
        .order_by(Document.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction():
        row = db.session.execute(
            sa.update(Document)
            .where(Document.id == next_one.scalar_subquery())
            .values(moving_until=moment + timedelta(seconds=_MOVE_S))
            .returning(Document.id, Document.stored_in, Document.stored_key, Document.size_bytes, Document.sha256)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if row is None:
            return None
        target = Location(place, None if place == POSTGRES else new_id())
        if target.key is not None:
            due_at = moment + timedelta(seconds=_UNRECORDED_S)
            db.session.execute(sa.insert(DiscardedObject).values(key=target.key, place=place, due_at=due_at))
    return _Move(row.id, Location(row.stored_in, row.stored_key), target, row.size_bytes, row.sha256)


def _copy_and_record(move: _Move) -> None:
    with tempfile.NamedTemporaryFile(prefix="document-") as file:
        digest = hashlib.sha256()
        for piece in storage.read_file(move.document_id):
            digest.update(piece)
            file.write(piece)
        if digest.hexdigest() != move.sha256:
            raise _CopyDiffers
        file.flush()
        file.seek(0)
        if move.target.key is not None:
            storage.put_object(move.target, file, move.size_bytes)
            _check_copy(move)
        with transaction():
            _record(move, file)


def _check_copy(move: _Move) -> None:
    digest = hashlib.sha256()
    for piece in storage.read_location(move.document_id, move.target):
        digest.update(piece)
    if digest.hexdigest() != move.sha256:
        raise _CopyDiffers


def _record(move: _Move, file: IO[bytes]) -> None:
    """Point the document's row at the copy. Raises _MoveLost unless everything is as it was when the move began."""
    recorded = db.session.execute(
        sa.update(Document)
        .where(
            Document.id == move.document_id,
            Document.state.in_(_SETTLED),
            Document.stored_in == move.source.place,
            Document.stored_key.is_not_distinct_from(move.source.key),
        )
        .values(stored_in=move.target.place, stored_key=move.target.key, moving_until=None)
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if recorded is None:
        raise _MoveLost
    if move.target.key is None:
        storage.store_file(move.document_id, file)
        return
    noted = sa.delete(DiscardedObject).where(DiscardedObject.key == move.target.key, ~DiscardedObject.claimed)
    if db.session.scalar(noted.returning(DiscardedObject.key)) is None:
        raise _MoveLost
    storage.delete_pieces([move.document_id])


def _give_back(move: _Move) -> None:
    with transaction():
        db.session.execute(
            sa.update(Document)
            .where(Document.id == move.document_id)
            .values(moving_until=None)
            .execution_options(synchronize_session=False)
        )
