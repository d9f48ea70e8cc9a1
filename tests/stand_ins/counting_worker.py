"""The web worker with a poller that counts how often it wakes up for each client."""

import selectors
import socket
from collections import Counter

from backend.operations.web.worker import HealthLaneWorker

# Counted by the client's port.
wake_ups: Counter[int] = Counter()


class _CountingPoller(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout)
        for key, _ in events:
            if isinstance(key.fileobj, socket.socket):
                try:
                    wake_ups[key.fileobj.getpeername()[1]] += 1
                except OSError:
                    continue  # A listening socket, or a client that has gone.
        return events


class CountingWorker(HealthLaneWorker):
    def run(self) -> None:
        self.poller.close()
        self.poller = _CountingPoller()
        super().run()
