"""Seats: few answers of each process may hold a thread for as long as their reader likes."""

import threading

from backend.core.errors import DomainError
from backend.settings import get_settings

_ONE_IN = 4
"""The threads of a process for each seat of a kind; event streams and downloads together leave half of them free."""


class Seats:
    """The seats of one kind in this process, which has its own threads and so its own seats."""

    def __init__(self, full: type[DomainError]) -> None:
        """``full`` is raised when all are taken."""
        self._full = full
        self._taken = 0
        # The collector may let a forgotten seat go in the very thread that is taking one.
        self._lock = threading.RLock()

    @staticmethod
    def count() -> int:
        """Return how many there are."""
        return max(1, get_settings().gunicorn_threads // _ONE_IN)

    def take(self) -> "Seat":
        """Take one without waiting. Raises the error of these seats when none is free."""
        with self._lock:
            if self._taken >= self.count():
                raise self._full
            self._taken += 1
        return Seat(self)

    def give_back(self) -> None:
        """Have one less taken; ``Seat.leave`` calls this."""
        with self._lock:
            self._taken -= 1


class Seat:
    """One seat that is taken, and given back once, however often and in whatever way it is left."""

    def __init__(self, seats: Seats) -> None:
        self._seats: Seats | None = seats

    def leave(self) -> None:
        """Give the seat back."""
        seats, self._seats = self._seats, None
        if seats is not None:
            seats.give_back()

    def __del__(self) -> None:
        """Give the seat back even when nobody ever began to read."""
        self.leave()
