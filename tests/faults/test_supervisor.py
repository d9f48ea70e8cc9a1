"""The containers' real supervisord and configuration: order, exit codes, refused hard links, Redis settings.

Covers faults 2 and 33, and the reaction to SIGTERM.
"""

import contextlib
import json
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from backend.core.work.programs import Program
from config.local.folders import CHECKOUT
from config.local.redis import LocalRedis
from tests.faults.conftest import Migrated, Scene, make_stack
from tests.faults.container_process import SECRETS, ContainerProcess, check_lines
from tests.patience import HANG_S, Stopwatch, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

# Simulates a kernel that refuses hard links, as some sandboxes do.
_NO_LINKS = """
import errno, os

def refuse(*_, **__):
    raise OSError(errno.EPERM, "hard links are refused here")

os.link = refuse
"""


@pytest.fixture
def open_container(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Callable[..., ContainerProcess]]:
    """Start containers, each with an empty database unless it gets another one."""
    opened: list[ContainerProcess] = []

    def start(name: str, **changes: str) -> ContainerProcess:
        database = changes.pop("DATABASE_URL", None) or new_database()
        container = ContainerProcess(name, tmp_path / f"{name}-{len(opened)}", DATABASE_URL=database, **changes)
        opened.append(container)
        return container.__enter__()

    yield start
    for container in opened:
        container.process.stop()


def supervisor_says(container: ContainerProcess, pattern: str) -> list[str]:
    """Return the pattern's group from supervisord's lines that match, in order."""
    return re.findall(pattern, container.output)


def broker_of(container: ContainerProcess, password: str | None) -> redis.Redis:
    """Return a client for the container's own Redis."""
    return redis.Redis(port=container.redis_port, password=password, socket_timeout=HANG_S, decode_responses=True)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_redis_starts_first_and_stops_last_and_log_lines_are_well_formed(open_container, log_format: str) -> None:
    api = open_container("api", LOG_FORMAT=log_format, LOG_LEVEL="DEBUG")
    wait_for("health", lambda: api.health() == "ok")
    api.process.ask_to_stop()
    assert api.process.wait(HANG_S) == 0
    lines = check_lines(api.output, "[API]", as_json=log_format == "json")
    assert {"redis.log", "supervisord.log", "gunicorn.error"} <= {
        found[1] for line in lines if (found := re.search(r'event(?:=|": ")([\w.]+)', line))
    }
    assert supervisor_says(api, r"spawned: '(redis|gunicorn)'") == ["redis", "gunicorn"]
    assert supervisor_says(api, r"stopped: (redis|gunicorn) ") == ["gunicorn", "redis"]
    assert not any(secret in api.output for secret in SECRETS.values())


def path_without(folder: Path, program: str) -> str:
    """Return a PATH on which Celery cannot run one of its programs."""
    own, broken = Path(sys.executable).parent, folder / f"broken-{program}"
    broken.mkdir()
    (broken / "celery").write_text(
        f"#!/bin/sh\ncase $* in *backend.worker.{program}*) echo 'no memory left' >&2; exit 1;; esac\n"
        f'exec {own}/celery "$@"\n'
    )
    (broken / "celery").chmod(0o755)
    return f"{broken}:{own}:{os.environ['PATH']}"


@pytest.fixture(scope="module")
def failing(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[dict[str, ContainerProcess]]:
    """Containers in which one program cannot run, by the program's name.

    All start at once, because supervisord's retries and pauses take most of the time.
    """
    folder = tmp_path_factory.mktemp("failing")
    with contextlib.ExitStack() as opened:
        taken = opened.enter_context(socket.create_server(("0.0.0.0", 0)))
        port = str(taken.getsockname()[1])
        broker = opened.enter_context(LocalRedis(log=folder / "redis.log"))
        started = {}
        for program, name, changes in (
            ("redis", "api", {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}),
            ("gunicorn", "api", {"PORT": port}),
            ("watchdog", "worker", {"WATCHDOG_PORT": port, "REDIS_URL": broker.url}),
            ("computing", "worker", {"PATH": path_without(folder, "computing"), "REDIS_URL": broker.url}),
            ("calling", "worker", {"PATH": path_without(folder, "calling"), "REDIS_URL": broker.url}),
        ):
            container = ContainerProcess(name, folder / program, DATABASE_URL=new_database(), **changes)
            started[program] = opened.enter_context(container)
        yield started


@pytest.mark.parametrize("program", ["redis", "gunicorn", "watchdog", "computing", "calling"])
def test_33_a_program_that_cannot_run_ends_the_container(failing: dict[str, ContainerProcess], program: str) -> None:
    container = failing[program]
    assert container.process.wait(HANG_S) == 1
    assert container.says(f"{program} cannot run: the container ends.")
    lines = check_lines(container.output, container.prefix)
    # The reason is logged too, for every program.
    assert program not in ("computing", "calling") or any("no memory left" in line for line in lines)


@pytest.mark.parametrize(("name", "prefix"), [("api", "[API]"), ("worker", "[WORKER]")])
def test_33_refused_settings_end_the_container_immediately(open_container, name: str, prefix: str) -> None:
    container = open_container(name, JWT_SECRET="short")
    assert container.process.wait(HANG_S) == 1
    assert container.says("JWT_SECRET is too short")
    assert not container.says("spawned")
    check_lines(container.output, prefix)


def test_an_external_broker_means_no_redis_is_started(open_container, tmp_path: Path) -> None:
    # Another name for this machine, which does not stand for the container itself.
    with LocalRedis(log=tmp_path / "redis.log", options={"bind": "127.0.0.1 127.0.0.2"}) as broker:
        api = open_container("api", REDIS_URL=broker.url.replace("127.0.0.1", "127.0.0.2"))
        wait_for("health", lambda: api.health() == "ok")
        assert not any("redis" in process.name() or "valkey" in process.name() for process in api.processes())
        assert supervisor_says(api, r"spawned: '(redis|gunicorn)'") == ["gunicorn"]
        api.process.ask_to_stop()
        assert api.process.wait(HANG_S) == 0


@pytest.fixture
def no_links(tmp_path: Path) -> dict[str, str]:
    """Variables under which no process can make a hard link."""
    folder = tmp_path / "no-links"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_NO_LINKS)
    return {"PYTHONPATH": str(folder)}


