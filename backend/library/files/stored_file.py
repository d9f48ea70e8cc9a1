"""Files of rows: put, opened and deleted in one way, wherever their bytes are.

PostgreSQL is the inbox: API and worker share no disk, and an upload must be whole or not there at all. A bucket may be
the archive. ``stored_in`` and ``stored_key`` of a row say where its bytes are: in pieces in PostgreSQL, in an object
of a bucket, or nowhere once the file has expired (``stored_in`` is None).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import DomainError, NotFound
from backend.core.process.logging import get_logger
from backend.library.errors import FileChanged, FileExpired, FileLost, FileUnavailable
from backend.library.files.objects import IN_POSTGRES, PIECE_BYTES, Location, adopt_object, read_object
from backend.library.models import Document, StoredPiece
from backend.settings import get_settings

log = get_logger(__name__)


@dataclass(frozen=True, eq=False)
class StoredFile:
    """The file that each row of a table has.

    Attributes:
        row: The table. It has ``id``, ``stored_in``, ``stored_key`` and ``size_bytes``.
        piece: The table of its pieces in PostgreSQL. It has ``number``, counted from 0, and ``data``; all pieces of a
            file but the last have ``PIECE_BYTES``.
        keys: The other columns of a piece, each with the column of the row that it repeats; the row's id comes first.
        expired: What ``open`` raises for a row without a file.
    """

    row: type[Any]
    piece: type[Any]
    keys: Mapping[str, Any]
    expired: type[DomainError]

    def put(
        self,
        row_id: UUID,
        file: IO[bytes],
        *conditions: sa.ColumnElement[bool],
        location: Location = IN_POSTGRES,
        **values: object,
    ) -> None:
        """Give a row the bytes of ``file``, and the values; the bytes it had before go. Needs a transaction.

        The bytes go into PostgreSQL, unless ``location`` is an object that ``write_object`` has made of them. Raises
        FileChanged when the row does not meet the conditions (any more), or the object is being deleted.
        """
        if location.key is None:
            self._insert_pieces(row_id, file, conditions)
        pointed = (
            sa.update(self.row)
            .where(self.row.id == row_id, *conditions)
            .values(stored_in=location.place, stored_key=location.key, **values)
            .returning(self.row.id)
        )
        if db.session.scalar(pointed) is None or (location.key is not None and not adopt_object(location)):
            raise FileChanged
        self.delete_unused_pieces([row_id])

    def open(self, row_id: UUID, start: int = 0) -> Iterator[bytes]:
        """Return the file's bytes from ``start`` on, in pieces. The first has been read: most failures come here.

        Goes on when the file is moved or a connection breaks meanwhile; a slow reader holds no database connection.
        Opens transactions of its own. Raises NotFound, ``expired``, FileUnavailable, FileLost.
        """
        pieces = self._read(row_id, start)
        return chain([next(pieces, b"")], pieces)

    def delete(self, *which: sa.ColumnElement[bool], **values: object) -> list[UUID]:
        """Delete the files of rows that meet the conditions. The rows stay, and get the values. Needs a transaction.

        Returns the ids of the rows that had a file.
        """
        emptied = (
            sa.update(self.row)
            .where(self.row.stored_in.is_not(None), *which)
            .values(stored_in=None, stored_key=None, **values)
            .returning(self.row.id)
            .execution_options(synchronize_session=False)
        )
        row_ids = list(db.session.scalars(emptied))
        self.delete_unused_pieces(row_ids)
        return row_ids

    def is_left(self) -> sa.ColumnElement[bool]:
        """Return the SQL condition for rows whose files are in a bucket that ``DOCUMENT_STORAGE`` no longer names."""
        kept: sa.ColumnElement[bool] = self.row.stored_in.not_in([IN_POSTGRES.place, get_settings().document_storage])
        return kept

    def delete_unused_pieces(self, row_ids: list[UUID] | sa.Select[UUID]) -> None:
        """Delete the pieces of rows whose files are not made of them (any more). Needs a transaction."""
        in_use = sa.select(self.row.id).where(self._is_of_row(), self.row.stored_in == IN_POSTGRES.place)
        of_rows = getattr(self.piece, next(iter(self.keys))).in_(row_ids)
        unused = sa.delete(self.piece).where(of_rows, ~in_use.exists())
        db.session.execute(unused.execution_options(synchronize_session=False))

    def _insert_pieces(self, row_id: UUID, file: IO[bytes], conditions: tuple[sa.ColumnElement[bool], ...]) -> None:
        columns = [*self.keys, "number", "data"]
        file.seek(0)
        for number, data in enumerate(iter(lambda: file.read(PIECE_BYTES), b"")):
            values = (sa.literal(number), sa.literal(data, sa.LargeBinary))
            row = sa.select(*self.keys.values(), *values).where(self.row.id == row_id, *conditions)
            # Another mover may have brought the file back meanwhile.
            piece = insert(self.piece).from_select(columns, row).on_conflict_do_nothing()
            if db.session.scalar(piece.returning(self.piece.number)) is None:
                raise FileChanged

    def _read(self, row_id: UUID, start: int) -> Iterator[bytes]:
        position = start
        before: Location | None = None
        while True:
            location, size_bytes = self._locate(row_id)
            began_at = position
            try:
                for piece in self._read_from(location, row_id, began_at):
                    position += len(piece)
                    yield piece
            except FileUnavailable:
                if position == began_at:
                    raise
            if position >= size_bytes:
                return
            if position == began_at and location == before:
                log.error("library.file.lost", row_id=str(row_id), place=location.place, read_bytes=position)
                raise FileLost
            before = location

    def _locate(self, row_id: UUID) -> tuple[Location, int]:
        query = sa.select(self.row.stored_in, self.row.stored_key, self.row.size_bytes).where(self.row.id == row_id)
        with transaction():
            row = db.session.execute(query).one_or_none()
        if row is None:
            raise NotFound
        if row.stored_in is None:
            raise self.expired
        return Location(row.stored_in, row.stored_key), row.size_bytes

    def _read_from(self, location: Location, row_id: UUID, start: int) -> Iterator[bytes]:
        return self._read_pieces(row_id, start) if location.key is None else read_object(location, start)

    def _read_pieces(self, row_id: UUID, start: int) -> Iterator[bytes]:
        number, skipped = divmod(start, PIECE_BYTES)
        while True:
            query = sa.select(self.piece.data).where(
                self._is_of_row(), self.row.id == row_id, self.piece.number == number
            )
            with transaction():
                data = db.session.scalar(query)
            if data is None:
                return
            yield data[skipped:]
            if len(data) < PIECE_BYTES:
                return
            number, skipped = number + 1, 0

    def _is_of_row(self) -> sa.ColumnElement[bool]:
        return sa.and_(*(getattr(self.piece, name) == column for name, column in self.keys.items()))


document_file = StoredFile(Document, StoredPiece, {"key": Document.id}, FileExpired)
