"""The worker's liveness over HTTP. It touches neither PostgreSQL nor Redis: it tells whether the watchdog watches."""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from backend.settings import Settings

PATH = "/health/live"
_CLIENT_TIMEOUT_S = 5.0


class Liveness:
    """When the watchdog last looked, and what it saw; shared by its loop, the sweep beside it and the server.

    Args:
        longest_look_s: After how long without a look the watchdog counts as dead.
        longest_sweep_s: After how long without progress the sweep does. A sweep that fails makes progress too: no
            other container would reach a database that is down.
    """

    def __init__(self, longest_look_s: float, longest_sweep_s: float) -> None:
        self._longest_look_s = longest_look_s
        self._longest_sweep_s = longest_sweep_s
        self._sweeps: Callable[[], bool] = lambda: True
        self._lock = threading.Lock()
        self._looked_at = self._swept_at = time.monotonic()
        self._signs: dict[str, object] = {}
        self._gave_up = False

    def note_look(self, signs: dict[str, object]) -> None:
        """Note that the watchdog has looked."""
        with self._lock:
            self._looked_at, self._signs = time.monotonic(), signs

    def note_sweep(self) -> None:
        """Note that the sweep has got on."""
        with self._lock:
            self._swept_at = time.monotonic()

    def expect_sweeps(self, sweeps: Callable[[], bool]) -> None:
        """Count as dead as soon as ``sweeps`` says that nobody sweeps any more."""
        self._sweeps = sweeps

    def note_giving_up(self) -> None:
        """Note that no restart helps: the container is to be ended."""
        with self._lock:
            self._gave_up = True

    def answer(self) -> tuple[HTTPStatus, dict[str, object]]:
        """Return the status and the body: 503 when the watchdog or the sweep stands still, or it has given up."""
        with self._lock:
            now = time.monotonic()
            looked_s, swept_s = now - self._looked_at, now - self._swept_at
            sweeps = swept_s <= self._longest_sweep_s and self._sweeps()
            alive = looked_s <= self._longest_look_s and sweeps and not self._gave_up
            body = {
                "status": "alive" if alive else "dead",
                "looked_s_ago": round(looked_s, 1),
                "swept_s_ago": round(swept_s, 1),
                **self._signs,
            }
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
