"""What is done beside the sweep: files moved, deleted and expired, and what nobody needs any more forgotten.

Each verb here may run in several processes at once; where one is enough, it is called under the sweep's lock.
"""

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from flask import current_app
from flask.ctx import AppContext

from backend.accounts import service as accounts
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.web.idempotency import forget_expired_answers
from backend.core.work.workers import forget_old_workers
from backend.generation import service as generation
from backend.library import service as library
from backend.library.errors import FileUnavailable
from backend.privacy import service as privacy
from backend.study import service as study

log = get_logger(__name__)

# What these know about the use of a study set keeps its files: they must have been imported to be asked.
ASKED = (generation, study)

_FORGET_EVERY = 100
_EXPIRE_EVERY = 500
_BUCKET_AWAY_S = 60.0
# Longer than any upload or reading takes.
_OLDEST_TEMPORARY_S = 6 * 3600.0
_TEMPORARY = ("upload-", "document-", "export-")


class _Mover:
    """Moves and deletes files in a thread of its own: lost work is not sent later because a bucket is slow.

    It may end with the process at any moment, since each of its verbs may be cut anywhere.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def wake(self) -> None:
        """Have it work, unless it still does, or has just found that the bucket is away."""
        if (self._thread and self._thread.is_alive()) or time.monotonic() < self._not_before:
            return
        self._thread = threading.Thread(target=self._work, args=(current_app.app_context(),), name="mover", daemon=True)
        self._thread.start()

    def _work(self, context: AppContext) -> None:
        with context:
            # The one goes on when the other fails: they may be about different buckets.
            for verb in (library.move_documents, library.discard_objects):
                try:
                    verb()
                except FileUnavailable:
                    self._not_before = time.monotonic() + _BUCKET_AWAY_S
                except Exception:
                    log.exception("operations.mover.failed")


_mover = _Mover()


def keep_machine(round_number: int) -> None:
    """Wake this process's mover, and do what is due on this machine in this round, counted from 1."""
    _mover.wake()
    if round_number % _FORGET_EVERY == 0:
        forget_temporary_files()


def keep_house(sweep_number: int) -> None:
    """Do what is due in the database with this sweep of this process, counted from 1, under the sweep's lock."""
    if sweep_number % _FORGET_EVERY == 0:
        with transaction():
            forget_expired_answers()
            forget_old_workers()
            accounts.forget_expired_codes()
            accounts.forget_ended_sessions()
            accounts.forget_old_activities()
            privacy.delete_expired_exports()
    if sweep_number % _EXPIRE_EVERY == 0:
        library.delete_expired_files()


def forget_temporary_files() -> int:
    """Delete files and folders that killed processes of ours have left in the temporary folder; return how many."""
    count = 0
    oldest = time.time() - _OLDEST_TEMPORARY_S
    for entry in os.scandir(tempfile.gettempdir()):
        if not entry.name.startswith(_TEMPORARY):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            if status.st_uid != os.getuid() or status.st_mtime > oldest:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                Path(entry.path).unlink()
        except OSError as error:
            # Others clean up here too.
            log.warning("operations.temporary_file.kept", error=type(error).__name__)
            continue
        count += 1
    if count:
        log.info("operations.temporary_files.deleted", count=count)
    return count
