"""The web worker of the API: a threaded gunicorn worker whose threads do not wait for slow clients.

gunicorn's own threaded worker gives each new connection to a thread, which waits for the request. A few slow clients
can then take all threads and keep everyone out, including the platform's health check, so that the platform restarts
the container. Here, the poller of each process waits instead, which costs no thread. A connection gets a thread once
its request has arrived. There are three lanes with separate threads:

- *probes*: ``GET`` of the health paths. They are served whatever the load.
- *uploads*: requests with a large body, since reading it means waiting for the client after all.
- *ordinary*: all other requests, with their small body already read. At most a quarter of these threads serve event
  streams and another quarter downloads, see ``core.web.slots``.

Requests waiting for a thread are limited too: uploads by number, and all requests except probes by a share of the
connections. Above the limit, the response is an immediate 503. The other connections are kept for clients that have not
sent a request yet. If requests took all connections, the process could not accept any, not even a probe.

When the process is told to stop, clients that have already connected are still served. gunicorn would drop those
connections that only the kernel has accepted.
"""

import contextlib
import re
import socket
import struct
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import http
from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from backend.core.process.logging import get_logger
from backend.core.process.stopping import begin_stopping
from backend.operations.web.bare_responses import bare_response

PROBE_PATHS = frozenset({b"/api/v1/health", b"/api/v1/health/live"})

_PROBE_THREADS = 2
# Maximum uploads in progress per thread of the process. Most of them wait for an upload thread.
_UPLOADS_PER_THREAD = 4
# One in so many connections is kept for clients that have not sent their request yet, including probes.
_ONE_FREE_IN = 4
_MAX_HEAD_BYTES = 64 * 1024
_MAX_SMALL_BODY_BYTES = 64 * 1024
_PIECE = 64 * 1024
# For the head of a request, and again for its small body. A phone on the worst network needs less.
_SMALL_PART_S = 10.0
# Maximum pause and maximum duration of an upload. The platform's edge also gives up after 100 s.
_SILENCE_S = 20.0
_UPLOAD_S = 100.0
# How long a client may read nothing of its response.
_UNREAD_S = 30
# The rest of an unread body is read if it has already arrived. Otherwise the connection is closed.
_LEFT_OVER_S = 0.2
# How long data from the client is discarded after the last response. If the connection were closed immediately, the
# client would get a reset, perhaps before it has read the response.
_LINGER_S = 2.0
# How long a stopping process keeps accepting clients that have already connected.
_BACKLOG_S = 1.0
# When a refused client may try again.
_RETRY_AFTER_S = 10
# A flood of refusals must not become a flood of log lines.
_REFUSALS_LOGGED_EVERY_S = 10.0

_HEAD_END = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_BODY_OF_UNKNOWN_LENGTH = re.compile(rb"\r\n(?:transfer-encoding|expect)[ \t]*:", re.IGNORECASE)

# gunicorn's errors with another status than 400.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    # Subclasses of parse errors, but caused by the application's response, not by the client.
    (http.errors.InvalidResponseHeader, 500),
    (http.errors.InvalidResponseHeaderName, 500),
    (http.errors.ConfigurationProblem, 500),
    (http.errors.UnsupportedTransferCoding, 501),
    (http.errors.ExpectationFailed, 417),
    (http.errors.LimitRequestLine, 414),
    (http.errors.LimitRequestHeaders, 431),
    (http.errors.ParseException, 400),
)

log = get_logger(__name__)


