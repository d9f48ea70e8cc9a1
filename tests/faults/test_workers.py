"""Workers are killed, frozen or stopped: every step is done exactly once (faults 1 to 4, 13 and 36)."""

import contextlib
import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.local.client import ApiClient
from config.local.redis import LocalRedis
from tests.faults.conftest import Scene
from tests.faults.work import Work
from tests.patience import HANG_S, wait_for

pytestmark = pytest.mark.faults


def test_1_a_killed_pool_process_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 8}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=6, questions=2)
    scene.busy_child().kill()
    scene.check_done_once(run)
    assert max(scene.attempts(run)) == 2


def test_2_a_killed_worker_is_resumed_by_the_next(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 8}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=6, questions=2)
    scene.wait_for_call(2)
    scene.stack.kill_worker("worker-1")
    scene.stack.start_worker("worker-1")
    scene.check_done_once(run)
    assert max(scene.attempts(run)) == 2


@pytest.fixture
def poison(scene: Scene) -> Iterator[list[int]]:
    """Kill every process that asks the model about page 2 of a document. Yields the process ids."""
    killed: list[int] = []
    over = threading.Event()

    def kill_caller(port: int) -> None:
        for pid in scene.stack.pool_pids("worker-1"):
            process = psutil.Process(pid)
            if any(connection.laddr.port == port for connection in process.net_connections()):
                process.kill()
                ports.add(port)
                killed.append(pid)
                return

    def watch() -> None:
        while not over.wait(0.02):
            for call in scene.model.calls:
                if "at_out" not in call and call["pages"] == [2] and call["client_port"] not in ports:
                    # A pool process may end between being listed and being inspected.
                    with contextlib.suppress(psutil.NoSuchProcess):
                        kill_caller(call["client_port"])

    ports: set[int] = set()
    scene.model.set_script(
        # Killed long before the model responds about this page.
        [{"do": "sleep", "seconds": 30, "contains": 'page number="2"'}, {"do": "sleep", "seconds": 1}]
    )
    thread = threading.Thread(target=watch)
    thread.start()
    yield killed
    over.set()
    thread.join()


def test_3_a_step_that_always_kills_its_process_is_given_up(scene: Scene, tmp_path: Path, poison: list[int]) -> None:
    run = scene.start_run(scene.upload(tmp_path, 3), flashcards=9, questions=0)
    view = scene.wait_until_ended(run)
    assert view["state"] == "done"
    steps = scene.query(
        "SELECT first_page, state, error_code, failures FROM steps WHERE run_id = %s AND kind = 'section'", run
    )
    poisoned = [row for row in steps if row[0] == 2]
    assert poisoned
    assert {row[1:] for row in poisoned} == {("failed", "worker_lost", 3)}
    assert {row[1] for row in steps if row[0] != 2} == {"done"}
    assert view["failed_sections"] == len(poisoned)
    assert len(killed_by_step(poison)) == 3 * len(poisoned)
    receipt = scene.api.get(f"/runs/{run}/receipt")
    assert "worker_lost" in {entry["reason"] for entry in receipt["documents"][0]["skipped"]}


def killed_by_step(pids: list[int]) -> list[int]:
    """Return the killed processes, which must all be different."""
    assert len(pids) == len(set(pids))
    return pids


def test_4_a_stopping_worker_finishes_a_short_step(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 1.5}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
    scene.wait_for_call()
    assert scene.stack.stop_worker("worker-1") == 0
    assert scene.query("SELECT count(*) FROM model_calls WHERE run_id = %s AND outcome = 'ok'", run) == [(1,)]
    scene.stack.start_worker("worker-1")
    scene.check_done_once(run)
    assert scene.attempts(run) == [1]


def test_4_a_stopping_worker_hands_a_long_step_back(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 30}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=0)
    scene.wait_for_call()
    assert scene.stack.stop_worker("worker-1") == 0
    ((state, failures),) = scene.query("SELECT state, failures FROM steps WHERE run_id = %s AND kind = 'section'", run)
    assert (state, failures) == ("queued", 0)
    scene.stack.start_worker("worker-1")
    scene.check_done_once(run)
    assert scene.attempts(run) == [2]


