"""Redis is killed, emptied or unreachable, and messages are lost or repeated (faults 6 to 9, 12 and 14)."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from config.local.redis import LocalRedis
from tests.faults.conftest import Scene
from tests.patience import Stopwatch, measure_promise, pause, wait_for

pytestmark = pytest.mark.faults

QUEUE = "steps"
# One second is required, and it takes a tenth; Celery's own retries would take over six.
WITHOUT_BROKER_S = 2.0
# After a failure nothing is sent for this long, which would look fast.
PAUSE_S = 2.0


def _message(
    *, headers: dict[str, Any] | None = None, body: str = "W1tdLCB7fSwge31d", encoding: str | None = "base64"
) -> str:
    """Return a message as Kombu puts it into a queue."""
    properties = {
        "delivery_tag": "tag",
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
        "body_encoding": encoding,
    }
    return json.dumps({"body": body, "headers": headers or {}, "properties": properties})


def own_redis(scene: Scene) -> LocalRedis:
    """Return the scene's Redis, which this module may break."""
    assert isinstance(scene.stack.redis, LocalRedis)
    return scene.stack.redis


def connect(scene: Scene) -> "redis.Redis":
    """Connect to the broker directly."""
    return redis.Redis.from_url(scene.stack.redis.url)


def test_6_a_broker_that_restarts_twenty_times_finds_the_worker_again(scene: Scene, tmp_path: Path) -> None:
    for _ in range(20):
        own_redis(scene).kill()
        own_redis(scene).start()
    scene.stack.check()
    scene.check_done_once(scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=1))


def test_7_a_broker_that_restarts_during_a_step_ends_it_once(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "on": [1], "seconds": 4}])
    run = scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=1)
    scene.wait_for_call()
    own_redis(scene).kill()
    own_redis(scene).start()
    scene.check_done_once(run)
    scene.stack.check()
    scene.check_done_once(scene.start_run(scene.upload(tmp_path, 1), flashcards=2, questions=1))


def test_8_an_emptied_broker_loses_no_queued_step(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "hold"}])
    run = scene.start_run(scene.upload(tmp_path, 24))
    scene.wait_for_call(4)
    ((queued,),) = scene.query("SELECT count(*) FROM steps WHERE run_id = %s AND state = 'queued'", run)
    assert queued >= 20
    with connect(scene) as broker:
        broker.flushall()
    scene.model.release()
    scene.check_done_once(run)


def test_9_a_run_started_without_a_broker_begins_when_it_is_back(scene: Scene, tmp_path: Path) -> None:
    study_set = scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    runs = []

    def start() -> float:
        if runs:
            pause(PAUSE_S + 0.5, "nothing is sent for a while after a failure")
        watch = Stopwatch()
        runs.append(scene.start_run(study_set, flashcards=2, questions=1))
        return watch.took_s

    own_redis(scene).kill()
    try:
        measure_promise("starting a run", start, WITHOUT_BROKER_S)
        wait_for("what health says", lambda: scene.api.get("/health")["broker"] == "down")
        assert scene.api.get("/health")["status"] == "degraded"
    finally:
        own_redis(scene).start()
    for run in runs:
        scene.check_done_once(run)


def test_12_a_message_delivered_five_times_is_one_call(scene: Scene, tmp_path: Path) -> None:
    scene.model.set_script([{"do": "sleep", "seconds": 1.5}])
    run = scene.start_run(scene.upload(tmp_path, 8), flashcards=16, questions=0)
    scene.wait_for_call(4)
    sections = "SELECT id FROM steps WHERE run_id = %s AND kind = 'section'"
    steps = [step for (step,) in scene.query(sections, run)]
    # Some are running, the others are queued: neither may start a second time.
    assert len(steps) > 4
    sender = Celery(broker=scene.stack.redis.url)
    for step in steps:
        for _ in range(4):
            sender.send_task("generation.work_step", args=[str(step)], queue=QUEUE)
    sender.close()
    scene.check_done_once(run)
    assert set(scene.attempts(run)) == {1}
    assert len([call for call in scene.model.calls if call["kind"] == "section"]) == len(steps)


def test_14_a_message_that_was_popped_and_lost_is_sent_again(scene: Scene, tmp_path: Path) -> None:
    study_set = scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    scene.stack.stop_worker("worker-1")
    try:
        run = scene.start_run(study_set, flashcards=2, questions=1)
        with connect(scene) as broker:
            wait_for("the message", lambda: broker.rpop(QUEUE))
    finally:
        scene.stack.start_worker("worker-1")
    scene.check_done_once(run)


GARBAGE = [
    "garbage",
    b"\xff\xfe",
    "[" * 100_000,
    "[]",
    "3",
    "null",
    "{}",
    '{"body": "", "headers": null, "properties": {}}',
    '{"body": "", "headers": {}, "properties": {"delivery_tag": {}, "delivery_info": {}}}',
    _message(headers={"task": ["library.read_document"]}),
    _message(body="%%%"),
    _message(encoding="rot13"),
    _message(body=""),
    _message(headers={"task": "library.no_such_task", "id": "a"}),
]


def test_a_message_that_is_none_does_not_end_the_worker(scene: Scene, tmp_path: Path) -> None:
    study_set = scene.upload(tmp_path, 1)
    scene.wait_until_read(study_set)
    worker = scene.stack.worker_pids["worker-1"]
    with connect(scene) as broker:
        for garbage in GARBAGE:
            broker.lpush(QUEUE, garbage)
        wait_for("the queue to be empty", lambda: broker.llen(QUEUE) == 0)
    run = scene.start_run(study_set, flashcards=2, questions=1)
    scene.check_done_once(run)
    assert scene.stack.worker_pids["worker-1"] == worker
