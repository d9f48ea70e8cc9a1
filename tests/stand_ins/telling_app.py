"""A WSGI application that reports what it was asked, and in which thread."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from tests.stand_ins.counting_worker import wake_ups


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Respond with method, path, the length of the body and the lane.

    ``/unread`` does not read the body, ``/asleep`` never responds, and ``/wake-ups?PORT`` reports how often the poller
    has woken up for the client at that port.
    """
    # As the API does, for the lines that the thread logs from here on.
    structlog.contextvars.bind_contextvars(user_id="the-client-before")
    path = environ["PATH_INFO"]
    body = b"" if path == "/unread" else environ["wsgi.input"].read()
    if path == "/asleep":
        threading.Event().wait()
    told: dict[str, Any] = {
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "received": len(body),
        "lane": threading.current_thread().name.partition("_")[0].partition("-")[0],
    }
    if path == "/wake-ups":
        told["wake_ups"] = wake_ups[int(environ["QUERY_STRING"])]
    text = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