class _ClientUnreader(SocketUnreader):
    """Reads from a client in a thread, with a deadline and a maximum pause."""

    deadline = 0.0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Raises TimeoutError."""
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("The request took too long to arrive.")
        self.sock.settimeout(min(left_s, _SILENCE_S))
        try:
            data: bytes = super().chunk(size_hint)
        finally:
            self.sock.setblocking(True)
        return data


@dataclass
class _Incoming:
    """The bytes of a request that has no thread yet. ``head_length`` is 0 until the head is complete."""

    deadline: float
    data: bytearray = field(default_factory=bytearray)
    head_length: int = 0
    body_length: int = 0


class HealthLaneWorker(ThreadWorker):
    """The worker class of ``config/gunicorn.conf.py``. TLS ends in front of it."""

    # Only the main thread, which polls, uses these. The other threads get one connection at a time.
    _waiting: dict[TConn, _Incoming]
    _lingering: dict[TConn, float]
    _uploads: set[TConn]
    _others: set[TConn]
    _probe_pool: ThreadPoolExecutor
    _upload_pool: ThreadPoolExecutor

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        """Raises ConfigError for TLS, because this worker must read the heads of requests."""
        if cfg.is_ssl:
            raise ConfigError("HealthLaneWorker reads plain HTTP: TLS ends in front of it.")
        super().check_config(cfg, log)

    def init_process(self) -> None:
        """Create the lanes in the process that uses them, and serve until told to stop."""
        self._waiting, self._lingering = {}, {}
        self._uploads, self._others = set(), set()
        self._refusals, self._refusals_logged = 0, -_REFUSALS_LOGGED_EVERY_S
        self._max_uploads = _UPLOADS_PER_THREAD * self.cfg.threads
        # At least two are kept free: accepting a connection needs one, and making room for it another.
        self._max_requests = max(1, self.worker_connections - max(2, self.worker_connections // _ONE_FREE_IN))
        self._probe_pool = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="probe")
        self._upload_pool = ThreadPoolExecutor(max(1, self.cfg.threads // 2), thread_name_prefix="upload")
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        self._accept(listener)

    def _accept(self, listener: socket.socket) -> bool:
        if self.nr_conns + 1 >= self.worker_connections:
            # Connections that have their response, or have no request, must not keep out new ones.
            oldest = next(iter(self._lingering), None) or next(iter(self._waiting), None)
            if oldest is not None:
                self._close(oldest)
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        # The kernel's timeout starts again with each byte sent. Python's own is for the whole response.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _UNREAD_S, 0))
        conn = TConn(self.cfg, sock, address, listener.getsockname())
        conn.parser = http.get_parser(self.cfg, sock, address)
        conn.parser.unreader = _ClientUnreader(sock)
        conn.initialized = True
        self.nr_conns += 1
        self._wait_for_request(conn, _SMALL_PART_S)
        return True

    def _wait_for_request(self, conn: TConn, patience_s: float) -> None:
        if not self.alive:
            patience_s = min(patience_s, STOP_KEEPALIVE_LINGER)
        conn.sock.setblocking(False)
        incoming = self._waiting[conn] = _Incoming(time.monotonic() + patience_s)
        # The parser may already have read the start of this request behind the previous one's body.
        incoming.data += conn.parser.unreader.take_buffered()
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        if incoming.data:
            self._look_at(conn, incoming)

    def _on_readable(self, conn: TConn, sock: socket.socket) -> None:
        incoming = self._waiting.get(conn)
        if incoming is None:
            return  # Closed to make room, after the poller reported it.
        try:
            data = sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(conn)
            return
        if not incoming.data:
            # The head has its own time, separate from the pause between two requests of a connection.
            incoming.deadline = max(incoming.deadline, time.monotonic() + _SMALL_PART_S)
        incoming.data += data
        self._look_at(conn, incoming)

    def _look_at(self, conn: TConn, incoming: _Incoming) -> None:
        data = incoming.data
        if not incoming.head_length:
            while data.startswith(b"\r\n"):  # Some clients end the previous request with an empty line.
                del data[:2]
            end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
            if end < 0:
                if len(data) >= _MAX_HEAD_BYTES:
                    self._refuse(conn, 431)
                return
            incoming.head_length = end + len(_HEAD_END)
            incoming.deadline = time.monotonic() + _SMALL_PART_S
            head = bytes(data[: incoming.head_length])
            if (found := _CONTENT_LENGTH.search(head)) is not None:
                incoming.body_length = int(found[1])
            if incoming.body_length > _MAX_SMALL_BODY_BYTES or _BODY_OF_UNKNOWN_LENGTH.search(head):
                self._take_up(conn, self._upload_pool, self._uploads, self._max_uploads)
                return
        if len(data) >= incoming.head_length + incoming.body_length:
            if not incoming.body_length and _is_probe(data):
                self._hand_over(conn, self._probe_pool)
            else:
                self._take_up(conn, self.tpool, self._others, self._max_requests)

    def _take_up(self, conn: TConn, pool: ThreadPoolExecutor, lane: set[TConn], max_taken: int) -> None:
        if len(lane) >= max_taken or len(self._uploads) + len(self._others) >= self._max_requests:
            self._refuse_for_now(conn)
            return
        lane.add(conn)
        self._hand_over(conn, pool)

    def _hand_over(self, conn: TConn, pool: ThreadPoolExecutor) -> None:
        self.poller.unregister(conn.sock)
        # The parser validates the request. The look at its head only decides when it goes to which lane.
        conn.parser.unreader.unread(bytes(self._waiting.pop(conn).data))
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: TConn) -> Any:
        """Handle one request in a thread. Returns whether the connection can be kept."""
        conn.parser.unreader.deadline = time.monotonic() + _UPLOAD_S
        return super().handle(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        conn.parser.unreader.deadline = time.monotonic() + _LEFT_OVER_S
        return bool(super()._keepalive_after(conn, keepalive))

    def finish_request(self, conn: TConn, fs: "Future[Any]") -> None:
        """Keep the connection for another request, or close it without waiting for the client to do so."""
        self._uploads.discard(conn)
        self._others.discard(conn)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            self._wait_for_request(conn, self.cfg.keepalive)
        else:
            self._linger(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Respond to a malformed request, or to a failure outside the application. Runs in a thread."""
        status = _status_of(exc)
        if status != 500:
            # The error's text quotes the request, which may contain a token.
            log.warning("operations.web_worker.unreadable", status=status, error=type(exc).__name__)
        else:
            log.error("operations.web_worker.crashed", status=status, error=type(exc).__name__, exc_info=exc)
        with contextlib.suppress(OSError):
            client.sendall(bare_response(status))

    def _refuse(self, conn: TConn, status: int, *, retry_after_s: int | None = None) -> None:
        incoming = self._waiting[conn]
        head = bytes(incoming.data[: incoming.head_length or _MAX_HEAD_BYTES])
        with contextlib.suppress(OSError):
            conn.sock.send(bare_response(status, head, retry_after_s=retry_after_s))
        self._give_up(conn)

    def _refuse_for_now(self, conn: TConn) -> None:
        self._refuse(conn, 503, retry_after_s=_RETRY_AFTER_S)
        self._refusals += 1
        now = time.monotonic()
        if now - self._refusals_logged >= _REFUSALS_LOGGED_EVERY_S:
            uploads, others = len(self._uploads), len(self._others)
            log.warning("operations.web_worker.busy", refused=self._refusals, uploads=uploads, others=others)
            self._refusals, self._refusals_logged = 0, now

    def _give_up(self, conn: TConn) -> None:
        del self._waiting[conn]
        self.poller.unregister(conn.sock)
        self._linger(conn)

    def _linger(self, conn: TConn) -> None:
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_left_over, conn))
        except (OSError, ValueError):
            # The client is gone, or gunicorn has closed the connection after an error.
            self._close(conn)
            return
        self._lingering[conn] = time.monotonic() + _LINGER_S

    def _on_left_over(self, conn: TConn, sock: socket.socket) -> None:
        if conn not in self._lingering:
            return  # Closed to make room, after the poller reported it.
        try:
            if sock.recv(_PIECE):
                return
        except BlockingIOError:
            return
        except OSError:
            # A reset also ends the connection.
            pass
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self._waiting.pop(conn, None)
        self._lingering.pop(conn, None)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close connections past their deadline. gunicorn calls this between events, at least once per second."""
        now = time.monotonic()
        for conn, incoming in list(self._waiting.items()):
            if incoming.deadline <= now:
                if incoming.data:
                    self._refuse(conn, 408)
                else:
                    self._close(conn)
        for conn, deadline in list(self._lingering.items()):
            if deadline <= now:
                self._close(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting connections. When the process stops, accept clients that have already connected."""
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
            return
        begin_stopping()
        self._take_backlog()
        super().set_accept_enabled(False)
        for listener in self.sockets:
            # Closed now, not at the end of the process: until then the kernel would keep accepting clients.
            listener.close()
        latest = time.monotonic() + STOP_KEEPALIVE_LINGER
        for incoming in self._waiting.values():
            incoming.deadline = min(incoming.deadline, latest)

    def _take_backlog(self) -> None:
        deadline = time.monotonic() + _BACKLOG_S
        for listener in self.sockets:
            while self._accept(listener) and time.monotonic() < deadline:
                pass


def _is_probe(data: bytearray) -> bool:
    method, _, rest = bytes(data[:256]).partition(b" ")
    return method == b"GET" and rest.partition(b" ")[0].partition(b"?")[0] in PROBE_PATHS


def _status_of(error: Exception) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
