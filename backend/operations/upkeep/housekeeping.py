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

from backend.core.database.transaction import transaction
from backend.core.errors import Unavailable
from backend.core.manifest import opened_rooms
from backend.core.process.logging import get_logger

log = get_logger(__name__)

_FORGET_EVERY = 100
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
            # One goes on when another fails: they may be about different buckets.
            for work in [work for room in opened_rooms() for work in room.background]:
                try:
                    work()
                except Unavailable:
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
    """Do the chores due with this sweep of this process, counted from 1, under the sweep's lock."""
    due = [chore for room in opened_rooms() for chore in room.chores if sweep_number % chore.every == 0]
    with transaction():
        for chore in due:
            if not chore.opens_transactions:
                chore.run()
    for chore in due:
        if chore.opens_transactions:
            chore.run()


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
