"""The work on an export: claim (transaction), write the archive (short ones), store it (short ones), record."""

import tempfile
import threading
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState, LeaseLost, TryLater
from backend.library.errors import FileUnavailable
from backend.privacy.exports.archive import write_archive
from backend.privacy.exports.storing import store_archive
from backend.privacy.models import DataExport

log = get_logger(__name__)

# What tells exports apart from other advisory locks.
_LOCK = 7_305_812
_OTHERS_FIRST_S = 15.0
_BUCKET_AWAY_S = 30.0


def claim_alone(model: type[Job], export_id: UUID) -> Claim | None:
    """Claim the export, unless another one is being made: together they might fill the disk of a worker."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    held = jobs.claim(model, export_id)
    if held is None:
        return None
    others = sa.select(DataExport.id).where(DataExport.state == JobState.RUNNING, DataExport.id != export_id)
    if db.session.scalar(others.limit(1)) is None:
        return held
    jobs.retry_later(model, held, delay_s=_OTHERS_FIRST_S, is_failure=False)
    return None


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
    """Nothing waits for an export but its user, who sees that it failed."""