def test_everything_starts_where_hard_links_are_refused(open_container, no_links: dict[str, str]) -> None:
    api = open_container("api", **no_links)
    wait_for("health of the API", lambda: api.health() == "ok")
    worker = open_container("worker", REDIS_URL=f"redis://127.0.0.1:{api.redis_port}/0", **no_links)
    for program in Program:
        wait_for("the worker's first signs of life", (worker.temporary / "worker" / program / "worker.json").exists)
    # The watchdog starts to listen shortly before or after Celery's first heartbeat.
    wait_for("the worker's liveness", lambda: worker.get("/health/live")[0] == 200)
    for container in (worker, api):
        container.process.ask_to_stop()
        assert container.process.wait(HANG_S) == 0


def test_a_supervisor_socket_would_prevent_the_start(open_container, no_links, tmp_path: Path) -> None:
    config = tmp_path / "supervisor.conf"
    socket_section = f"\n[unix_http_server]\nfile = {tmp_path}/supervisor.sock\n"
    config.write_text((CHECKOUT / "config/supervisor-api.conf").read_text() + socket_section)
    api = open_container("api", config=config, **no_links)
    # It retries and does nothing else.
    wait_for("tries", lambda: api.output.count("Unlinking stale socket") >= 5)
    assert not api.says("spawned")


def test_redis_requires_the_password_and_never_drops_queued_messages(open_container) -> None:
    canary = "canary/qT8wE3rY6uI1oP9aS4dF7gH2"
    # With characters that are special in shells and in supervisord's and Redis's configurations.
    password = f"{canary} \"'\\ %(ENV_PATH)s $HOME #é"
    api = open_container("api", REDIS_PASSWORD=password)
    wait_for("health", lambda: api.health() == "ok")
    with broker_of(api, None) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with broker_of(api, password) as broker:
        wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "save": ""}
        assert broker.config_get(*wanted) == wanted
        assert int(broker.config_get("maxmemory")["maxmemory"]) > 0
        broker.lpush("kept", "x")
    secrets = [*SECRETS.values(), canary]
    for process in api.processes():
        assert not any(secret in " ".join(process.cmdline()) for secret in secrets)
    files = [file for file in api.temporary.rglob("*") if file.is_file()]
    assert any(file.suffix == ".aof" for file in files)
    for file in files:
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), file
    assert canary not in api.output


def test_a_killed_redis_comes_back_with_its_queue(open_container) -> None:
    api = open_container("api")
    wait_for("health", lambda: api.health() == "ok")
    with broker_of(api, SECRETS["REDIS_PASSWORD"]) as broker:
        broker.lpush("kept", "x")
        (server,) = [process for process in api.processes() if process.pid == broker.info("server")["process_id"]]
        server.kill()

        def kept() -> bool:
            try:
                return broker.lrange("kept", 0, -1) == ["x"]
            except redis.ConnectionError:
                return False

        wait_for("Redis", kept)
    wait_for("health", lambda: api.health() == "ok")


def test_2_a_killed_celery_is_started_again_and_its_steps_are_resumed(
    open_container,
    tmp_path: Path,
    new_database: Callable[[], str],
    record_property: Callable[[str, object], None],
) -> None:
    database = Migrated(new_database())
    with OpenAIStandIn() as model, make_stack(model, tmp_path / "logs", database, workers=0) as stack:
        shared = ("DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "SECTION_CHARS", "LEASE_S")
        worker = open_container("worker", **{name: stack.env[name] for name in shared})
        beat = worker.temporary / "worker" / "computing" / "worker.json"
        wait_for("Celery", beat.exists)
        scene = Scene(stack, model)
        model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 20}])
        run = scene.start_run(scene.upload(tmp_path, 2), flashcards=6, questions=2)
        scene.wait_for_call(2)
        killed = psutil.Process(int(json.loads(beat.read_text())["pid"]))
        killed.kill()
        watch = Stopwatch()
        wait_for("another Celery", lambda: int(json.loads(beat.read_text())["pid"]) != killed.pid)
        # Measured: 5 s on two shared cores, of which supervisord waits one. The test sets no limit.
        record_property("celery_back_after_s", watch.took_s)
        scene.check_done_once(run)
        assert max(scene.attempts(run)) == 2
        worker.process.ask_to_stop()
        assert worker.process.wait(HANG_S) == 0
    check_lines(worker.output, "[WORKER]")
