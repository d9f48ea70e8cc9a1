"""Upkeep beside the sweep: the rooms' chores and background work, and deleting old temporary files.

Everything here may run in several processes at the same time, except ``keep_house``, which needs the sweep's lock.
"""

import os
import shutil
import tempfile
import threading
import time
from contextlib import nullcontext
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
# Longer than any upload, or any reading of a document.
_MAX_TEMPORARY_AGE_S = 6 * 3600.0
_TEMPORARY = ("upload-", "document-", "export-")


class _Mover:
    """Runs the rooms' background work in its own thread, so that a slow bucket does not delay the sweep.

    A daemon thread: background work can be interrupted at any point.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def wake(self) -> None:
        """Start the thread, unless it is running or has just found the bucket unreachable."""
        if (self._thread and self._thread.is_alive()) or time.monotonic() < self._not_before:
            return
        self._thread = threading.Thread(target=self._work, args=(current_app.app_context(),), name="mover", daemon=True)
        self._thread.start()

    def _work(self, context: AppContext) -> None:
        with context:
            # If one fails, the others still run: they may use different buckets.
            for work in [work for room in opened_rooms() for work in room.background]:
                try:
                    work()
                except Unavailable:
                    self._not_before = time.monotonic() + _BUCKET_AWAY_S
                except Exception:
                    log.exception("operations.mover.failed")


_mover = _Mover()


def keep_machine(round_number: int) -> None:
    """Run this machine's upkeep. ``round_number`` counts from 1."""
    _mover.wake()
    if round_number % _FORGET_EVERY == 0:
        forget_temporary_files()


def keep_house(sweep_number: int) -> None:
    """Run the chores due with this sweep, under the sweep's lock. ``sweep_number`` counts this process's from 1."""
    due = [chore for room in opened_rooms() for chore in room.chores if sweep_number % chore.every == 0]
    for chore in due:
        try:
            with nullcontext() if chore.opens_transactions else transaction():
                chore.run()
        except Exception:
            log.exception("operations.chore.failed", chore=chore.run.__name__)


def forget_temporary_files() -> int:
    """Delete files and folders left in the temporary folder by our killed processes. Returns their number."""
    count = 0
    oldest = time.time() - _MAX_TEMPORARY_AGE_S
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
            # Other processes clean up here too.
            log.warning("operations.temporary_file.kept", error=type(error).__name__)
            continue
        count += 1
    if count:
        log.info("operations.temporary_files.deleted", count=count)
    return count
