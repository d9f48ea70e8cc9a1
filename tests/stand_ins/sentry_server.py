"""A Sentry on loopback: takes envelopes as described at https://develop.sentry.dev/sdk/data-model/envelopes/."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.patience import wait_for


class SentryStandIn:
    """Listens on a free port; reports go to ``dsn``. ``texts`` is everything received, headers included."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.item_types: list[str] = []
        self._answers = threading.Event()
        self._answers.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.dsn = f"http://publickey@127.0.0.1:{self._server.server_port}/1"

    def freeze(self) -> None:
        """Accept reports but never respond."""
        self._answers.clear()

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Wait until this many events have arrived; return all of them."""
        wait_for(f"{count} events", lambda: len(self.events) >= count)
        return list(self.events)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.set()
        self._server.shutdown()
        self._server.server_close()

    def _take(self, headers: str, body: bytes) -> None:
        text = body.decode()
        self.texts.append(headers + text)
        lines = iter(text.splitlines())
        next(lines)
        for line in lines:
            if not line:
                continue
            item = json.loads(line)
            self.item_types.append(item["type"])
            payload = next(lines)
            if item["type"] == "event":
                self.events.append(json.loads(payload))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/api/1/envelope/"
                stand_in._take(str(self.headers), body)
                stand_in._answers.wait()
                answer = b'{"id": "0"}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
