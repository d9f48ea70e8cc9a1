"""Kombu's transport for Redis, which drops what is not a message of ours instead of ending the worker.

Kombu loads whatever a queue holds, and Celery's main process ends with the first thing that it cannot load.
"""

import base64
import binascii
import json
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from backend.core.process.logging import get_logger

log = get_logger(__name__)


def install_transport() -> None:
    """Have connections to ``redis://`` and ``rediss://`` use this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"


class Channel(redis.Channel):
    """Takes messages from queues."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            # It has left the queue and was noted nowhere.
            log.error("core.queue.message_dropped", error=type(error).__name__)
            return True


class Transport(redis.Transport):
    """Gives messages to whoever consumes their queue."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        problem = _find_problem(message)
        if problem is not None:
            log.error("core.queue.message_dropped", queue=queue, error=problem)
            return
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def _find_problem(message: Any) -> str | None:
    """Return what Kombu or Celery could not handle about a loaded message, or None when it has the right shape."""
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
