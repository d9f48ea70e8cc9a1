"""The work on an export: claim (transaction), write the archive (short ones), store it (short ones), record."""

import tempfile
import threading
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from backend.core.database.database import db, is_passing
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger, log_context
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState, LeaseLost
from backend.library.errors import FileUnavailable
from backend.privacy.exports.archive import write_archive
from backend.privacy.exports.storing import store_archive
from backend.privacy.models import DataExport
from backend.settings import get_settings

log = get_logger(__name__)

# What tells exports apart from other advisory locks.
_LOCK = 7_305_812
_OTHERS_FIRST_S = 15.0
_BUCKET_AWAY_S = 30.0


def make_export(export_id: UUID) -> None:
    """Make a queued export. Does nothing when it is not there, not queued, or being made."""
    with transaction():
        held = _claim(export_id)
    if held is None:
        return
    with log_context(export_id=export_id, request_id=held.request_id, attempt=held.attempt):
        try:
            with jobs.lease(DataExport, held) as lost:
                _make(held, lost)
        except LeaseLost:
            # Another attempt has it, or its user has left.
            log.warning("privacy.export.lease_lost")
        except FileUnavailable:
            with transaction():
                # However long the bucket is away: the export is as good as it was.
                jobs.retry_later(DataExport, held, delay_s=_BUCKET_AWAY_S, is_failure=False)
        except Exception as error:
            if isinstance(error, DBAPIError) and is_passing(error):
                # What became of the export stands in the database, or will when its lease has run out.
                raise
            log.exception("privacy.export.crashed")
            with transaction():
                _after_crash(held)


def _claim(export_id: UUID) -> Claim | None:
    """Claim the export, unless another one is being made: together they might fill the disk of a worker."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    held = jobs.claim(DataExport, export_id)
    if held is None:
        return None
    others = sa.select(DataExport.id).where(DataExport.state == JobState.RUNNING, DataExport.id != export_id)
    if db.session.scalar(others.limit(1)) is None:
        return held
    jobs.retry_later(DataExport, held, delay_s=_OTHERS_FIRST_S, is_failure=False)
    return None


def _make(held: Claim, lost: threading.Event) -> None:
    def check() -> None:
        if lost.is_set():
            raise LeaseLost

    with transaction():
        user_id = db.session.scalar(sa.select(DataExport.user_id).where(DataExport.id == held.id))
    if user_id is None:
        raise LeaseLost
    with tempfile.TemporaryFile(prefix="export-") as file:
        write_archive(file, user_id, check)
        check()
        store_archive(held, file)
        size_bytes = file.tell()
    log.info("privacy.export.made", size_bytes=size_bytes)


def _after_crash(held: Claim) -> None:
    if held.failures + 1 < get_settings().step_attempts:
        jobs.retry_later(DataExport, held, delay_s=float(2**held.failures))
    else:
        jobs.fail(DataExport, held, "internal_error")


def _give_up(_export_id: UUID, _code: str) -> None:
    """Nothing waits for an export but its user, who sees that it failed."""


jobs.register(DataExport, _give_up)
