"""What the watchdog observes of the world outside, in whatever state that is, and without waiting long for it."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask

from backend.core.database.transaction import transaction
from backend.core.work.programs import Program
from backend.core.work.queue import canary_queue, queue, send_canary
from backend.core.work.workers import count_places_of_programs
from backend.operations.watchdog import heartbeat
from backend.operations.watchdog.heartbeat import CANARY_TASK
from backend.operations.watchdog.observation import Observation, Observer
from backend.operations.watchdog.processes import this_process
from backend.settings import Settings
from config.local.redis import LocalRedis
from tests.patience import promised


@contextlib.contextmanager
def broker_at(url: str, settings: Settings) -> Iterator[redis.Redis]:
    """Send to another broker inside the block."""
    queue.conf.broker_url = url
    # The pool of connections hangs on this cached part of the Celery app.
    vars(queue).pop("amqp", None)
    try:
        with redis.Redis.from_url(url) as client:
            yield client
    finally:
        queue.conf.broker_url = settings.redis_url
        vars(queue).pop("amqp", None)


@pytest.fixture
def server(app: Flask, settings: Settings) -> Iterator[LocalRedis]:
    """A broker of the test's own."""
    with LocalRedis() as server:
        yield server


@pytest.fixture
def broker(server: LocalRedis, settings: Settings) -> Iterator[redis.Redis]:
    """The broker that is sent to, and a client of it."""
    with broker_at(server.url, settings) as client:
        yield client


def write_main(folder: Path, name: str = "w") -> None:
    """Write what a worker writes. Its main process is the one that runs this test."""
    assert heartbeat.write(folder, heartbeat.MAIN, name=name, places=2)


@pytest.fixture
def observer(app: Flask, tmp_path: Path) -> Observer:
    """Observes this process as a worker. A canary is due at every look, because a silence is next to nothing."""
    write_main(tmp_path)
    return Observer(app, Program.CALLING, tmp_path, 1e-6)


def waiting(broker: redis.Redis, name: str = "w") -> list[str]:
    messages = broker.lrange(canary_queue(name).name, 0, -1)
    return [json.loads(message)["headers"]["argsrepr"] for message in messages]


def test_one_canary_waits_at_most_and_not_forever(broker: redis.Redis) -> None:
    assert send_canary(CANARY_TASK, "w", "first", life_s=5)
    assert send_canary(CANARY_TASK, "w", "second", life_s=5)
    assert waiting(broker) == ["['second']"]
    assert 0 < broker.ttl(canary_queue("w").name) <= 6
    assert all(broker.ttl(key) > 0 for key in broker.keys("canary*"))


def test_a_full_broker_is_as_good_as_none(observer: Observer, broker: redis.Redis) -> None:
    assert observer.observe().broker_ok is True
    broker.config_set("maxmemory", "1")
    assert observer.observe().broker_ok is False
    assert waiting(broker) == []


def test_a_look_sees_a_worker_that_is_well(observer: Observer, broker: redis.Redis, tmp_path: Path, app: Flask) -> None:
    seen = observer.observe()
    assert seen.worker is not None
    assert (seen.worker.name, seen.worker.places) == ("w", 2)
    assert (seen.folder_ok, seen.broker_ok, seen.leases_lost, seen.leases_held) == (True, True, 0, 0)
    assert seen.canary_at is None
    assert len(waiting(broker)) == 1
    assert heartbeat.write(tmp_path, heartbeat.CANARY)
    canary_at = observer.observe().canary_at
    assert canary_at is not None
    assert seen.now < canary_at < time.monotonic()
    with app.app_context(), transaction():
        assert count_places_of_programs() == {Program.COMPUTING: 0, Program.CALLING: 2}


def test_canaries_are_few(app: Flask, broker: redis.Redis, tmp_path: Path) -> None:
    write_main(tmp_path)
    observer = Observer(app, Program.COMPUTING, tmp_path, 3600)
    observer.observe()
    (first,) = waiting(broker)
    observer.observe()
    assert waiting(broker) == [first]


def test_another_worker_is_sent_canaries_of_its_own(observer: Observer, broker: redis.Redis, tmp_path: Path) -> None:
    observer.observe()
    write_main(tmp_path, "next")
    observer.observe()
    assert len(waiting(broker, "next")) == 1


def test_an_emptied_broker_is_given_another_canary(observer: Observer, broker: redis.Redis) -> None:
    observer.observe()
    broker.flushall()
    assert observer.observe().broker_ok is True
    assert len(waiting(broker)) == 1


def test_a_frozen_broker_costs_a_look_little(observer: Observer, server: LocalRedis, broker: redis.Redis) -> None:
    observer.observe()
    server.freeze()
    try:
        # Three looks; each waits half a second for the broker, a few times.
        with promised("three looks", 15):
            seen = [observer.observe() for _ in range(3)]
    finally:
        server.thaw()
    assert {look.broker_ok for look in seen} == {False}
    assert {look.leases_lost for look in seen} == {0}


def test_a_process_that_is_gone_is_not_the_worker(observer: Observer, broker: redis.Redis, tmp_path: Path) -> None:
    # The same number, born at another time: it was given to another process.
    assert heartbeat.write(tmp_path, heartbeat.MAIN, name="w", places=2, born=this_process().born + 1)
    assert observer.observe().worker is None
    (tmp_path / heartbeat.MAIN).write_text("{half a lin")
    seen: Observation = observer.observe()
    assert (seen.worker, seen.broker_ok, seen.leases_lost) == (None, True, None)


def test_heartbeats_of_processes_that_are_gone_are_deleted(
    observer: Observer, broker: redis.Redis, tmp_path: Path
) -> None:
    (tmp_path / "child-999999999.json").write_text("{}")
    assert list(observer.observe().pool) == []
    assert list(tmp_path.glob("child-*")) == []


def test_a_folder_that_cannot_be_written_to_is_noticed(app: Flask, broker: redis.Redis, tmp_path: Path) -> None:
    assert heartbeat.write(tmp_path, "watchdog.json") is True
    # Root may write to any folder, but not to a file as if it were one.
    blocked = tmp_path / "watchdog.json"
    assert Observer(app, Program.COMPUTING, blocked, 60).observe().folder_ok is False
    assert list(tmp_path.glob(".*")) == []
