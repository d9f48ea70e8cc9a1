"""A TCP proxy before PostgreSQL that cuts the connection right after a COMMIT has taken effect.

The server has committed, but the client never learns of it. ``arm`` selects the COMMIT.
"""

import socket
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_COMMIT = b"COMMIT"
_PIECE = 65536


class CuttingProxy:
    """Listens on a free loopback port; ``url`` leads to the database through this proxy."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        userinfo = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{userinfo}@127.0.0.1:{port}"))
        self._lock = threading.Lock()
        self._marker: bytes | None = None
        self._marked: set[socket.socket] = set()
        self.cuts = 0

    def arm(self, marker: str) -> None:
        """Cut the first connection that commits after it sent a statement that contains ``marker``."""
        with self._lock:
            self._marker = marker.encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=_forward, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := _receive(client):
            if self._is_to_be_cut(client, data):
                # The client gets nothing more; the server gets the COMMIT and the time to execute it.
                client.shutdown(socket.SHUT_RDWR)
                server.sendall(data)
                server.settimeout(5)
                _receive(server)
                break
            try:
                server.sendall(data)
            except OSError:
                break
        for end in (client, server):
            end.close()

    def _is_to_be_cut(self, client: socket.socket, data: bytes) -> bool:
        with self._lock:
            if self._marker is not None and self._marker in data:
                self._marked.add(client)
                self._marker = None
            if client in self._marked and _COMMIT in data:
                self._marked.discard(client)
                self.cuts += 1
                return True
        return False


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(_PIECE)
    except OSError:
        return b""


def _forward(source: socket.socket, target: socket.socket) -> None:
    while data := _receive(source):
        try:
            target.sendall(data)
        except OSError:
            return
    # When the server closes the connection, close the client's side too.
    try:
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
