"""How many pages are rendered at the same time: two on a machine, and one for each user.

Locks of files, because gunicorn's processes share nothing else that is freed when one of them dies.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from backend.library.page_images.errors import PageImagesBusy
from backend.settings import get_settings

SLOTS: Final = 2
MAX_WAIT_S: Final = 4.0
_POLL_S: Final = 0.02
# Two users rarely share a file; then one waits for the other.
_USER_FILES: Final = 256


@contextmanager
def rendering_slot(user_id: UUID, max_wait_s: float = MAX_WAIT_S) -> Iterator[None]:
    """Hold one of the machine's slots, and the user's only one. Raises PageImagesBusy after ``max_wait_s``."""
    deadline = time.monotonic() + max_wait_s
    folder = slots_folder()
    user = [f"user-{int.from_bytes(user_id.bytes[-2:]) % _USER_FILES}"]
    # The user's comes first: while they wait for their own, they keep no slot from others.
    with _one_of(folder, user, deadline), _one_of(folder, [f"slot-{number}" for number in range(SLOTS)], deadline):
        yield


def slots_folder() -> Path:
    """Return the folder of the locks. Installations that share a machine, such as tests, do not share it."""
    installation = hashlib.sha256(get_settings().database_url.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"hackthestudy-{os.getuid()}-rendering-{installation}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _one_of(folder: Path, names: list[str], deadline: float) -> Iterator[None]:
    file = _acquire(folder, names, deadline)
    try:
        yield
    finally:
        os.close(file)


def _acquire(folder: Path, names: list[str], deadline: float) -> int:
    """Return an open file that holds the lock until it is closed. Child processes do not inherit it."""
    while True:
        for name in names:
            file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                return file
        if time.monotonic() >= deadline:
            raise PageImagesBusy
        time.sleep(_POLL_S)
