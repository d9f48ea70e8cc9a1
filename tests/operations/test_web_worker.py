"""The web worker's lanes over real connections, byte by byte."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from apiflask import APIFlask

from backend.operations.web.worker import PROBE_PATHS
from config.local import folders
from config.local.process import LocalProcess
from tests.patience import HANG_S, pause, wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
CONNECTIONS = 20
THREADS = 2
UPLOADS = 4 * THREADS
HOST = b"Host: localhost\r\n"


class Server:
    """A gunicorn with one process of our worker, and an application that echoes its requests."""

    def __init__(self, log: Path) -> None:
        self.port, self.log = folders.free_port(), log
        worker = "tests.stand_ins.counting_worker.CountingWorker"
        options = ["--threads", str(THREADS), "--keep-alive", "30", "--worker-connections", str(CONNECTIONS)]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", "-k", worker, *options, *bind, "tests.stand_ins.telling_app:app"]
        self.process = LocalProcess("gunicorn", command, env=dict(os.environ), log=log, folder=CHECKOUT)
        self.process.start()
        wait_for("gunicorn", self.listens)

    def listens(self) -> bool:
        """Tell whether it accepts connections. Fails if it has ended."""
        assert self.process.running, self.process.last_lines()
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def connect(self) -> socket.socket:
        """Open a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=HANG_S)

    def ask(self, *pieces: bytes, pause_s: float = 0.0) -> Any:
        """Send a request in pieces. Returns the application's echo."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
                pause(pause_s, "a client that is slow")
            return told(sock)


def told(sock: socket.socket) -> Any:
    """Return the application's echo in the next response."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return json.loads(answer.read())


def status_of(sock: socket.socket) -> int:
    """Return the status of the next response, or 0 if the connection ends without one."""
    answer = http.client.HTTPResponse(sock)
    try:
        answer.begin()
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return 0
    return answer.status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shared server."""
    server = Server(tmp_path_factory.mktemp("gunicorn") / "log")
    yield server
    server.process.stop()


def get(path: bytes, *headers: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path, HOST, b"".join(headers))


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST %b HTTP/1.1\r\n%b%b%b\r\n%b" % (path, HOST, length, b"".join(headers), body)


@pytest.mark.parametrize(
    ("request_bytes", "lane"),
    [
        (get(b"/api/v1/health"), "probe"),
        (get(b"/api/v1/health/live?from=edge"), "probe"),
        (get(b"/api/v1/health", b"Content-Length: 0\r\n"), "probe"),
        (get(b"/api/v1/healthy"), "ThreadPoolExecutor"),
        (post(b"/api/v1/health", b"x"), "ThreadPoolExecutor"),
        (get(b"/other"), "ThreadPoolExecutor"),
        (post(b"/other", b"x" * 60_000), "ThreadPoolExecutor"),
        (post(b"/other", b"x" * 200_000), "upload"),
    ],
)
def test_each_request_goes_to_its_lane(server: Server, request_bytes: bytes, lane: str) -> None:
    answer = server.ask(request_bytes)
    assert answer["lane"] == lane
    assert answer["received"] == len(request_bytes.partition(b"\r\n\r\n")[2])


def test_the_probes_are_the_health_routes_of_the_app(app: APIFlask) -> None:
    health = {
        str(rule) for rule in app.url_map.iter_rules() if rule.endpoint in ("operations.health", "operations.live")
    }
    assert health == {path.decode() for path in PROBE_PATHS}


def test_expect_100_continue_is_answered(server: Server) -> None:
    head, _, body = post(b"/other", b"y" * 100, b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    with server.connect() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert told(sock)["received"] == 100


def test_a_chunked_body_is_read(server: Server) -> None:
    chunked = b"POST /other HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert server.ask(chunked) | {"path": ""} == {"method": "POST", "path": "", "received": 3, "lane": "upload"}


def test_a_request_may_arrive_byte_by_byte(server: Server) -> None:
    request = post(b"/other", b"abc")
    answer = server.ask(*(request[n : n + 1] for n in range(len(request))), pause_s=0.001)
    assert (answer["path"], answer["received"]) == ("/other", 3)


def test_a_connection_is_kept_alive_and_accepts_pipelined_requests(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(b"\r\n" + get(b"/first"))
        assert told(sock)["path"] == "/first"
        sock.sendall(post(b"/second", b"ab") + get(b"/api/v1/health") + get(b"/third")[:9])
        reader = sock.makefile("rb")
        paths = [read_one(reader)["path"] for _ in range(2)]
        sock.sendall(get(b"/third")[9:])
        paths.append(read_one(reader)["path"])
    assert paths == ["/second", "/api/v1/health", "/third"]


def read_one(reader: Any) -> Any:
    """Return the application's echo, without reading further."""
    length = 0
    while (line := reader.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return json.loads(reader.read(length))


def test_an_unread_body_does_not_become_the_next_request(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(post(b"/unread", get(b"/smuggled")) + get(b"/next"))
        reader = sock.makefile("rb")
        assert [read_one(reader)["path"] for _ in range(2)] == ["/unread", "/next"]


def test_a_client_that_sends_too_much_still_gets_its_response(server: Server) -> None:
    with server.connect() as sock:
        head, _, body = post(b"/unread", b"z" * 3_000_000).partition(b"\r\n\r\n")
        sock.sendall(head + b"\r\n\r\n" + body[:1_000_000])
        pause(0.5, "the answer is there before the rest is sent")
        sock.sendall(body[1_000_000:])
        assert told(sock)["path"] == "/unread"
        assert sock.recv(1) == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
        (b"\x16\x03\x01 no request at all\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: canary\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Authorization : Bearer canary\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Expect: canary\r\n\r\n", 417),
    ],
)
def test_malformed_requests_are_refused(server: Server, sent: bytes, status: int) -> None:
    with server.connect() as sock:
        sock.sendall(sent)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        problem = json.loads(answer.read())
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert (problem["status"], problem["request_id"]) == (status, answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] is None
        # The request may contain a token, so it is not quoted in the response or the log.
        assert "canary" not in str(problem) + server.log.read_text()