def test_4_a_stopping_worker_whose_broker_is_gone_hands_its_steps_back(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1, 2], "seconds": 30}])
    run = scene.start_run(scene.upload(tmp_path, 2), flashcards=4, questions=0)
    scene.wait_for_call(2)
    redis = scene.stack.redis
    assert isinstance(redis, LocalRedis)
    redis.kill()
    try:
        # As when both containers stop at once, and the API's, which holds Redis, is faster.
        # Celery may then exit with 1 because it lost the broker, but must not be killed for taking too long.
        assert scene.stack.stop_worker("worker-1") in (0, 1)
        steps = scene.query("SELECT state, failures FROM steps WHERE run_id = %s AND kind = 'section'", run)
        assert set(steps) == {("queued", 0)}
    finally:
        redis.start()
    scene.stack.start_worker("worker-1")
    scene.check_done_once(run)


def test_13_a_worker_that_outlived_its_lease_cannot_write(scene: Scene, tmp_path: Path) -> None:
    # Frozen long before the response, and thawed long after.
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 4}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=3, questions=0)
    zombie = scene.busy_child()
    zombie.send_signal(signal.SIGSTOP)
    try:
        scene.check_done_once(run)
    finally:
        zombie.send_signal(signal.SIGCONT)
    cards = scene.query("SELECT count(*) FROM flashcards WHERE run_id = %s", run)
    wait_for("the zombie's way out", lambda: "lease_lost" in (scene.stack.logs / "worker-1.log").read_text())
    assert scene.query("SELECT count(*) FROM flashcards WHERE run_id = %s", run) == cards
    assert max(scene.attempts(run)) == 2


def test_36_an_account_deleted_with_a_run_in_progress_stays_deleted(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "hold", "on": [1]}])
    leaving = Work(ApiClient(scene.stack.api_url), scene.database_url, scene.model)
    leaving.api.sign_in("leaving@example.org")
    study_set = leaving.upload(tmp_path, 1)
    run = leaving.start_run(study_set, flashcards=3, questions=0)
    scene.wait_for_call()
    ((user_id,),) = scene.query("SELECT user_id FROM runs WHERE id = %s", run)
    log = scene.stack.logs / "worker-1.log"
    lost = log.read_text().count("lease_lost")
    leave = urllib.request.Request(
        f"{scene.stack.api_url}/users/me?confirm=erase-everything",
        method="DELETE",
        headers={"Authorization": f"Bearer {leaving.api.token}"},
    )
    with urllib.request.urlopen(leave, timeout=HANG_S) as answer:
        assert answer.status == 202
    wait_for("the erasure", lambda: scene.query("SELECT 1 FROM users WHERE id = %s AND erased_at IS NOT NULL", user_id))
    # The worker still waits for the model, for a user whose account is deleted.
    assert "at_out" not in scene.model.calls[0]
    scene.model.release()
    wait_for("the way out of the step", lambda: log.read_text().count("lease_lost") > lost)
    wait_for("the response that is no longer needed", lambda: "at_out" in scene.model.calls[0])
    # Signing in with the same address creates a new user, whose work is done as usual.
    leaving.api.sign_in("leaving@example.org")
    next_run = leaving.start_run(leaving.upload(tmp_path, 1), flashcards=3, questions=0)
    leaving.check_done_once(next_run)
    ((made,),) = scene.query("SELECT sum(requests) FROM model_calls WHERE run_id = %s", next_run)
    assert len(scene.model.calls) == 1 + made
    # The call for the deleted run was paid for, so it is kept under a pseudonym.
    assert scene.query("SELECT requests, charged_credits FROM model_calls WHERE run_id = %s", run) == [(1, 0)]
    kept = "('users', 'model_calls')"
    tables = scene.query(f"SELECT relid::regclass::text FROM pg_stat_user_tables WHERE relname NOT IN {kept}")
    for (table,) in tables:
        theirs = f"SELECT 1 FROM {table} t WHERE t::text ~ %s"
        assert scene.query(theirs, f"{user_id}|{study_set}|{run}") == [], table
