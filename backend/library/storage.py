"""Where the bytes of files are kept: a small interface, and its implementation in PostgreSQL.

API and worker share no disk, so a file cannot be handed over by path.
"""

from collections.abc import Iterator
from typing import BinaryIO, Protocol
from uuid import UUID

import sqlalchemy as sa

from backend.core.database import db
from backend.core.transaction import transaction
from backend.library.models import StoredPiece

# Large enough to make few rows, small enough that a handful of copies on the way stays under a few megabytes.
PIECE_BYTES = 512 * 1024


class Storage(Protocol):
    """Keeps files by key."""

    def store(self, key: UUID, stream: BinaryIO) -> None:
        """Store what ``stream`` holds, from its present position, under ``key``."""

    def read(self, key: UUID) -> Iterator[bytes]:
        """Yield the stored bytes in pieces. Nothing is yielded for an unknown key."""

    def delete(self, key: UUID) -> None:
        """Forget the bytes under ``key``, if there are any."""


class PostgresStorage:
    """Keeps each file in pieces in a table, in the transaction of the caller."""

    def store(self, key: UUID, stream: BinaryIO) -> None:
        """Insert the pieces one by one, so that memory stays constant."""
        number = 0
        while data := stream.read(PIECE_BYTES):
            db.session.execute(sa.insert(StoredPiece).values(key=key, number=number, data=data))
            number += 1

    def read(self, key: UUID) -> Iterator[bytes]:
        """Yield the pieces, each read in a transaction of its own: a slow reader holds no connection."""
        number = 0
        while True:
            query = sa.select(StoredPiece.data).where(StoredPiece.key == key, StoredPiece.number == number)
            with transaction():
                data = db.session.scalar(query)
            if data is None:
                return
            yield data
            if len(data) < PIECE_BYTES:
                return
            number += 1

    def delete(self, key: UUID) -> None:
        """Delete the pieces."""
        db.session.execute(sa.delete(StoredPiece).where(StoredPiece.key == key))


storage: Storage = PostgresStorage()
