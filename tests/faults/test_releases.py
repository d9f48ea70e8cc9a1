"""Two releases run at once, as during each deployment: no unknown task, nothing done twice (fault 35).

The previous release comes from the git history and runs on today's schema: migrations run before the containers are
replaced, so the old code must work with the new schema.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis as redis_client
from celery import Celery

from config.local.folders import CHECKOUT
from config.local.stack import API, SWEEPER, LocalStack
from tests.faults.conftest import Migrated, Scene, make_stack
from tests.faults.releases import unpack_previous_release
from tests.faults.supervised import SupervisedWorker
from tests.patience import wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

OLD_WORKER, NEW_WORKER = "worker-1", "worker-new"
# Longer than a test: this watchdog sweeps and does not judge.
SILENCE_S = 300.0
# Celery logs this for a task that it does not know.
UNKNOWN = "unregistered task"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the previous release."""
    return unpack_previous_release(tmp_path_factory.mktemp("old"))


@pytest.fixture
def open_scene(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Callable[..., Scene]]:
    """Start a system in which some parts run other code."""
    opened: list[LocalStack] = []
    with OpenAIStandIn() as model:

        def start(code: dict[str, Path], *, workers: int = 1, sweeper: bool = True) -> Scene:
            database = Migrated(new_database())
            stack = make_stack(model, tmp_path / "logs", database, workers=workers, sweeper=sweeper, code=code)
            opened.append(stack)
            stack.start()
            for name in stack.worker_pids:
                stack.wait_for_worker(name)
            return Scene(stack, model)

        yield start
        for stack in opened:
            stack.close()


def check_whole_run(scene: Scene, tmp: Path) -> None:
    """Have a document read and a run made; check that each step was done once."""
    study_set = scene.upload(tmp, 3)
    # Otherwise the worker that read the document would send the run's first step, not the API.
    scene.wait_until_read(study_set)
    scene.check_done_once(scene.start_run(study_set, flashcards=9, questions=3))


def check_knows_every_task(log: str) -> None:
    """Check the log of a worker that has done work."""
    assert "generation.step" in log
    assert UNKNOWN not in log


def log_of(scene: Scene, name: str) -> str:
    """Return the log of a part of the system."""
    return (scene.stack.logs / f"{name}.log").read_text()


def test_35_a_new_api_with_an_old_worker(open_scene, old: Path, tmp_path: Path) -> None:
    scene = open_scene({OLD_WORKER: old, SWEEPER: old})
    check_whole_run(scene, tmp_path)
    check_knows_every_task(log_of(scene, OLD_WORKER))


def test_35_an_old_api_with_a_new_worker(open_scene, old: Path, tmp_path: Path) -> None:
    scene = open_scene({API: old})
    check_whole_run(scene, tmp_path)
    check_knows_every_task(log_of(scene, "worker-1"))


@pytest.mark.parametrize("forward", [True, False], ids=["to this release", "back to the one before"])
def test_35_a_run_survives_a_worker_of_another_release(open_scene, old: Path, tmp_path: Path, *, forward: bool) -> None:
    first, second = (old, CHECKOUT) if forward else (CHECKOUT, old)
    scene = open_scene({OLD_WORKER: first, NEW_WORKER: second})
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 30}])
    run = scene.start_run(scene.upload(tmp_path, 3), flashcards=9, questions=3)
    scene.wait_for_call(2)
    assert scene.stack.stop_worker(OLD_WORKER) == 0
    scene.stack.start_worker(NEW_WORKER)
    scene.stack.restart(API)
    scene.check_done_once(run)
    assert max(scene.attempts(run)) == 2
    check_knows_every_task(log_of(scene, NEW_WORKER))


@pytest.mark.parametrize("newer", [True, False], ids=["of this release", "of the one before"])
def test_35_a_watchdog_sweeps_for_a_worker_of_the_other_release(
    open_scene, old: Path, tmp_path: Path, *, newer: bool
) -> None:
    supervised_code, other_code = (CHECKOUT, old) if newer else (old, CHECKOUT)
    scene = open_scene({OLD_WORKER: other_code}, sweeper=False)
    with SupervisedWorker(scene.stack, tmp_path / "supervised", SILENCE_S, code=supervised_code) as worker:
        worker.wait_until_steady()
        scene.model.set_script([{"do": "sleep", "on": list(range(1, 7)), "seconds": 8}])
        run = scene.start_run(scene.upload(tmp_path, 6), flashcards=18, questions=6)
        scene.wait_for_call(6)
        names = {
            name for (name,) in scene.query("SELECT worker FROM steps WHERE run_id = %s AND state = 'running'", run)
        }
        assert len(names) == 2
        # Killed while holding steps, which only the watchdog's sweep can recover.
        scene.stack.kill_worker(OLD_WORKER)
        scene.check_done_once(run)
        assert max(scene.attempts(run)) == 2
        assert worker.events("restarting") == []
        check_knows_every_task(worker.log("computing"))


@pytest.mark.parametrize("release", ["this", "the one before"])
def test_35_an_unknown_task_is_dropped(
    open_scene, tmp_path: Path, request: pytest.FixtureRequest, release: str
) -> None:
    code = {} if release == "this" else {OLD_WORKER: request.getfixturevalue("old")}
    scene = open_scene(code)
    pid = scene.stack.worker_pids[OLD_WORKER]
    name = "study.task_of_another_release"
    with Celery(broker=scene.stack.redis.url) as sender:
        for _ in range(10):
            sender.send_task(name, args=[str(uuid4())], queue="steps")
    wait_for("lines about it", lambda: log_of(scene, OLD_WORKER).count(f"{UNKNOWN} of type '{name}'") == 10)
    check_whole_run(scene, tmp_path)
    assert scene.stack.worker_pids == {OLD_WORKER: pid}
    with redis_client.Redis.from_url(scene.stack.redis.url) as broker:
        # On a slow machine the sweep may have sent a message twice; it is taken shortly.
        wait_for("an empty queue", lambda: broker.llen("steps") == 0)
        wait_for("the last message's receipt", lambda: broker.hlen("unacked") == 0)
