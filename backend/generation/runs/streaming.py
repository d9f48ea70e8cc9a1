"""Server-sent events of a run. Each stream holds a thread, so their number and duration are limited."""

import time
from collections.abc import Callable, Iterator, Sequence

from flask import json

from backend.accounts.errors import NotSignedIn
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger
from backend.core.process.stopping import wait_for_stopping
from backend.core.web.slots import Slots
from backend.generation.errors import TooManyStreams
from backend.generation.models import RunEvent
from backend.settings import get_settings

log = get_logger(__name__)

_PAUSE_S = 0.5
_HEARTBEAT_S = 15.0

ReadEvents = Callable[[int], tuple[bool, Sequence[RunEvent]]]
"""Reads the events after a number in its own transaction. Returns whether the run has ended, and the events.

Raises NotFound if the run has been deleted, and NotSignedIn if the caller's access has ended.
"""


_SLOTS = Slots(TooManyStreams)


class EventStream:
    """An iterator of SSE text that always releases its slot at the end."""

    def __init__(self, read: ReadEvents, after: int) -> None:
        """Raises TooManyStreams if no slot is free."""
        self._slot = _SLOTS.acquire()
        self._texts = _stream(read, after)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return next(self._texts)
        except BaseException:
            # Release the slot at the end or on a database error, even before the server calls close.
            self.close()
            raise

    def close(self) -> None:
        """Release the slot. The server calls this when the client has disconnected or the stream has ended."""
        self._slot.release()


def _stream(read: ReadEvents, after: int) -> Iterator[str]:
    deadline = time.monotonic() + get_settings().stream_seconds
    heartbeat = time.monotonic() + _HEARTBEAT_S
    yield "retry: 2000\n\n"
    while True:
        try:
            ended, events = read(after)
        except (NotFound, NotSignedIn):
            # The run was deleted or the caller's access has ended. The client gets the error when it reconnects.
            return
        for event in events:
            after = event.number
            yield _render(event)
        if events:
            continue
        if ended:
            yield "event: end\ndata: {}\n\n"
            return
        if time.monotonic() >= deadline:
            return
        if time.monotonic() >= heartbeat:
            heartbeat = time.monotonic() + _HEARTBEAT_S
            yield ": heartbeat\n\n"
        # End early on shutdown: the browser reconnects with the number of the last event it received.
        if wait_for_stopping(_PAUSE_S):
            return


def _render(event: RunEvent) -> str:
    data = json.dumps({**event.data, "at": event.created_at.isoformat()})
    return f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n"
