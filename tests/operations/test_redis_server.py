"""The API container's Redis accepts exactly the password that its clients read from the settings."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from backend.operations.container.redis_server import redis_configuration
from backend.settings import Settings
from config.local import folders
from config.local.redis import find_program
from tests.conftest import CHECKOUT, SECRETS
from tests.patience import HANG_S, wait_for

HOSTILE = [
    'quo"tation',
    "apo'strophe",
    "back\\slash",
    "\\x41\\n",
    " spaces before and after ",
    "#comment",
    "Zürich, 東京, 🗝",
    "line\nrequirepass other",
    "tab\t and return\r",
    "p@ss:w/rd?x=1&y=%41#z",
    "%(ENV_PATH)s $HOME ${HOME}",
    "x" * 900,
]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., redis.Redis]]:
    """Start the server with these variables. Returns a client for the URL that the program itself uses."""
    started: list[subprocess.Popen[bytes]] = []
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "redis-server").symlink_to(find_program())

    def run(password_in_url: str = "", **variables: str) -> redis.Redis:
        url = f"redis://{password_in_url}127.0.0.1:{folders.free_port()}/0"
        variables = {"REDIS_URL": url, "ENVIRONMENT": "test", **variables}
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "backend.operations.container.redis_server",
                "config/redis.conf",
                str(tmp_path / "dä ta"),
            ],
            cwd=CHECKOUT,
            env={**SECRETS, "PATH": f"{programs}:{os.environ['PATH']}", **variables},
            stdin=subprocess.DEVNULL,
        )
        started.append(process)
        client = redis.Redis.from_url(settings_with(**variables).broker_url, socket_timeout=5, retry=None)
        wait_for("Redis", lambda: process.poll() is None and listens(client))
        return client

    yield run
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(HANG_S)


def settings_with(**variables: str) -> Settings:
    """Return the settings of a process with these variables."""
    return Settings(**{name.lower(): value for name, value in {**SECRETS, **variables}.items()})


def listens(client: redis.Redis) -> bool:
    """Tell whether the server answers, even with a refusal."""
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return True
    except redis.ConnectionError:
        return False


@pytest.mark.parametrize("password", HOSTILE)
def test_any_password_works_unchanged(start, password: str) -> None:
    client = start(REDIS_PASSWORD=password)
    assert client.ping()
    port = client.connection_pool.connection_kwargs["port"]
    for wrong in (None, "other", password.strip() + "x"):
        with redis.Redis(port=port, password=wrong) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_a_password_in_the_url_is_percent_decoded(start) -> None:
    client = start(":p%40ss%2Fw%25rd@")
    assert client.ping()
    assert client.connection_pool.connection_kwargs["password"] == "p@ss/w%rd"


def test_a_password_in_the_url_overrides_the_setting(start) -> None:
    client = start(":of-the-address@", REDIS_PASSWORD="of-the-variable")
    assert client.ping()
    assert client.connection_pool.connection_kwargs["password"] == "of-the-address"


def test_without_a_password_none_is_required() -> None:
    settings = settings_with(REDIS_URL="redis://127.0.0.1:6379/0", ENVIRONMENT="test")
    assert "requirepass" not in redis_configuration(settings, "", Path("/tmp"))
