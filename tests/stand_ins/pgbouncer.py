"""A real PgBouncer in transaction mode before a PostgreSQL, as managed databases offer it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from config.local import debian, folders
from config.local.postgres import find_identity
from config.local.process import LocalProcess, LocalStackError

_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def find_program() -> Path:
    """Return the program from PATH, else from Debian's package if root. Skips the test without either."""
    found = _installed()
    if found is None and debian.can_install():
        debian.install("pgbouncer", service="pgbouncer")
        found = _installed()
    if found is None:
        pytest.skip("PgBouncer is not installed, and only root on Debian or Ubuntu can install it.")
    return found


def _installed() -> Path | None:
    # Debian installs it in a folder that only root's PATH includes.
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


class PgBouncer:
    """Listens on a free loopback port; ``url`` leads to the database through the pool.

    Args:
        database_url: The PostgreSQL behind it, with the password.
        size: Number of PostgreSQL connections that the clients of one database share.
        options: Further settings, for instance ``{"query_wait_timeout": "1"}``.
    """

    def __init__(self, database_url: str, *, size: int = 3, options: Mapping[str, str] | None = None) -> None:
        self._target = urlsplit(database_url)
        self._size = size
        self._options = dict(options or {})
        self._port = folders.free_port()
        self._identity = find_identity()
        self._folder = folders.throwaway_folder("pgbouncer", self._identity)
        self._process: LocalProcess | None = None

    @property
    def url(self) -> str:
        return self.url_of(self._target.path.lstrip("/"))

    def url_of(self, name: str) -> str:
        """Return the URL of another database of the same server, through the pool."""
        userinfo = self._target.netloc.rpartition("@")[0]
        return urlunsplit(self._target._replace(netloc=f"{userinfo}@127.0.0.1:{self._port}", path=f"/{name}"))

    def __enter__(self) -> Self:
        """Start PgBouncer and wait until it answers. Raises LocalStackError."""
        program = find_program()
        for _ in range(3):
            self._process = self._new_process(program)
            self._process.start()
            if self._process.wait_until(self._answers):
                return self
            if folders.is_free(self._port):
                break
            # Another process has taken the port since it was chosen.
            self._port = folders.free_port()
        lines = self._process.last_lines()
        self.__exit__()
        raise LocalStackError(f"PgBouncer does not start: {lines}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()
        folders.remove(self._folder)

    def _new_process(self, program: Path) -> LocalProcess:
        target = self._target
        users = self._folder / "users"
        folders.write_secret(users, f'"{target.username}" "{target.password or ""}"\n', self._identity)
        options = {
            "listen_addr": "127.0.0.1",
            "listen_port": self._port,
            "unix_socket_dir": "",
            # PgBouncer also signs in to PostgreSQL with the users and passwords in this file.
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "admin_users": target.username,
            "pool_mode": "transaction",
            "default_pool_size": self._size,
            "max_client_conn": 200,
            **self._options,
        }
        lines = [
            "[databases]",
            f"* = host={target.hostname} port={target.port or 5432}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in options.items()),
        ]
        file = self._folder / "pgbouncer.ini"
        folders.write_secret(file, "\n".join(lines) + "\n", self._identity)
        return LocalProcess(
            "PgBouncer",
            [str(program), str(file)],
            env=_ENV,
            log=self._folder / "log",
            identity=self._identity,
            remove=[self._folder],
        )

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=60).close()
        except psycopg2.OperationalError:
            return False
        return True
