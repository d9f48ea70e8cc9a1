"""A bucket on loopback: moto's S3 server as a separate process, and a gate before it that can be shut."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import boto3.session

from config.local import folders
from tests.patience import HANG_S, wait_for

KEY_ID, SECRET = "test-key-id", "test-secret-access-key"
REGION = "us-east-1"
_PIECE = 65536
_REFUSAL_BODY = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
_REFUSAL = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_REFUSAL_BODY), _REFUSAL_BODY)
)


class ObjectStore:
    """The server. Its buckets disappear with it."""

    def __init__(self, logs: Path) -> None:
        self.port = folders.free_port()
        self._logs = logs

    def __enter__(self) -> Self:
        """Start the server and wait until it listens."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        # The server would mistake our variables for its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
        with (self._logs / "object-store.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wait_for("the object store", self._listens)
        return self

    def _listens(self) -> bool:
        assert self._process.poll() is None, "The object store has exited."
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=HANG_S).close()
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def client(self) -> Any:
        """Return a client that bypasses every gate."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )


class Gate:
    """A TCP proxy before the server: open, shut (connections end immediately), frozen, or cutting off a response."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = threading.Event()
        self._open.set()
        self._shut = False
        self._cut_after: int | None = None
        self._refused: bytes | None = None
        self._held: tuple[bytes, threading.Event] | None = None
        self._release = threading.Event()
        self.arrived = threading.Event()
        self.requests: list[bytes] = []
        self._connections: set[socket.socket] = set()

    def shut(self) -> None:
        """End all present and future connections."""
        self._shut = True
        for connection in list(self._connections):
            _end(connection)

    def freeze(self) -> None:
        """Accept connections and requests, but let nothing through."""
        self._open.clear()

    def reopen(self) -> None:
        """Let everything through again."""
        self._shut = False
        self._open.set()

    def cut_next_answer(self, after_bytes: int) -> None:
        """End the connection of the next response after this many bytes of it."""
        self._cut_after = after_bytes

    def refuse(self, name: str | None) -> None:
        """Respond with 403 to requests that contain this name, until called with None."""
        self._refused = None if name is None else name.encode()

    def hold(self, method: str) -> None:
        """Hold the next request with this method until ``release``; ``arrived`` is set once it is there."""
        self.arrived.clear()
        self._release = threading.Event()
        self._held = (f"{method} ".encode(), self._release)

    def release(self) -> None:
        """Let the held request through."""
        self._release.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.reopen()
        self.release()
        self.shut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._shut:
                _end(client)
                continue
            server = socket.create_connection(self._target)
            self._connections |= {client, server}
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := _receive(client):
            line = data.split(b"\r\n", 1)[0]
            if line.endswith(b" HTTP/1.1"):
                self.requests.append(line)
            if self._refused is not None and self._refused in line:
                _send(client, _REFUSAL)
                break
            held = self._held
            if held is not None and data.startswith(held[0]):
                self._held = None
                self.arrived.set()
                held[1].wait()
            self._open.wait()
            if not _send(server, data):
                break
        _end(server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        while data := _receive(server):
            self._open.wait()
            if self._cut_after is not None:
                self._cut_after -= len(data)
                if self._cut_after <= 0:
                    self._cut_after = None
                    break
            if not _send(client, data):
                break
        for connection in (server, client):
            _end(connection)


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(_PIECE)
    except OSError:
        return b""


def _send(target: socket.socket, data: bytes) -> bool:
    try:
        target.sendall(data)
    except OSError:
        return False
    return True


def _end(connection: socket.socket) -> None:
    # Shut down first: closing alone would not wake the thread that waits for data.
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        connection.close()
