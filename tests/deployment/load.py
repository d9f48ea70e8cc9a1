"""Clients that send requests repeatedly until a server stops, and the requests that failed."""

import http.client
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.patience import HANG_S, join

_CLIENTS = 12


class Load:
    """Clients with their own connections, each kept alive and reused.

    A refused connection does not count as a failure, and neither does an idle connection that the server closes
    (RFC 9112, section 9.3.1), because the client can retry elsewhere. Failed requests are: no response on a new
    connection, an incomplete response, an error.
    """

    def __init__(self, api_url: str, token: str, path: str) -> None:
        parts = urlsplit(api_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._path = parts.path + path
        self._headers = {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(_CLIENTS)]
        self.answered = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            join(thread)

    def _ask(self) -> None:
        while not self._over.is_set():
            connection = http.client.HTTPConnection(self._host, self._port, timeout=HANG_S)
            try:
                connection.connect()
            except OSError:
                # Refused: the server has stopped listening.
                connection.close()
                return
            try:
                fresh = True
                while not self._over.is_set() and self._ask_once(connection, fresh=fresh):
                    fresh = False
            finally:
                connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection, *, fresh: bool) -> bool:
        """Send a request; return whether the connection can be reused."""
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            if fresh:
                self._fail(f"no answer: {type(error).__name__}")
            return False
        except (OSError, http.client.HTTPException) as error:
            self._fail(f"{type(error).__name__}: {error}")
            return False
        try:
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._fail(f"cut: {type(error).__name__}")
            return False
        if answer.status != 200:
            self._fail(f"status {answer.status}")
        with self._lock:
            self.answered += 1
        return not answer.will_close

    def _fail(self, what: str) -> None:
        with self._lock:
            self.failures.append(what)
