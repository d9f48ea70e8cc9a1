"""The watchdog restarts a worker that hangs, even when other parts are unreachable (faults 1, 2, 32, 33)."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from celery import Celery

from config.local.folders import CHECKOUT
from tests.faults.supervised import SupervisedWorker, Unattended, another, main_of, unattended
from tests.faults.work import freeze
from tests.patience import HANG_S, wait_for

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unattended]:
    """The system without worker and sweep: each test adds its own, with a watchdog."""
    with unattended(tmp_path_factory.mktemp("logs")) as scene:
        yield scene


@pytest.fixture
def worker(scene: Unattended, tmp_path: Path) -> Iterator[SupervisedWorker]:
    """A worker with its watchdog, after the first canary has come back."""
    with SupervisedWorker(scene.stack, tmp_path / "worker", scene.silence_s) as worker:
        worker.wait_until_steady()
        yield worker


def test_32_a_frozen_worker_is_restarted_and_its_steps_resumed(
    scene: Unattended, worker: SupervisedWorker, tmp_path: Path
) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 40}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=6, questions=2)
    scene.wait_for_call(2)
    main = main_of(worker)
    freeze(main)
    another(worker, main)
    scene.check_done_once(run)
    (line,) = worker.events("restarting")
    assert "reason=heartbeat" in line
    assert f"{main.pid}:T:" in worker.events("processes")[0]
    assert "Current thread" in worker.log("computing")
    assert scene.query("SELECT restart_reason FROM workers WHERE restart_reason IS NOT NULL") == [("heartbeat",)]


def test_1_and_32_a_frozen_pool_process_is_ended_and_its_step_resumed(
    scene: Unattended, worker: SupervisedWorker, tmp_path: Path
) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 20}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=3, questions=0)
    main = main_of(worker)
    stuck = scene.busy_child(worker.pool)
    freeze(stuck)
    scene.check_done_once(run)
    wait_for("the end of the stuck process", lambda: not stuck.is_running())
    wait_for("a full pool", lambda: len(worker.pool()) == 2)
    assert worker.main() == main
    assert worker.events("restarting") == []


def test_2_a_killed_worker_is_started_by_its_supervisor(
    scene: Unattended, worker: SupervisedWorker, tmp_path: Path
) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 20}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=6, questions=2)
    scene.wait_for_call(2)
    main = main_of(worker)
    main.kill()
    another(worker, main)
    scene.check_done_once(run)
    assert worker.events("restarting") == []


def test_a_worker_that_takes_no_messages_is_restarted(
    scene: Unattended, worker: SupervisedWorker, tmp_path: Path
) -> None:
    main = main_of(worker)
    name = worker.computing.heartbeat()["name"]
    with Celery(broker=scene.stack.redis.url) as remote:
        # It stays connected and its loop runs, but it no longer takes messages.
        for queue in ("steps", f"canary.{name}"):
            assert remote.control.cancel_consumer(queue, reply=True, timeout=HANG_S)
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
    another(worker, main)
    scene.check_done_once(run)
    (line,) = worker.events("restarting")
    assert "reason=canary" in line


def test_32_a_frozen_worker_is_restarted_without_a_database(scene: Unattended, worker: SupervisedWorker) -> None:
    main = main_of(worker)
    with scene.frozen_database():
        freeze(main)
        another(worker, main)
    assert "reason=heartbeat" in worker.events("restarting")[0]


def test_32_a_frozen_calling_program_is_restarted_alone(worker: SupervisedWorker) -> None:
    computing, calling = main_of(worker.computing), main_of(worker.calling)
    freeze(calling)
    another(worker.calling, calling)
    assert worker.computing.main() == computing
    (line,) = worker.events("restarting")
    assert "program=calling" in line


def test_33_a_worker_that_restarts_do_not_fix_ends_the_container(scene: Unattended, tmp_path: Path) -> None:
    ended = (
        "import signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(3)); print(flush=True); signal.pause()"
    )
    container = subprocess.Popen([sys.executable, "-c", ended], stdout=subprocess.PIPE)
    assert container.stdout is not None
    container.stdout.readline()
    changes = {"CONTAINER_PID": str(container.pid), "WATCHDOG_RESTARTS": "1", "WATCHDOG_PAUSE_S": "0.5"}
    try:
        with SupervisedWorker(scene.stack, tmp_path / "worker", scene.silence_s, **changes) as worker:
            wait_for("a canary", worker.canary)
            frozen: set[int] = set()

            def freeze_until_it_ends() -> bool:
                main = worker.main()
                if main is not None and main.pid not in frozen and (worker.canary() or 0.0) > 0.0:
                    frozen.add(main.pid)
                    with contextlib.suppress(psutil.NoSuchProcess):
                        freeze(main)
                return container.poll() is not None

            wait_for("the end of the container", freeze_until_it_ends)
            assert container.poll() == 3
            assert len(worker.events("restarting")) == 1
            assert "reason=heartbeat" in worker.events("gave_up")[0]
    finally:
        container.kill()
        container.wait()


def run_watchdog(scene: Unattended, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**scene.stack.env, **changes}
    command = [sys.executable, "-m", "backend.cli", "watchdog"]
    return subprocess.run(command, env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=HANG_S)


def test_33_a_watchdog_ends_if_its_port_is_taken(scene: Unattended, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_watchdog(scene, WATCHDOG_PORT=port, WORKER_STATE_FOLDER=str(tmp_path))
    assert done.returncode == 1
    assert f"WATCHDOG_PORT {port} cannot be listened on" in done.stderr.splitlines()[-1]


def test_33_a_watchdog_ends_without_a_folder(scene: Unattended) -> None:
    done = run_watchdog(scene)
    assert done.returncode == 1
    assert "WORKER_STATE_FOLDER is missing" in done.stderr.splitlines()[-1]
