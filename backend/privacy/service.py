"""Business verbs of privacy."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.accounts.types import ActivityKind
from backend.core.clock import database_now, now
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id, get_logger
from backend.core.work import jobs
from backend.core.work.jobs import JobState
from backend.generation import service as generation
from backend.privacy.errors import ExportExpired, ExportFailed, ExportNotReady
from backend.privacy.exports.archive import write_archive
from backend.privacy.exports.links import Link, get_linked_export, make_link
from backend.privacy.exports.storing import archive_file, cancel_exports, delete_expired_exports
from backend.privacy.models import DataExport, Erasure
from backend.privacy.types import ExportStatus

__all__ = [
    "delete_expired_exports",
    "export_status",
    "get_export",
    "get_linked_export",
    "leave",
    "link_export",
    "list_exports",
    "open_export",
    "request_export",
    "write_archive",
]

log = get_logger(__name__)

_OPEN = (JobState.QUEUED, JobState.RUNNING)
_MAX_LISTED = 50
# Everything of the user is read, compressed and stored for each, while others wait for theirs.
_GIVEN_AGAIN_FOR = timedelta(hours=1)


def request_export(user_id: UUID) -> DataExport:
    """Queue an export of the user's data, or return the one in progress or made in the last hour."""
    # Concurrent requests wait here, so that only one queues an export.
    lock_quota("exports", user_id)
    mine = sa.select(DataExport).where(DataExport.user_id == user_id)
    being_made = db.session.scalar(mine.where(DataExport.state.in_(_OPEN)))
    if being_made is not None:
        return being_made
    fresh = db.session.scalar(
        mine.where(
            DataExport.state == JobState.DONE,
            DataExport.stored_in.is_not(None),
            DataExport.expires_at > database_now(),
            DataExport.ended_at > database_now() - _GIVEN_AGAIN_FOR,
        ).order_by(DataExport.id.desc())
    )
    if fresh is not None:
        return fresh
    export = DataExport(id=new_id(), user_id=user_id, request_id=current_request_id())
    db.session.add(export)
    db.session.flush()
    accounts.record_activity(user_id, ActivityKind.EXPORT_REQUESTED, export_id=str(export.id))
    jobs.dispatch(DataExport, [export.id])
    return export


def list_exports(user_id: UUID) -> Sequence[DataExport]:
    """Return the user's latest exports, newest first."""
    mine = sa.select(DataExport).where(DataExport.user_id == user_id)
    return db.session.scalars(mine.order_by(DataExport.id.desc()).limit(_MAX_LISTED)).all()


def get_export(user_id: UUID, export_id: UUID) -> DataExport:
    """Return the export. Raises NotFound."""
    export = db.session.scalar(sa.select(DataExport).where(DataExport.id == export_id, DataExport.user_id == user_id))
    if export is None:
        raise NotFound
    return export


def export_status(export: DataExport) -> ExportStatus:
    if export.state == JobState.DONE:
        is_there = export.stored_in is not None and export.expires_at is not None and export.expires_at > now()
        return ExportStatus.READY if is_there else ExportStatus.EXPIRED
    if export.state in _OPEN:
        return ExportStatus.RUNNING if export.state == JobState.RUNNING else ExportStatus.QUEUED
    return ExportStatus.FAILED


def open_export(export: DataExport, start: int = 0) -> Iterator[bytes]:
    """Return the archive's bytes from ``start`` on, of which the first piece has been read.

    Opens transactions of its own. Raises ExportNotReady, ExportFailed, ExportExpired, FileUnavailable.
    """
    _check_ready(export)
    return archive_file.open(export.id, start)


def link_export(user_id: UUID, export_id: UUID) -> Link:
    """Make a link that opens the user's export for a few minutes without signing in.

    Raises NotFound, ExportNotReady, ExportFailed, ExportExpired.
    """
    export = get_export(user_id, export_id)
    _check_ready(export)
    return make_link(export)


def _check_ready(export: DataExport) -> None:
    status = export_status(export)
    if status is not ExportStatus.READY:
        raise {ExportStatus.EXPIRED: ExportExpired, ExportStatus.FAILED: ExportFailed}.get(status, ExportNotReady)


def leave(user_id: UUID) -> None:
    """Revoke a user's access immediately and queue the erasure of their data. Idempotent. Raises NotFound."""
    # Recording a step locks the step and its run before the user, so runs come first here too. A run that starts
    # between the two calls ends with its study set.
    generation.cancel_runs_of(user_id)
    if not accounts.leave(user_id):
        return
    cancel_exports(user_id)
    erasure = Erasure(id=new_id(), user_id=user_id, request_id=current_request_id())
    db.session.add(erasure)
    db.session.flush()
    jobs.dispatch(Erasure, [erasure.id])
    log.info("privacy.user.left", user_id=str(user_id))
