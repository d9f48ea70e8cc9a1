"""What is kept of the providers' documents, and how many threads may wait for providers.

Anybody may open the address of a sign-in, and a provider that hangs holds each thread that asks it for seconds: without
bounds, a few visitors would take all threads of the API.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backend.accounts.providers.errors import ProviderUnavailable
from backend.core.errors import DomainError
from backend.core.process.logging import get_logger

log = get_logger(__name__)

# Long enough that a provider which is away costs next to nothing, and no longer than a user takes to try again.
_FAILED_S = 10.0
_WAIT_S = 1.0


class Slots:
    """Lets so many threads in, and a few more wait a moment, as when a class signs in at once; refuses all others."""

    def __init__(self, inside: int, *, waiting: int) -> None:
        self._inside = threading.BoundedSemaphore(inside)
        self._present = threading.BoundedSemaphore(inside + waiting)

    @contextmanager
    def enter(self, *, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Hold a slot. Raises ProviderUnavailable when none becomes free."""
        if not self._present.acquire(blocking=False):
            raise ProviderUnavailable
        try:
            if not self._inside.acquire(timeout=wait_s):
                raise ProviderUnavailable
            try:
                yield
            finally:
                self._inside.release()
        finally:
            self._present.release()


@dataclass(slots=True)
class _Kept:
    """A document, and when it was read and when reading it failed, by the monotonic clock."""

    content: dict[str, Any] | None = None
    read_at: float = 0.0
    failed_at: float | None = None
    readers: Slots = field(default_factory=lambda: Slots(1, waiting=2))

    def younger(self, age_s: float) -> dict[str, Any] | None:
        """Return the document if it was read less than so many seconds ago."""
        return self.content if time.monotonic() - self.read_at < age_s else None

    def has_just_failed(self) -> bool:
        """Tell whether the provider is left alone for now."""
        return self.failed_at is not None and time.monotonic() - self.failed_at < _FAILED_S


class Documents:
    """Documents of providers by name. One thread at a time reads one; a failure is not repeated at once."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def get(
        self, name: str, read: Callable[[], dict[str, Any]], *, age_s: float, stale_s: float = 0.0
    ) -> dict[str, Any]:
        """Return a document that was read less than ``age_s`` seconds ago, or read it now.

        Where that fails, or another thread is at it, one that is younger than ``stale_s`` will do. Raises what
        ``read`` raises, and ProviderUnavailable.
        """
        # Threads that make one at the same time all get the one that was first.
        kept = self._kept.setdefault(name, _Kept())
        fresh = kept.younger(age_s)
        if fresh is not None:
            return fresh
        stale = kept.younger(stale_s)
        try:
            if kept.has_just_failed():
                raise ProviderUnavailable
            with kept.readers.enter(wait_s=_WAIT_S if stale is None else 0):
                # Another thread may have read it, or failed to, while this one waited.
                fresh = kept.younger(age_s)
                if fresh is None and kept.has_just_failed():
                    raise ProviderUnavailable
                return fresh if fresh is not None else self._read(kept, read)
        except Exception as error:
            if stale is None:
                raise
            if not isinstance(error, DomainError):
                log.warning("accounts.provider.stale_document_used", document=name, error=type(error).__name__)
            return stale

    def _read(self, kept: _Kept, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            content = read()
        except DomainError:
            # An error of ours, such as that too many ask already, says nothing of the provider.
            raise
        except Exception:
            kept.failed_at = time.monotonic()
            raise
        kept.content, kept.read_at, kept.failed_at = content, time.monotonic(), None
        return content
