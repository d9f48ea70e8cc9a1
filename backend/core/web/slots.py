"""Caps how many slow responses may hold a thread in each process."""

import threading

from backend.core.errors import DomainError
from backend.settings import get_settings

_THREADS_PER_SLOT = 4
"""Event streams and downloads have their own slots; together they leave half of the threads free."""


class Slots:
    """The slots of one kind of response in this process. Each process has its own threads, so its own slots."""

    def __init__(self, full: type[DomainError]) -> None:
        """``full`` is raised when all slots are taken."""
        self._full = full
        self._taken = 0
        # Reentrant: the garbage collector may release a forgotten slot in the very thread that is acquiring one.
        self._lock = threading.RLock()

    @staticmethod
    def count() -> int:
        """Return the number of slots of each kind, free or taken."""
        return max(1, get_settings().gunicorn_threads // _THREADS_PER_SLOT)

    def acquire(self) -> "Slot":
        """Take a slot without waiting. Raises the error given to ``__init__`` when none is free."""
        with self._lock:
            if self._taken >= self.count():
                raise self._full
            self._taken += 1
        return Slot(self)

    def _free_one(self) -> None:
        with self._lock:
            self._taken -= 1


class Slot:
    """A taken slot. It is released once, no matter how often or in which way ``release`` is reached."""

    def __init__(self, slots: Slots) -> None:
        self._slots: Slots | None = slots

    def release(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots._free_one()

    def __del__(self) -> None:
        """Release the slot of a response that was never read."""
        self.release()
