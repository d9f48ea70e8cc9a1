"""Kombu's transport for Redis, extended to drop malformed messages.

Kombu loads whatever a queue contains, and the first message that it cannot load would end Celery's main process.
"""

import base64
import binascii
import json
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from backend.core.process.logging import get_logger

log = get_logger(__name__)


def install_transport() -> None:
    """Use this transport for ``redis://`` and ``rediss://``."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            # The message has left the queue and is not recorded as unacknowledged, so it is gone.
            log.error("core.queue.message_dropped", error=type(error).__name__)
            return True


class Transport(redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        problem = _find_problem(message)
        if problem is not None:
            log.error("core.queue.message_dropped", queue=queue, error=problem)
            return
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def _find_problem(message: Any) -> str | None:
    """Return why Kombu or Celery could not handle a loaded message, or None if it is well-formed."""
    match message:
        case {
            "body": str(body),
            "headers": {**headers},
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
                **properties,
            },
        }:
            task, encoding = headers.get("task"), properties.get("body_encoding")
        case _:
            return "wrong shape"
    # Replies to remote control have no task.
    if not (task is None or isinstance(task, str)):
        return "no task"
    if encoding not in (None, "base64"):
        return "unknown encoding"
    try:
        base64.b64decode(body if encoding else "")
    except (binascii.Error, ValueError):
        return "broken body"
    return None
