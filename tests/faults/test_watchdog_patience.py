"""The watchdog leaves a worker alone that is busy, idle, or without broker or database.

It would act one silence and one check after seeing a fault; each test waits for two silences. The tests share one
worker, which must stay the same process from the first test to the last (faults 1 and 3).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.faults.supervised import SupervisedWorker, Unattended, main_of, unattended
from tests.patience import TEST_PATIENCE, pause, wait_for

pytestmark = pytest.mark.faults

TWO_SILENCES = "the watchdog would have acted by now"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unattended]:
    """The system without worker and sweep: the tests add one, with a watchdog."""
    with unattended(tmp_path_factory.mktemp("logs")) as scene:
        yield scene


def test_the_watchdog_waits_for_a_broker_that_is_not_up_yet(scene: Unattended, tmp_path: Path) -> None:
    scene.stack.redis.stop()
    with SupervisedWorker(scene.stack, tmp_path / "worker", scene.silence_s) as worker:
        main = main_of(worker)
        pause(2 * scene.silence_s, TWO_SILENCES)
        scene.stack.redis.start()
        wait_for("a canary", worker.canary)
        assert worker.main() == main
        assert worker.events("restarting") == []
        run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
        scene.check_done_once(run)


@pytest.fixture(scope="module")
def steady(standing: Unattended, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedWorker]:
    """A worker with its watchdog, after the first canary has come back."""
    with SupervisedWorker(standing.stack, tmp_path_factory.mktemp("worker"), standing.silence_s) as worker:
        worker.wait_until_steady()
        yield worker


@pytest.fixture
def worker(steady: SupervisedWorker) -> Iterator[SupervisedWorker]:
    """The shared worker; checked after each test to be the same process."""
    main = main_of(steady)
    yield steady
    assert steady.main() == main
    assert steady.events("restarting") == steady.events("ending_process") == []


def test_an_idle_worker_is_left_alone(scene: Unattended, worker: SupervisedWorker) -> None:
    pool = worker.pool()
    pause(2 * scene.silence_s, TWO_SILENCES)
    assert worker.pool() == pool
    status, body = worker.liveness()
    assert (status, body["status"], body["broker"]) == (200, "alive", "ok")
    assert worker.liveness("/")[0] == 404
    with Redis.from_url(scene.stack.redis.url) as broker:
        # Workers that come and go leave no message and no queue behind.
        assert all(b"canary" not in entry for entry in broker.smembers("_kombu.binding.steps"))
        assert all(broker.ttl(key) != -1 for key in broker.keys("canary*"))


def test_a_busy_worker_is_left_alone(scene: Unattended, worker: SupervisedWorker, tmp_path: Path) -> None:
    # Both pool processes are busy for longer than two silences, so no canary comes back.
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 2.5 * scene.silence_s / TEST_PATIENCE}])
    run = scene.start_run(scene.upload(tmp_path, 3), flashcards=9, questions=0)
    scene.check_done_once(run)
    assert set(scene.attempts(run)) == {1}


def test_1_a_killed_pool_process_causes_no_restart(scene: Unattended, worker: SupervisedWorker, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 20}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=3, questions=0)
    scene.busy_child(worker.pool).kill()
    scene.check_done_once(run)
    pause(2 * scene.silence_s, TWO_SILENCES)


def test_3_a_step_that_always_kills_its_process_causes_no_restart(
    scene: Unattended, worker: SupervisedWorker, tmp_path: Path
) -> None:
    scene.model.set_script([{"do": "sleep", "seconds": 30}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
    for _ in range(3):
        scene.busy_child(worker.pool).kill()
        scene.model.forget_calls()
    assert scene.wait_until_ended(run)["error"]["code"] == "worker_lost"
    pause(2 * scene.silence_s, TWO_SILENCES)


def test_a_frozen_broker_causes_no_restart(scene: Unattended, worker: SupervisedWorker) -> None:
    scene.stack.redis.freeze()
    try:
        pause(2 * scene.silence_s, TWO_SILENCES)
        assert worker.liveness()[0] == 200
    finally:
        scene.stack.redis.thaw()
    worker.wait_for_canary()
    pause(2 * scene.silence_s, TWO_SILENCES)


def test_a_frozen_database_causes_no_restart(scene: Unattended, worker: SupervisedWorker, tmp_path: Path) -> None:
    pool = worker.pool()
    with scene.frozen_database():
        pause(2 * scene.silence_s, TWO_SILENCES)
        status, body = worker.liveness()
        assert (status, body["leases_lost"]) == (200, None)
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
    scene.check_done_once(run)
    assert worker.pool() == pool
