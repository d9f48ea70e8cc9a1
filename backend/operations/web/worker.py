"""The processes of the API: gunicorn's threads, none of which waits for a client that has nothing to say.

gunicorn's own threaded worker gives each new connection to a thread, which waits for the request to come. As many
slow clients as there are threads then keep everybody out, the platform's health check included, and the platform
restarts the container. Here the poller of each process waits instead, which costs no thread, and a thread gets a
connection when there is a request to handle. There are three lanes, each with threads of its own:

- *probes*: ``GET`` of the health paths. They are answered whatever else goes on.
- *uploads*: requests whose body does not arrive at once, since reading it means to wait for the client after all.
- *ordinary*: everything else, its small body already read. At most a quarter of these threads serve event streams
  and another quarter downloads, see ``core.seats``.

What waits for a thread is bounded as well: uploads by their number, and everything but probes by a part of the
connections. Beyond that the answer is 503 at once. The rest is for who has not said yet what it wants: were all
connections taken by requests, the process would accept nobody, and no probe.

When the process is told to stop, whoever has connected by then is still answered: gunicorn would leave those whom
the kernel has already accepted for it to be cut off.
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
# How many uploads are taken up for each thread of the process; those beyond its upload threads wait for one.
_UPLOADS_PER_THREAD = 4
# The part of the connections that requests leave to those who have not sent theirs yet, probes among them.
_PART_KEPT_FREE = 4
_MAX_HEAD_BYTES = 64 * 1024
_MAX_SMALL_BODY_BYTES = 64 * 1024
_PIECE = 64 * 1024
# For the head of a request, and again for its small body. A telephone on the worst network needs less.
_SMALL_PART_S = 10.0
# The longest that an upload may pause, and may take: the platform's edge gives up after 100 s as well.
_SILENCE_S = 20.0
_UPLOAD_S = 100.0
# How long a client may take nothing of its answer.
_UNREAD_S = 30
# What is left of a body that nobody wanted is read if it is there already; else the connection is closed.
_LEFT_OVER_S = 0.2
# How long what a client still sends is thrown away after the last answer. If the connection were closed at once,
# the client would get a reset, perhaps before it has read the answer.
_LINGER_S = 2.0
# How long a process that stops goes on taking those who have connected already.
_BACKLOG_S = 1.0
# When a refused client may try again.
_RETRY_AFTER_S = 10
# A flood of refusals shall not become a flood of lines.
_REFUSALS_LOGGED_EVERY_S = 10.0

_HEAD_END = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_BODY_OF_UNKNOWN_LENGTH = re.compile(rb"\r\n(?:transfer-encoding|expect)[ \t]*:", re.IGNORECASE)

# Those of gunicorn's errors that are not simply a bad request.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    # What the application tried to send is not the client's fault, though these are kinds of the client's mistakes.
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
    """Reads from a client in a thread, until a deadline, and not from one that pauses for too long."""

    deadline = 0.0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what has come. Raises TimeoutError."""
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
    """What has arrived of a request that no thread has yet. ``head_length`` is 0 until the head is complete."""

    deadline: float
    data: bytearray = field(default_factory=bytearray)
    head_length: int = 0
    body_length: int = 0


class HealthLaneWorker(ThreadWorker):
    """The worker class of ``config/gunicorn.conf.py``. TLS ends in front of it."""

    # All of these belong to the main thread, which polls. The threads only get what they handle.
    _waiting: dict[TConn, _Incoming]
    _lingering: dict[TConn, float]
    _uploads: set[TConn]
    _others: set[TConn]
    _probe_pool: ThreadPoolExecutor
    _upload_pool: ThreadPoolExecutor

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        """Raises ConfigError for TLS, under which no head could be seen."""
        if cfg.is_ssl:
            raise ConfigError("HealthLaneWorker reads plain HTTP: TLS ends in front of it.")
        super().check_config(cfg, log)

    def init_process(self) -> None:
        """Make the lanes in the process that uses them, and work until told to stop."""
        self._waiting, self._lingering = {}, {}
        self._uploads, self._others = set(), set()
        self._refusals, self._refusals_logged = 0, -_REFUSALS_LOGGED_EVERY_S
        self._max_uploads = _UPLOADS_PER_THREAD * self.cfg.threads
        # At least two are kept free: the one that accepting itself needs, and the one that makes room for it.
        self._max_requests = max(1, self.worker_connections - max(2, self.worker_connections // _PART_KEPT_FREE))
        self._probe_pool = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="probe")
        self._upload_pool = ThreadPoolExecutor(max(1, self.cfg.threads // 2), thread_name_prefix="upload")
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, if one is there."""
        self._accept(listener)

    def _accept(self, listener: socket.socket) -> bool:
        if self.nr_conns + 1 >= self.worker_connections:
            # Those who have their answer, or hold connections open without a request, shall not keep out others.
            oldest = next(iter(self._lingering), None) or next(iter(self._waiting), None)
            if oldest is not None:
                self._close(oldest)
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        # Counted from the last byte taken, unlike a timeout of Python's, which is for the whole of an answer.
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
        # Behind the last request's body there may have been the beginning of this one.
        incoming.data += conn.parser.unreader.take_buffered()
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        if incoming.data:
            self._look_at(conn, incoming)

    def _on_readable(self, conn: TConn, sock: socket.socket) -> None:
        incoming = self._waiting.get(conn)
        if incoming is None:
            return  # Closed to make room, after the poller had seen it.
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
            # The time between two requests of a kept connection is not that of the head.
            incoming.deadline = max(incoming.deadline, time.monotonic() + _SMALL_PART_S)
        incoming.data += data
        self._look_at(conn, incoming)

    def _look_at(self, conn: TConn, incoming: _Incoming) -> None:
        data = incoming.data
        if not incoming.head_length:
            while data.startswith(b"\r\n"):  # Some clients end the request before with an empty line.
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
        # The parser judges the request; what was seen of it here only says when, and to which lane.
        conn.parser.unreader.unread(bytes(self._waiting.pop(conn).data))
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def handle(self, conn: TConn) -> Any:
        """Handle one request, in a thread; tell whether the connection can be kept."""
        conn.parser.unreader.deadline = time.monotonic() + _UPLOAD_S
        return super().handle(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        conn.parser.unreader.deadline = time.monotonic() + _LEFT_OVER_S
        return bool(super()._keepalive_after(conn, keepalive))

    def finish_request(self, conn: TConn, fs: "Future[Any]") -> None:
        """Keep the connection for a further request, or close it without waiting for the client to do so."""
        self._uploads.discard(conn)
        self._others.discard(conn)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            self._wait_for_request(conn, self.cfg.keepalive)
        else:
            self._linger(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what the parser could not read, or what failed outside of the application; in a thread."""
        status = _status_of(exc)
        if status != 500:
            # The error's text quotes the request, in which there may be a token.
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
            return  # Closed to make room, after the poller had seen it.
        try:
            if sock.recv(_PIECE):
                return
        except BlockingIOError:
            return
        except OSError:
            # A reset is an end as well.
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
        """Close the connections whose time is over; called between events, at least each second."""
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
        """Begin or end to accept connections; at the end of the process, take first who has connected already."""
        if enabled or self.alive:
            super().set_accept_enabled(enabled)
            return
        begin_stopping()
        self._take_backlog()
        super().set_accept_enabled(False)
        for listener in self.sockets:
            # Now and not with the process: the kernel would go on accepting for nobody.
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
