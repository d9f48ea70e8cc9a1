"""The whole system on this machine: started, broken, repaired, and removed without a trace."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.local import folders
from config.local.client import ApiClient
from config.local.postgres import LocalPostgres
from config.local.process import LocalStackError
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.local.processes import are_gone, family_of, start_script
from tests.patience import HANG_S, wait_for


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with its own servers and one worker."""
    logs = tmp_path_factory.mktemp("logs")
    env = {"ENVIRONMENT": "development", "LOG_LEVEL": "INFO", "CELERY_CONCURRENCY": "1", "GUNICORN_WORKERS": "1"}
    own = LocalStack(env=env, logs=logs, postgres=LocalPostgres(), redis=LocalRedis())
    with own:
        yield own


def _health(stack: LocalStack) -> str:
    return str(ApiClient(stack.api_url).get("/health")["status"])


def test_it_serves_signed_in_users(stack: LocalStack) -> None:
    api = ApiClient(stack.api_url)
    api.sign_in("student@example.org")
    made = api.post("/study-sets", {"title": "Botany"})
    assert [each["id"] for each in api.items("/study-sets")] == [made["id"]]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README uses curl to sign in")
def test_the_readme_shows_how_to_sign_in_without_a_browser(stack: LocalStack, tmp_path: Path) -> None:
    readme = (folders.CHECKOUT / "README.md").read_text()
    section = re.search(r"^## Signing in$.*?^```sh\n(.*?)^```$", readme, re.M | re.S)
    field = re.search(r"^field\(\) .*\n", readme, re.M)
    assert section, "README.md does not tell how to sign in."
    assert field, "README.md does not say what field is."
    # An API error ends curl.
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"API={stack.api_url}\n{field[0]}{section[1]}"],
        env={**os.environ, "CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert '"is_current":true' in done.stdout
    assert '"key":"hts_' in done.stdout


def test_every_part_runs_and_logs(stack: LocalStack) -> None:
    stack.wait_for_worker("worker-1")
    stack.check()
    assert list(stack.worker_pids) == ["worker-1"]
    assert len(stack.pool_pids("worker-1")) == 1
    assert stack.program_pids("worker-1") == [stack.worker_pids["worker-1"], stack.part("worker-1-calls").pid]
    logs = {file.name for file in stack.logs.iterdir()}
    assert logs >= {"api.log", "worker-1.log", "worker-1-calls.log", "sweeper.log"}


def test_the_api_listens_on_the_loopback_interface_only(stack: LocalStack) -> None:
    connections = psutil.Process(stack.part("api").pid).net_connections()
    assert {(c.laddr.ip, c.laddr.port) for c in connections if c.status == "LISTEN"} == {("127.0.0.1", stack.port)}


def test_a_worker_is_added_killed_and_started_again(stack: LocalStack) -> None:
    stack.start_worker("second")
    family = [process for pid in stack.program_pids("second") for process in family_of(pid)]
    with pytest.raises(LocalStackError, match="There is a second already"):
        stack.start_worker("second")
    stack.kill_worker("second")
    assert are_gone(family)
    assert "second" not in stack.worker_pids
    stack.check()
    stack.start_worker("second")
    assert stack.stop_worker("second") == 0
    stack.check()


def test_a_part_that_ends_by_itself_is_reported(stack: LocalStack) -> None:
    stack.part("sweeper").kill()
    with pytest.raises(LocalStackError, match="sweeper ended with code 137"):
        stack.check()
    stack.restart("sweeper")
    stack.check()


def test_an_unreachable_redis_is_reported_and_survived(stack: LocalStack) -> None:
    assert isinstance(stack.redis, LocalRedis)
    stack.redis.kill()
    with pytest.raises(LocalStackError, match="Redis has ended"):
        stack.check()
    # Health caches its observations for a second.
    wait_for("health", lambda: _health(stack) == "degraded")
    stack.redis.start()
    stack.wait_until_healthy()
    assert _health(stack) == "ok"


def test_the_api_is_restarted_on_its_port(stack: LocalStack) -> None:
    before = stack.part("api").pid
    stack.restart("api")
    assert stack.part("api").pid != before
    assert _health(stack) == "ok"


def test_an_unknown_part_is_reported(stack: LocalStack) -> None:
    with pytest.raises(LocalStackError, match="no “third”"):
        stack.part("third")


def test_a_failed_start_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    server = LocalPostgres()
    stack = LocalStack(env={"LEASE_S": "never"}, logs=tmp_path, workers=0, postgres=server, redis=LocalRedis())
    with pytest.raises(LocalStackError, match=r"(?s)could not be brought up to date.*LEASE_S"):
        stack.start()
    assert not server.running


def _is_worker(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return "celery" in command and command[1] == "-m"


Running = tuple["subprocess.Popen[str]", list[str]]


@pytest.fixture
def running() -> Iterator[Running]:
    """``make run`` with its own data, up to the line with its URL; and the lines until then."""
    port = folders.free_port()
    name = f"test-run-{port}"
    env = {"PORT": str(port), "DATABASE_URL": "", "REDIS_URL": "", "ENVIRONMENT": "development", "LOG_LEVEL": "INFO"}
    process = start_script(f"import sys; from config.local.run import main; sys.exit(main({name!r}))", **env)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or (lines[-1] and not lines[-1].startswith("run")):
        lines.append(process.stdout.readline())
    # Later output must not fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    yield process, lines
    process.kill()
    process.wait()
    for home in (folders.LOCAL, Path("/var/tmp")):
        for folder in home.glob(f"*{name}-*"):
            folders.remove(folder)
    for kind in ("lock", "database"):
        (folders.LOCAL / f"{name}.{kind}").unlink(missing_ok=True)


def make_admin(name: str) -> "subprocess.CompletedProcess[str]":
    """Run ``make admin`` for an unknown user, on the data with this name."""
    script = f"import sys; from config.local.admin import main; sys.exit(main(['--', 'nobody'], {name!r}))"
    env = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "", "ENVIRONMENT": "development"}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=False, cwd=folders.CHECKOUT, env=env, capture_output=True, text=True)


def test_make_run_ends_with_ctrl_c(running: Running) -> None:
    process, lines = running
    assert "The API is at http://localhost:" in lines[-1]
    name = process.args[-1].split("'")[1]
    assert "No user has this id" in make_admin(name).stderr
    family = family_of(process.pid)
    assert len(family) > 10
    process.send_signal(signal.SIGINT)
    assert process.wait(HANG_S) == 0
    assert are_gone(family)
    assert "make run is not running" in make_admin(name).stderr


def test_make_run_fails_when_a_process_ends(running: Running) -> None:
    process, _ = running
    family = family_of(process.pid)
    worker = next(process for process in family if _is_worker(process))
    worker.kill()
    assert process.wait(HANG_S) == 1
    wait_for("the end", lambda: are_gone(family))
