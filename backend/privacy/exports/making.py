"""The work on an export: claim it, write the archive to a temporary file, store that and mark the export done."""

import tempfile
import threading
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.locks import EXPORT_LOCK
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState, LeaseLost, TryLater
from backend.library.errors import FileUnavailable
from backend.privacy.exports.archive import write_archive
from backend.privacy.exports.storing import find_next_export, send_next_export, store_archive
from backend.privacy.models import DataExport

log = get_logger(__name__)

_BUCKET_AWAY_S = 30.0


def claim_in_turn(model: type[Job], export_id: UUID) -> Claim | None:
    """Claim the export if it is its turn: no other one is being made, and none that is due was asked for earlier.

    Several at once might fill the disk of a worker. An export that has to wait stays due and is sent when the one
    before it has ended.
    """
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(EXPORT_LOCK)))
    if db.session.scalar(sa.select(DataExport.id).where(DataExport.state == JobState.RUNNING).limit(1)) is not None:
        return None
    if find_next_export() != export_id:
        send_next_export()
        return None
    return jobs.claim(model, export_id)


def make_export(held: Claim, lost: threading.Event) -> None:
    """Make a held export. Raises LeaseLost, also when its user has left; TryLater while the bucket is unreachable."""

    def check() -> None:
        if lost.is_set():
            raise LeaseLost

    with transaction():
        user_id = db.session.scalar(sa.select(DataExport.user_id).where(DataExport.id == held.id))
    if user_id is None:
        raise LeaseLost
    try:
        with tempfile.TemporaryFile(prefix="export-") as file:
            write_archive(file, user_id, check)
            check()
            store_archive(held, file)
            size_bytes = file.tell()
    except FileUnavailable:
        raise TryLater(_BUCKET_AWAY_S) from None
    log.info("privacy.export.made", size_bytes=size_bytes)


def give_up(_export_id: UUID, _code: str) -> None:
    """Start the next export. The user sees that this one has failed."""
    send_next_export()


def let_others_go_first(_export_id: UUID) -> None:
    """Start the next export while this one waits for its retry."""
    send_next_export()
