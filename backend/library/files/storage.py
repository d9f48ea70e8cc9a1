"""The bytes of files, wherever they are.

PostgreSQL is the inbox: API and worker share no disk, and an upload must be whole or not there at all. A bucket may
be the archive (see ``moving``). Each document's row says where its file is, and reading follows the row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger
from backend.library.errors import FileExpired, FileLost, FileUnavailable
from backend.library.models import Document, StoredPiece

log = get_logger(__name__)

# Large enough to make few rows, small enough that a handful of copies on the way stays under a few megabytes.
PIECE_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Location:
    """Where the bytes of a file are: the place, and within a bucket the object's key."""

    place: str
    key: UUID | None


def store_file(document_id: UUID, stream: IO[bytes]) -> None:
    """Insert what ``stream`` holds, from its present position, piece by piece. Needs a transaction."""
    number = 0
    while data := stream.read(PIECE_BYTES):
        db.session.execute(sa.insert(StoredPiece).values(key=document_id, number=number, data=data))
        number += 1


def delete_pieces(document_ids: list[UUID]) -> None:
    """Delete the pieces of files, where PostgreSQL has any. Needs a transaction."""
    db.session.execute(sa.delete(StoredPiece).where(StoredPiece.key.in_(document_ids)))


def open_file(document_id: UUID, start: int = 0) -> Iterator[bytes]:
    """Return the file's bytes from ``start`` on in pieces, of which the first has been read: most failures come here.

    Opens transactions of its own. Raises NotFound, FileExpired, FileUnavailable, FileLost.
    """
    pieces = read_file(document_id, start)
    return chain([next(pieces, b"")], pieces)


def read_file(document_id: UUID, first: int = 0) -> Iterator[bytes]:
    """Yield the file's bytes from ``first`` on in pieces, also when it is moved or its connection breaks meanwhile.

    A slow reader holds no connection to the database. Raises NotFound, FileExpired, FileUnavailable, FileLost.
    """
    done = first
    before: Location | None = None
    while True:
        location, size_bytes = _locate(document_id)
        start = done
        try:
            for piece in read_location(document_id, location, start):
                done += len(piece)
                yield piece
        except FileUnavailable:
            if done == start:
                raise
        if done >= size_bytes:
            return
        if done == start and location == before:
            log.error("library.file.lost", document_id=str(document_id), place=location.place, read_bytes=done)
            raise FileLost
        before = location


def read_location(document_id: UUID, location: Location, start: int = 0) -> Iterator[bytes]:
    """Yield what a location has of the file from byte ``start`` on: nothing when the file is not there.

    Raises FileUnavailable.
    """
    if location.key is None:
        return read_pieces(sa.select(StoredPiece.data).where(StoredPiece.key == document_id), StoredPiece.number, start)
    return read_object(location, start)


def read_object(location: Location, start: int = 0) -> Iterator[bytes]:
    """Yield an object's bytes from ``start`` on: nothing when it is not there. Raises FileUnavailable."""
    # Its SDK takes 40 MB of memory, which a process that meets no bucket is not to pay.
    from backend.library.files import object_storage

    return object_storage.read_object(location.place, _key(location), start, PIECE_BYTES)


def put_object(location: Location, file: IO[bytes], size_bytes: int) -> None:
    """Write a file as an object, as a whole or not at all. Raises FileUnavailable."""
    from backend.library.files import object_storage

    object_storage.put_object(location.place, _key(location), file, size_bytes)


def delete_object(location: Location) -> None:
    """Delete an object, if it is there. Raises FileUnavailable."""
    from backend.library.files import object_storage

    object_storage.delete_object(location.place, _key(location))


def _key(location: Location) -> UUID:
    if location.key is None:
        raise ValueError("PostgreSQL has no objects.")
    return location.key


def _locate(document_id: UUID) -> tuple[Location, int]:
    query = sa.select(Document.stored_in, Document.stored_key, Document.size_bytes).where(Document.id == document_id)
    with transaction():
        row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    if row.stored_in is None:
        raise FileExpired
    return Location(row.stored_in, row.stored_key), row.size_bytes


def read_pieces(pieces: sa.Select[bytes], number_of: InstrumentedAttribute[int], start: int) -> Iterator[bytes]:
    """Yield the bytes of a file in PostgreSQL from ``start`` on, each of its pieces in a transaction of its own.

    All pieces but the last have ``PIECE_BYTES``, and ``number_of`` counts them from 0.
    """
    number, skipped = divmod(start, PIECE_BYTES)
    while True:
        with transaction():
            data = db.session.scalar(pieces.where(number_of == number))
        if data is None:
            return
        yield data[skipped:]
        if len(data) < PIECE_BYTES:
            return
        number, skipped = number + 1, 0
