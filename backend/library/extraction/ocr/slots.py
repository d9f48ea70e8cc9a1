"""How many pages are recognised at the same time: one for each core, however many documents are being read.

Locks of files, because reading children share nothing else that is freed when one of them is killed.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.05


class RecognitionSlots:
    """The slots of the machine, as files in a folder that all reading children share."""

    def __init__(self, folder: str, max_wait_s: float) -> None:
        """``max_wait_s`` bounds all the waiting of this process; afterwards pages are read without a slot."""
        self._folder = Path(folder)
        self._wait_left_s = max_wait_s

    @contextmanager
    def take(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold a slot; ``on_wait`` is called once if none is free now."""
        held = self._acquire(on_wait)
        try:
            yield
        finally:
            if held is not None:
                os.close(held)

    def _acquire(self, on_wait: Callable[[], None]) -> int | None:
        held = self._try_all()
        if held is not None or self._wait_left_s <= 0:
            return held
        on_wait()
        began = time.monotonic()
        while held is None and time.monotonic() - began < self._wait_left_s:
            time.sleep(_POLL_S)
            held = self._try_all()
        self._wait_left_s -= time.monotonic() - began
        return held

    def _try_all(self) -> int | None:
        """Return an open file that holds a lock until it is closed. Tesseract does not inherit it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(len(os.sched_getaffinity(0))):
            file = os.open(
                self._folder / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                return file
        return None
