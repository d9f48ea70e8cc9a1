"""The worker's liveness over HTTP. It touches neither PostgreSQL nor Redis: it tells whether the watchdog watches."""

import json
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from backend.settings import Settings

PATH = "/health/live"
_CLIENT_TIMEOUT_S = 5.0


class Liveness:
    """When the watchdog last looked, and what it saw; shared by its loop and the server."""

    def __init__(self, longest_look_s: float) -> None:
        self._longest_look_s = longest_look_s
        self._lock = threading.Lock()
        self._looked_at = time.monotonic()
        self._signs: dict[str, object] = {}
        self._gave_up = False

    def note_look(self, signs: dict[str, object]) -> None:
        """Note that the watchdog has looked."""
        with self._lock:
            self._looked_at, self._signs = time.monotonic(), signs

    def note_giving_up(self) -> None:
        """Note that no restart helps: the container is to be ended."""
        with self._lock:
            self._gave_up = True

    def answer(self) -> tuple[HTTPStatus, dict[str, object]]:
        """Return the status and the body: 503 when the watchdog has stood still for long, or has given up."""
        with self._lock:
            age_s = time.monotonic() - self._looked_at
            alive = age_s <= self._longest_look_s and not self._gave_up
            body = {"status": "alive" if alive else "dead", "looked_s_ago": round(age_s, 1), **self._signs}
        return HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE, body


def serve_liveness(liveness: Liveness, settings: Settings) -> ThreadingHTTPServer:
    """Answer on ``watchdog_port`` from threads of their own. Raises SystemExit when the port cannot be had."""

    class Handler(BaseHTTPRequestHandler):
        # Whoever connects and says nothing is let go.
        timeout = _CLIENT_TIMEOUT_S

        def do_GET(self) -> None:
            """Answer one request."""
            status, body = liveness.answer() if self.path == PATH else (HTTPStatus.NOT_FOUND, {"status": "not found"})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: the platform asks every few seconds."""

    host = "0.0.0.0" if settings.environment == "production" else "127.0.0.1"
    try:
        server = _Server((host, settings.watchdog_port), Handler)
    except (OSError, OverflowError) as error:
        raise SystemExit(
            f"Refusing to start: WATCHDOG_PORT {settings.watchdog_port} cannot be listened on: {error}"
        ) from None
    threading.Thread(target=server.serve_forever, name="liveness", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: a client that has gone away is no event."""
