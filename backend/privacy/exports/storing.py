"""Where the bytes of exports are: with the documents' files in a bucket, or else in pieces in PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState, LeaseLost
from backend.library import service as library
from backend.library.errors import FileLost
from backend.privacy.errors import ExportExpired
from backend.privacy.models import DataExport, ExportPiece
from backend.settings import get_settings

# Few enough that a transaction is short and what it holds is a few megabytes.
_PIECES_AT_ONCE = 8


def store_archive(held: Claim, file: IO[bytes]) -> None:
    """Store what ``file`` holds, and mark the export done: nothing of it is seen before. Raises LeaseLost.

    Raises FileUnavailable when the bucket is away.
    """
    size_bytes = file.seek(0, 2)
    file.seek(0)
    with transaction():
        location = library.begin_object()
    if location.key is None:
        _store_pieces(held, file)
    else:
        library.put_object(location, file, size_bytes)
    with transaction():
        _record(held, location, size_bytes)


def _store_pieces(held: Claim, file: IO[bytes]) -> None:
    number = 0
    while pieces := [data for _ in range(_PIECES_AT_ONCE) if (data := file.read(library.PIECE_BYTES))]:
        with transaction():
            _check_held(held)
            for data in pieces:
                db.session.execute(
                    sa.insert(ExportPiece).values(export_id=held.id, attempt=held.attempt, number=number, data=data)
                )
                number += 1


def _check_held(held: Claim) -> None:
    row = sa.select(DataExport.id).where(*jobs.is_held(DataExport, held)).with_for_update(read=True, key_share=True)
    if db.session.scalar(row) is None:
        raise LeaseLost


def _record(held: Claim, location: library.Location, size_bytes: int) -> None:
    _check_held(held)
    if location.key is not None and not library.adopt_object(location):
        raise LeaseLost
    moment = read_database_clock()
    user_id = db.session.scalars(
        sa.update(DataExport)
        .where(DataExport.id == held.id)
        .values(
            state=JobState.DONE,
            ended_at=moment,
            lease_until=None,
            worker=None,
            size_bytes=size_bytes,
            stored_in=location.place,
            stored_key=location.key,
            expires_at=moment + timedelta(hours=get_settings().export_retention_hours),
        )
        .returning(DataExport.user_id)
        .execution_options(synchronize_session=False)
    ).one()
    _expire(sa.and_(DataExport.user_id == user_id, DataExport.id != held.id), moment)
    _delete_pieces(sa.and_(ExportPiece.export_id == held.id, ExportPiece.attempt != held.attempt))


def read_archive(export_id: UUID, start: int = 0) -> Iterator[bytes]:
    """Yield the bytes of an export from ``start`` on. A slow reader holds no connection to the database.

    Raises NotFound, ExportExpired, FileUnavailable, FileLost.
    """
    with transaction():
        row = db.session.execute(
            sa.select(DataExport.stored_in, DataExport.stored_key, DataExport.attempt, DataExport.size_bytes).where(
                DataExport.id == export_id
            )
        ).one_or_none()
    if row is None:
        raise NotFound
    if row.stored_in is None:
        raise ExportExpired
    if row.stored_key is None:
        mine = sa.and_(ExportPiece.export_id == export_id, ExportPiece.attempt == row.attempt)
        pieces = library.read_pieces(sa.select(ExportPiece.data).where(mine), ExportPiece.number, start)
    else:
        pieces = library.read_object(library.Location(row.stored_in, row.stored_key), start)
    done = start
    for piece in pieces:
        done += len(piece)
        yield piece
    if done < row.size_bytes:
        raise FileLost


def cancel_exports(user_id: UUID) -> None:
    """Cancel the user's exports that are being made. Needs a transaction.

    Those that are ready are left to her erasure: gigabytes are not deleted while her row is locked.
    """
    db.session.execute(
        sa.update(DataExport)
        .where(DataExport.user_id == user_id, DataExport.state.in_((JobState.QUEUED, JobState.RUNNING)))
        .values(state=JobState.CANCELLED, ended_at=database_now(), lease_until=None, worker=None)
        .execution_options(synchronize_session=False)
    )


def delete_expired_exports() -> int:
    """Delete the bytes of exports whose time is over, and what attempts that failed left. Returns how many exports.

    Needs a transaction.
    """
    moment = read_database_clock()
    expired = _expire(DataExport.expires_at <= moment, moment)
    dead = sa.select(DataExport.id).where(
        DataExport.state.in_((JobState.FAILED, JobState.CANCELLED)), DataExport.stored_in.is_(None)
    )
    _delete_pieces(ExportPiece.export_id.in_(dead))
    return expired


def _expire(which: sa.ColumnElement[bool], moment: datetime) -> int:
    expired = list(
        db.session.scalars(
            sa.update(DataExport)
            .where(which, DataExport.stored_in.is_not(None))
            .values(stored_in=None, stored_key=None, expires_at=sa.func.least(DataExport.expires_at, moment))
            .returning(DataExport.id)
            .execution_options(synchronize_session=False)
        )
    )
    _delete_pieces(ExportPiece.export_id.in_(expired))
    return len(expired)


def _delete_pieces(which: sa.ColumnElement[bool]) -> None:
    db.session.execute(sa.delete(ExportPiece).where(which).execution_options(synchronize_session=False))
