"""The worker's liveness over HTTP: whether the watchdog watches and sweeps. It asks neither PostgreSQL nor Redis."""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from backend.operations.watchdog.observation import Observation
from backend.settings import Settings

PATH = "/health/live"
_CLIENT_TIMEOUT_S = 5.0


def describe(seen: Observation) -> dict[str, object]:
    """Return the age of each sign of life in seconds, and what else was seen, for logs and liveness."""

    def age(at: float | None) -> float | None:
        return None if at is None else round(seen.now - at, 1)

    return {
        "worker": seen.worker.name if seen.worker else None,
        "heartbeat_s_ago": age(seen.worker.at) if seen.worker else None,
        "canary_s_ago": age(seen.canary_at),
        "pool": len(seen.pool),
        "busy": seen.busy,
        "longest_s": round(seen.worker.longest_s, 1) if seen.worker else None,
        "pool_silent_s": age(min((process.at for process in seen.pool), default=None)),
        "leases_held": seen.leases_held,
        "leases_lost": seen.leases_lost,
        "broker": "ok" if seen.broker_ok else "down",
    }


class Liveness:
    """What the watchdog's loop and the sweep note, and the server tells.

    The watchdog is dead after ``max_look_s`` without a look or ``max_sweep_s`` without progress of the sweep. A sweep
    that fails makes progress too: another container would not reach a database that is down either.
    """

    def __init__(self, max_look_s: float, max_sweep_s: float) -> None:
        self._max_look_s, self._max_sweep_s = max_look_s, max_sweep_s
        self._looked_at = self._swept_at = time.monotonic()
        self._signs: dict[str, object] = {}
        self._is_sweeping: Callable[[], bool] = lambda: True
        self._gave_up = False

    def note_look(self, signs: dict[str, object]) -> None:
        self._looked_at, self._signs = time.monotonic(), signs

    def note_sweep(self) -> None:
        self._swept_at = time.monotonic()

    def expect_sweeps(self, is_sweeping: Callable[[], bool]) -> None:
        self._is_sweeping = is_sweeping

    def note_giving_up(self) -> None:
        self._gave_up = True

    def answer(self) -> tuple[HTTPStatus, dict[str, object]]:
        now = time.monotonic()
        looked_s, swept_s = now - self._looked_at, now - self._swept_at
        is_sweeping = swept_s <= self._max_sweep_s and self._is_sweeping()
        is_alive = looked_s <= self._max_look_s and is_sweeping and not self._gave_up
        ages = {"looked_s_ago": round(looked_s, 1), "swept_s_ago": round(swept_s, 1)}
        body = {"status": "alive" if is_alive else "dead", **ages, **self._signs}
        return HTTPStatus.OK if is_alive else HTTPStatus.SERVICE_UNAVAILABLE, body


def serve_liveness(liveness: Liveness, settings: Settings) -> ThreadingHTTPServer:
    """Answer on ``watchdog_port`` from threads. Raises SystemExit if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        # A client that connects and says nothing is dropped.
        timeout = _CLIENT_TIMEOUT_S

        def do_GET(self) -> None:
            status, body = liveness.answer() if self.path == PATH else (HTTPStatus.NOT_FOUND, {"status": "not found"})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the platform asks every few seconds."""

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
        """Log nothing: a client that has gone away is not an event."""
