"""Students that send one request after another until the server stops accepting connections."""

import http.client
import threading
import time
from dataclasses import dataclass, field

from tests.patience import HANG_S


@dataclass
class Load:
    """Outcomes of requests, separated into connections made before ``mark`` was called and later ones.

    ``cut`` counts requests that were sent but not answered in full. A refused connection has carried no request, and
    ends its student's loop.
    """

    port: int
    path: str
    headers: dict[str, str]
    answered: int = 0
    answered_late: int = 0
    cut: list[str] = field(default_factory=list)
    cut_late: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def start(self, students: int) -> None:
        """Start this many students; every other one keeps its connection."""
        self._lock = threading.Lock()
        self._marked = float("inf")
        self._threads = [threading.Thread(target=self._ask, args=(bool(n % 2),)) for n in range(students)]
        for thread in self._threads:
            thread.start()

    def mark(self) -> None:
        """Mark the moment after which connections count as late."""
        self._marked = time.monotonic()

    def wait(self) -> None:
        """Wait until every student's connection has been refused."""
        for thread in self._threads:
            thread.join()

    def _ask(self, keep: bool) -> None:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            except OSError as error:
                self._note(time.monotonic(), error)
                continue
            connected = time.monotonic()
            try:
                while self._ask_once(connection, connected) and keep:
                    pass
            finally:
                connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection, connected: float) -> bool:
        try:
            connection.request("GET", self.path, headers=self.headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._note(connected, error)
            return False
        self._note(connected, None)
        self.statuses.add(answer.status)
        return not answer.will_close

    def _note(self, connected: float, error: Exception | None) -> None:
        with self._lock:
            late = connected > self._marked
            if error is None:
                self.answered += not late
                self.answered_late += late
            else:
                (self.cut_late if late else self.cut).append(repr(error))
