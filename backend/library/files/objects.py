"""Objects in the bucket that ``DOCUMENT_STORAGE`` names, and the notes of those that no row has.

An object is noted in ``discarded_objects`` before it is made, and the note is taken back in the transaction that points
a row at the object. So objects that a crash leaves behind are known, and deleted later. A trigger notes the object of a
row that is deleted or points elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.library.errors import FileUnavailable, ObjectRefused
from backend.library.models import POSTGRES, DiscardedObject
from backend.settings import get_settings

log = get_logger(__name__)

# How bytes are carried: large enough to make few rows, small enough that several copies stay under a few megabytes.
PIECE_BYTES = 512 * 1024
# Longer than it takes to make an object and to point a row at it.
_UNUSED_FOR = timedelta(hours=1)
_RETRY_DELETE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Location:
    """Where the bytes of a file are. ``key`` names an object in a bucket; it is None in PostgreSQL."""

    place: str
    key: UUID | None = None


IN_POSTGRES = Location(POSTGRES)


def write_object(file: IO[bytes], size_bytes: int) -> Location:
    """Write the file as a new object, or do nothing when files belong in PostgreSQL; ``StoredFile.put`` does the rest.

    Opens a transaction of its own. Raises FileUnavailable.
    """
    place = get_settings().document_storage
    if place == POSTGRES:
        return IN_POSTGRES
    key = new_id()
    with transaction():
        note = sa.insert(DiscardedObject).values(key=key, place=place, due_at=database_now() + _UNUSED_FOR)
        db.session.execute(note)
    _bucket().put_object(place, key, file, size_bytes)
    return Location(place, key)


def read_object(location: Location, start: int = 0) -> Iterator[bytes]:
    """Yield an object's bytes from ``start`` on, or nothing if there is no such object. Raises FileUnavailable."""
    pieces: Iterator[bytes] = _bucket().read_object(location.place, location.key, start, PIECE_BYTES)
    return pieces


def adopt_object(location: Location) -> bool:
    """Take back an object's note, in the transaction that points a row at it. False if it is being deleted."""
    noted = sa.delete(DiscardedObject).where(DiscardedObject.key == location.key, ~DiscardedObject.claimed)
    return db.session.scalar(noted.returning(DiscardedObject.key)) is not None


def discard_objects(limit: int = 100) -> int:
    """Delete up to ``limit`` objects that no row has any more; return how many were deleted.

    Those that cannot be deleted are tried again some minutes later. Opens transactions of its own.
    """
    with transaction():
        due = (
            sa.select(DiscardedObject.key)
            .where(DiscardedObject.due_at <= database_now())
            .order_by(DiscardedObject.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        # A claimed object is adopted by no row, and one that is being adopted is locked, so it is not claimed.
        claimed = db.session.execute(
            sa.update(DiscardedObject)
            .where(DiscardedObject.key.in_(due))
            .values(claimed=True, due_at=database_now() + _RETRY_DELETE_AFTER)
            .returning(DiscardedObject.place, DiscardedObject.key)
            .execution_options(synchronize_session=False)
        ).all()
    deleted = list(_delete_objects([(row.place, row.key) for row in claimed]))
    if deleted:
        with transaction():
            db.session.execute(sa.delete(DiscardedObject).where(DiscardedObject.key.in_(deleted)))
    return len(deleted)


def _delete_objects(objects: list[tuple[str, UUID]]) -> Iterator[UUID]:
    unreachable: set[str] = set()
    for place, key in objects:
        if place in unreachable:
            continue
        try:
            _bucket().delete_object(place, key)
        except ObjectRefused:
            log.error("library.object.kept", place=place, key=str(key))
        except FileUnavailable:
            unreachable.add(place)
        else:
            yield key


def _bucket() -> ModuleType:
    # The SDK takes 40 MB of memory, so processes that use no bucket do not load it.
    from backend.library.files import object_storage

    return object_storage
