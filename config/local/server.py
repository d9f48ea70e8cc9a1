"""What PostgreSQL and Redis of the local stack share: an environment variable names the server, or it is our own."""

import os
import signal
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from config.local import folders
from config.local.process import Identity, LocalProcess, LocalStackError

# A clean environment: PGDATA and its like belong to somebody else's server.
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Server:
    """A server that is reached by a URL."""

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        raise NotImplementedError

    def find_problem(self) -> str:
        """Return in one line why it does not answer; empty when it does."""
        raise NotImplementedError

    def start(self) -> None:
        """Make it answer. Raises LocalStackError."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it, keeping its data."""

    def restart(self) -> None:
        """End it and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it for good; throw-away data is removed."""
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GivenServer(Server):
    """Somebody else's server, which is used and never started or stopped."""

    variable: ClassVar[str]
    """The environment variable that names it."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        """Its URL as it was given."""
        return self._url

    def start(self) -> None:
        """Check that it answers. Raises LocalStackError."""
        problem = self.find_problem()
        if problem:
            raise LocalStackError(f"{self.variable} does not answer: {problem}")

    def restart(self) -> None:
        """Raises LocalStackError."""
        raise LocalStackError(f"The server of {self.variable} is not ours to restart.")


class LocalServer(Server):
    """A server of our own, ended with this process at the latest.

    Args:
        keep: Under which name its data is kept in the checkout, and only one process may use it at a time;
            None for a throw-away instance, as many as wanted.
        log: A file for its log; by default it lies beside the data.
        options: Further server settings.
    """

    name: ClassVar[str]
    """What it is called in messages."""

    def __init__(
        self, keep: str | None = None, *, log: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.port = folders.free_port()
        self._keep = keep
        self._log = log
        self._options = dict(options or {})
        self._folder: Path | None = None
        self._lock: int | None = None
        self._process: LocalProcess | None = None

    @property
    def pid(self) -> int:
        """The id of its main process."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether it, or one of its processes, is alive; a frozen one is."""
        return self._process is not None and self._process.running

    def _open_folder(self, name: str, identity: Identity | None = None) -> Path:
        """Return its folder, made and locked when there is none yet. Raises LocalStackError when it is in use."""
        if self._folder is None and self._keep is None:
            self._folder = folders.throwaway_folder(name, identity)
            weakref.finalize(self, folders.remove, self._folder)
        elif self._folder is None:
            self._folder = folders.kept_folder(f"{self._keep}-{name}", identity)
        if self._keep is not None and self._lock is None:
            message = f"The data of “{self._keep}” is in use: is the same command running already?"
            self._lock = folders.lock(self._folder / "lock", wait_s=30, message=message)
        return self._folder

    def _launch(self, make: Callable[[], LocalProcess]) -> None:
        """Start the process that ``make`` returns; return when it answers. Raises LocalStackError."""
        first = self._process is None
        for _ in range(3):
            process = self._process = make()
            process.start()
            if process.wait_until(lambda: not self.find_problem()):
                return
            # Between the choice of the port and now, somebody else may have taken it.
            if not first or folders.is_free(self.port):
                break
            self.port = folders.free_port()
        process.stop()
        raise LocalStackError(f"{self.name} does not start: {process.last_lines()}")

    def _make_process(self, command: list[str], folder: Path, **more: Any) -> LocalProcess:
        return LocalProcess(
            self.name,
            command,
            env=ENV,
            log=self._log or folder / "log",
            remove=[folder] if self._keep is None else [],
            hold=[] if self._lock is None else [self._lock],
            **more,
        )

    def stop(self) -> None:
        """End it politely, keeping its data and its port; a frozen one is thawed for that."""
        if self._process is not None:
            self._process.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill it; return when all its processes are gone. ``start`` brings it back."""
        if self._process is not None:
            self._process.kill(number)

    def close(self) -> None:
        """End it for good: throw-away data is removed, kept data is free for the next command."""
        self.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._keep is None and self._folder is not None:
            folders.remove(self._folder)
            self._folder = None
