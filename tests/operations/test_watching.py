"""What the watchdog sees of the world outside, whatever state that is in, and without waiting long for it."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask

from backend.core.queue import canary_queue, is_canary_kept, queue, send_canary
from backend.core.transaction import transaction
from backend.core.workers import count_places
from backend.operations import heartbeat
from backend.operations.judging import Seen
from backend.operations.processes import find_process
from backend.operations.watching import CANARY_TASK, Eyes
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


def write_signs(folder: Path, name: str = "w") -> None:
    """Write what a worker writes; its main process is the one that runs this test."""
    process = find_process(os.getpid())
    assert process is not None
    beat = {"name": name, "pid": process.pid, "born": process.born, "places": 2, "at": time.monotonic()}
    (folder / "worker.json").write_text(json.dumps(beat))


@pytest.fixture
def eyes(app: Flask, settings: Settings, tmp_path: Path) -> Eyes:
    """The eyes of a watchdog whose worker is this process."""
    write_signs(tmp_path)
    return Eyes(tmp_path, settings, app.app_context)


def waiting(broker: redis.Redis, name: str = "w") -> list[str]:
    messages = broker.lrange(canary_queue(name).name, 0, -1)
    return [json.loads(message)["headers"]["argsrepr"] for message in messages]


def test_one_canary_waits_at_most_and_not_for_ever(broker: redis.Redis) -> None:
    assert send_canary(CANARY_TASK, "w", "first", life_s=60)
    assert send_canary(CANARY_TASK, "w", "second", life_s=60)
    assert waiting(broker) == ["['second']"]
    assert 0 < broker.ttl(canary_queue("w").name) <= 61
    assert all(broker.ttl(key) > 0 for key in broker.keys("canary*"))


def test_a_broker_that_was_emptied_has_not_kept_the_canary(broker: redis.Redis) -> None:
    assert send_canary(CANARY_TASK, "w", "first", life_s=60)
    assert is_canary_kept("w", "first") is True
    assert is_canary_kept("w", "other") is False
    broker.flushall()
    assert is_canary_kept("w", "first") is False


def test_a_full_broker_is_as_good_as_none(broker: redis.Redis) -> None:
    assert send_canary(CANARY_TASK, "w", "first", life_s=60)
    broker.config_set("maxmemory", "1")
    assert is_canary_kept("w", "first") is None
    assert send_canary(CANARY_TASK, "w", "second", life_s=60) is False
    broker.config_set("maxmemory", "0")
    assert is_canary_kept("w", "second") is False


def test_a_look_sees_a_worker_that_is_well(eyes: Eyes, broker: redis.Redis, tmp_path: Path, app: Flask) -> None:
    first = eyes.look()
    assert first.worker is not None
    assert (first.worker.name, first.worker.places) == ("w", 2)
    # The canary was sent just now, so that it is not due yet.
    assert (first.folder_ok, first.broker_ok, first.canary_out, first.leases_lost) == (True, True, False, 0)
    second = eyes.look()
    assert (second.broker_ok, second.canary_out) == (True, True)
    assert len(waiting(broker)) == 1
    (tmp_path / "canary.json").write_text(json.dumps({"canary_id": "x", "at": 12.5}))
    assert eyes.look().canary_at == 12.5
    with app.app_context(), transaction():
        assert count_places() == 2


def test_a_canary_sent_to_the_worker_before_is_not_awaited_from_this_one(
    eyes: Eyes, broker: redis.Redis, tmp_path: Path
) -> None:
    eyes.look()
    write_signs(tmp_path, "next")
    assert eyes.look().canary_out is False
    assert len(waiting(broker, "next")) == 1
    assert eyes.look().canary_out is True


def test_an_emptied_broker_is_given_another_canary(eyes: Eyes, broker: redis.Redis) -> None:
    eyes.look()
    broker.flushall()
    seen = eyes.look()
    assert (seen.broker_ok, seen.canary_out) == (True, False)
    assert len(waiting(broker)) == 1


def test_a_frozen_broker_costs_a_look_little(eyes: Eyes, server: LocalRedis, broker: redis.Redis) -> None:
    eyes.look()
    server.freeze()
    try:
        with promised("three looks", 15):
            seen = [eyes.look() for _ in range(3)]
    finally:
        server.thaw()
    assert {(look.broker_ok, look.canary_out) for look in seen} == {(False, False)}
    assert {look.leases_lost for look in seen} == {0}


def test_a_process_that_is_gone_is_no_worker(eyes: Eyes, broker: redis.Redis, tmp_path: Path) -> None:
    beat = json.loads((tmp_path / "worker.json").read_text())
    # The same number, born at another time: it was given to somebody else.
    (tmp_path / "worker.json").write_text(json.dumps({**beat, "born": beat["born"] + 1}))
    assert eyes.look().worker is None
    (tmp_path / "worker.json").write_text("{half a lin")
    seen: Seen = eyes.look()
    assert (seen.worker, seen.broker_ok, seen.leases_lost) == (None, True, None)


def test_signs_of_processes_that_are_gone_are_cleared_away(eyes: Eyes, broker: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "child-999999999.json").write_text("{}")
    assert list(eyes.look().children) == []
    assert list(tmp_path.glob("child-*")) == []


def test_a_folder_that_cannot_be_written_to_is_seen(tmp_path: Path) -> None:
    assert heartbeat.is_writable(tmp_path) is True
    assert heartbeat.is_writable(tmp_path / "away") is False
    assert list(tmp_path.glob(".*")) == []
