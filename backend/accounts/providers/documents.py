"""Caches the providers' documents, and limits how many threads may wait for providers.

Anyone can open a sign-in URL, and a hanging provider blocks the requesting thread for seconds. Without limits, a few
visitors could occupy all threads of the API.
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

# Long enough that an unreachable provider costs almost nothing; short enough for a user's next attempt to work.
_FAILED_S = 10.0
_WAIT_S = 1.0


class ProviderSlots:
    """A bounded semaphore with a bounded queue: ``inside`` threads run, ``waiting`` more wait, the rest are refused.

    The queue absorbs short bursts, such as a class signing in together.
    """

    def __init__(self, inside: int, *, waiting: int) -> None:
        self._inside = threading.BoundedSemaphore(inside)
        self._present = threading.BoundedSemaphore(inside + waiting)

    @contextmanager
    def enter(self, *, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Hold a slot. Raises ProviderUnavailable if none becomes free in time."""
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
    """A cached document. Times are from the monotonic clock."""

    content: dict[str, Any] | None = None
    read_at: float = 0.0
    failed_at: float | None = None
    readers: ProviderSlots = field(default_factory=lambda: ProviderSlots(1, waiting=2))

    def younger_than(self, age_s: float) -> dict[str, Any] | None:
        return self.content if time.monotonic() - self.read_at < age_s else None

    def has_just_failed(self) -> bool:
        return self.failed_at is not None and time.monotonic() - self.failed_at < _FAILED_S


class Documents:
    """A cache of documents by name. One thread at a time fetches a document; failures are cached briefly."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def get(
        self, name: str, read: Callable[[], dict[str, Any]], *, age_s: float, stale_s: float = 0.0
    ) -> dict[str, Any]:
        """Return the document if it is younger than ``age_s`` seconds, otherwise fetch it with ``read``.

        If fetching fails, or another thread is fetching, falls back to a copy younger than ``stale_s``. Raises
        ProviderUnavailable and whatever ``read`` raises.
        """
        # Atomic: concurrent threads share the first entry.
        kept = self._kept.setdefault(name, _Kept())
        fresh = kept.younger_than(age_s)
        if fresh is not None:
            return fresh
        stale = kept.younger_than(stale_s)
        try:
            if kept.has_just_failed():
                raise ProviderUnavailable
            with kept.readers.enter(wait_s=_WAIT_S if stale is None else 0):
                # Another thread may have fetched it, or failed to, while this one waited.
                fresh = kept.younger_than(age_s)
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
            # Our own errors, such as a full queue, say nothing about the provider.
            raise
        except Exception:
            kept.failed_at = time.monotonic()
            raise
        kept.content, kept.read_at, kept.failed_at = content, time.monotonic(), None
        return content
