"""The bytes of exports: stored like documents' files, in the bucket or in pieces in PostgreSQL, until they expire."""

from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState, LeaseLost
from backend.library import service as library
from backend.library.errors import FileChanged
from backend.privacy.errors import ExportExpired
from backend.privacy.models import DataExport, ExportPiece
from backend.settings import get_settings

archive_file = library.StoredFile(
    DataExport, ExportPiece, {"export_id": DataExport.id, "attempt": DataExport.attempt}, ExportExpired
)


def store_archive(held: Claim, file: IO[bytes]) -> None:
    """Store the archive and mark the export done, all at once. The user's earlier exports expire.

    Raises LeaseLost, and FileUnavailable when the bucket is unreachable.
    """
    size_bytes = file.seek(0, 2)
    location = library.write_object(file, size_bytes)
    with transaction():
        moment = read_database_clock()
        try:
            archive_file.put(
                held.id,
                file,
                *jobs.is_held(DataExport, held),
                location=location,
                state=JobState.DONE,
                ended_at=moment,
                lease_until=None,
                worker=None,
                size_bytes=size_bytes,
                expires_at=moment + timedelta(hours=get_settings().export_retention_hours),
            )
        except FileChanged:
            raise LeaseLost from None
        user_id = sa.select(DataExport.user_id).where(DataExport.id == held.id).scalar_subquery()
        _expire(moment, DataExport.user_id == user_id, DataExport.id != held.id)
        send_next_export()


def find_next_export() -> UUID | None:
    """Return the export to make next: of those that are due, the one requested first."""
    due = sa.select(DataExport.id).where(DataExport.state == JobState.QUEUED, DataExport.available_at <= database_now())
    return db.session.scalar(due.order_by(DataExport.created_at, DataExport.id).limit(1))


def send_next_export() -> None:
    """Send the export to make next, if there is one, once the open transaction has committed."""
    export_id = find_next_export()
    if export_id is not None:
        jobs.dispatch(DataExport, [export_id])


def cancel_exports(user_id: UUID) -> None:
    """Cancel the user's exports that are being made. Needs a transaction.

    The erasure deletes those that are ready, because deleting gigabytes would keep the user's row locked for long.
    """
    db.session.execute(
        sa.update(DataExport)
        .where(DataExport.user_id == user_id, DataExport.state.in_((JobState.QUEUED, JobState.RUNNING)))
        .values(state=JobState.CANCELLED, ended_at=database_now(), lease_until=None, worker=None)
        .execution_options(synchronize_session=False)
    )


def delete_expired_exports() -> int:
    """Delete the bytes of exports that have expired; return how many exports. Needs a transaction."""
    moment = read_database_clock()
    # Releases before this one stored pieces before the export was done.
    failed = sa.select(DataExport.id).where(DataExport.state.in_((JobState.FAILED, JobState.CANCELLED)))
    archive_file.delete_unused_pieces(failed)
    return _expire(moment, DataExport.expires_at <= moment)


def _expire(moment: datetime, *which: sa.ColumnElement[bool]) -> int:
    return len(archive_file.delete(*which, expires_at=sa.func.least(DataExport.expires_at, moment)))
