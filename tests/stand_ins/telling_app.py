"""A WSGI application that tells what it was asked, and in which thread."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with method, path, the length of the body and the lane; ``/unread`` leaves the body where it is."""
    path = environ["PATH_INFO"]
    body = b"" if path == "/unread" else environ["wsgi.input"].read()
    told = {
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "received": len(body),
        "lane": threading.current_thread().name.partition("_")[0].partition("-")[0],
    }
    text = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