def test_a_client_that_does_not_finish_its_request_is_disconnected(server: Server) -> None:
    beginnings = {b"": 0, get(b"/other")[:-2]: 408, post(b"/other", b"abc")[:-1]: 408}
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(server.connect()) for _ in beginnings]
        for sock, beginning in zip(sockets, beginnings, strict=True):
            sock.sendall(beginning)
        assert [status_of(sock) for sock in sockets] == list(beginnings.values())


def test_an_incomplete_request_does_not_busy_the_poller(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(get(b"/other")[:-2])
        # Each of these wakes the poller at least once, which then reports all other readable connections.
        for _ in range(20):
            wake_ups = server.ask(get(b"/wake-ups?%d" % sock.getsockname()[1]))["wake_ups"]
        assert wake_ups == 1
        sock.sendall(b"\r\n")
        assert told(sock)["path"] == "/other"


def test_the_oldest_idle_connection_makes_room(server: Server) -> None:
    waiting = [server.connect() for _ in range(CONNECTIONS * 2)]
    try:
        assert server.ask(get(b"/other"))["path"] == "/other"
        # Closed immediately, long before its timeout. The newest are still open.
        assert waiting[0].recv(1) == b""
        waiting[-1].sendall(get(b"/last"))
        assert told(waiting[-1])["path"] == "/last"
    finally:
        for sock in waiting:
            sock.close()


@pytest.mark.parametrize("beginning", [post(b"/other", b"x" * 900_000)[:100], get(b"/asleep")])
def test_requests_in_progress_leave_room_for_probes(own_server: Callable[[], Server], beginning: bytes) -> None:
    server = own_server()
    is_upload = beginning.startswith(b"POST")
    taken_up = UPLOADS if is_upload else CONNECTIONS - CONNECTIONS // 4
    with contextlib.ExitStack() as opened:
        sockets = []
        for _ in range(CONNECTIONS * 2):
            sockets.append(opened.enter_context(server.connect()))
            sockets[-1].sendall(beginning)
            # One after the other, so that the server has each request before the next client connects.
            assert server.ask(get(b"/api/v1/health/live"))["lane"] == "probe"
        if is_upload:
            # Uploads leave threads to the other requests.
            assert server.ask(get(b"/other"))["path"] == "/other"
        for sock in sockets[:taken_up]:
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
        answer = http.client.HTTPResponse(sockets[-1])
        answer.begin()
        problem = json.loads(answer.read())
        assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        assert (problem["status"], problem["code"]) == (503, "unavailable")
        assert {status_of(sock) for sock in sockets[taken_up:-1]} == {503}


def test_a_refusal_is_in_the_clients_language_and_has_a_retry_after(own_server: Callable[[], Server]) -> None:
    server = own_server()
    refusals = {
        b"de-CH, en;q=0.5": "Bitte",
        b"it;q=0.5, fr-CH": "surchargé",
        b"it": "sovraccarico",
        b"rm, pt-BR": "Please",
        b",;q=x;;=, " + b"a" * 900: "Please",
    }
    head = post(b"/other", b"x" * 900_000).partition(b"x")[0]
    with contextlib.ExitStack() as opened:
        taken_up = [opened.enter_context(server.connect()) for _ in range(UPLOADS)]
        for sock in taken_up:
            sock.sendall(head)
            assert server.ask(get(b"/api/v1/health"))["lane"] == "probe"
        for wanted, word in refusals.items():
            spoken = post(b"/other", b"x" * 900_000, b"Accept-Language: " + wanted + b"\r\n").partition(b"xx")[0]
            assert word in server.ask(spoken)["detail"]
        for sock in taken_up:
            sock.sendall(b"x" * 900_000)
            assert told(sock)["received"] == 900_000
        assert server.ask(head + b"x" * 900_000)["received"] == 900_000


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Start a server for one test."""
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(tmp_path / "log"))
        return started[-1]

    yield start
    for server in started:
        server.process.stop()


def test_clients_connected_before_the_stop_are_served(own_server: Callable[[], Server]) -> None:
    server = own_server()
    # The main process listens before its child is ready.
    assert server.ask(get(b"/first"))["path"] == "/first"
    (worker,) = psutil.Process(server.process.pid).children()
    with server.connect() as kept:
        kept.sendall(get(b"/before"))
        assert told(kept)["path"] == "/before"
        # The process is frozen while it is told to stop and more clients connect, which only the kernel accepts.
        worker.suspend()
        late = [server.connect() for _ in range(5)]
        for sock in late:
            sock.sendall(get(b"/late"))
        server.process.send_signal(signal.SIGTERM)
        wait_for("a closed door", lambda: not psutil.Process(server.process.pid).net_connections())
        # gunicorn's main process, which no longer listens, also tells the worker to stop.
        worker.send_signal(signal.SIGTERM)
        kept.sendall(get(b"/kept"))
        worker.resume()
        answers = [told(sock)["path"] for sock in [kept, *late]]
    assert answers == ["/kept"] + ["/late"] * 5
    assert server.process.wait(HANG_S) == 0
