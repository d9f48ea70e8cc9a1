"""The sweep sends lost rows again, takes back the rows of dead workers, and gives up after several failures."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import db
from backend.core.database.locks import SWEEP_LOCK
from backend.core.database.transaction import transaction
from backend.core.hooks import Hook
from backend.core.work import jobs
from backend.core.work.jobs import JobState
from backend.core.work.queue import QUEUE_NAME, queue, send
from backend.core.work.sweep import Swept, sweep
from backend.library.hooks import document_settled
from backend.library.models import Document
from backend.settings import Settings, get_settings
from config.local import folders
from config.local.redis import LocalRedis


@pytest.fixture
def document_id(client) -> UUID:
    """A queued job: a document that is waiting to be read."""
    answer = client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    return UUID(answer.json["documents"][0]["id"])


@pytest.fixture
def _room_for_two(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    """Let two documents of one user be read at the same time."""
    monkeypatch.setenv("CELERY_CONCURRENCY", "4")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def _in_context(app: Flask, document_id: UUID) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def sent(settings: Settings) -> Callable[[UUID], int]:
    """Count the messages for a row in the broker."""
    client = redis.Redis.from_url(settings.redis_url)

    def count(row_id: UUID) -> int:
        bodies = [json.loads(message)["headers"]["argsrepr"] for message in client.lrange(QUEUE_NAME, 0, -1)]
        return sum(str(row_id) in body for body in bodies)

    return count


@contextmanager
def receiving(hook: Hook[[UUID], None], receiver: Callable[[UUID], None]) -> Iterator[None]:
    """Subscribe another receiver to a hook while the block runs."""
    hook.subscribe(receiver)
    try:
        yield
    finally:
        hook._receivers.remove(receiver)


def state(document_id: UUID) -> tuple[str, int, str | None]:
    db.session.expunge_all()
    with transaction():
        found = db.session.get_one(Document, document_id)
    return found.state, found.failures, found.error_code


def change(document_id: UUID, **values: object) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == document_id).values(**values))


def die_at_work(document_id: UUID) -> None:
    """Claim the row and let the lease expire."""
    with transaction():
        assert jobs.claim(Document, document_id)
    change(document_id, lease_until=sa.text("clock_timestamp() - interval '1 second'"))


def test_a_commit_sends_one_message(document_id: UUID, sent) -> None:
    assert sent(document_id) == 1


def test_a_rollback_sends_no_message(document_id: UUID, sent) -> None:
    def work() -> None:
        with transaction():
            jobs.dispatch(Document, [document_id])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert sent(document_id) == 1


def test_work_that_was_just_sent_is_left_alone(document_id: UUID, sent) -> None:
    assert sweep() == Swept()
    assert sent(document_id) == 1


@pytest.mark.parametrize("sent_at", [None, sa.text("clock_timestamp() - interval '1 hour'")], ids=["never", "long ago"])
def test_lost_work_is_sent_again_once(document_id: UUID, sent, settings: Settings, sent_at: object) -> None:
    change(document_id, sent_at=sent_at, available_at=sa.text("clock_timestamp() - interval '1 hour'"))
    redis.Redis.from_url(settings.redis_url).delete(QUEUE_NAME)
    assert sweep() == Swept(sent=1)
    assert sent(document_id) == 1
    assert sweep() == Swept()


def test_work_whose_message_is_still_queued_is_not_sent_again(document_id: UUID, sent) -> None:
    long_ago = sa.text("clock_timestamp() - interval '1 hour'")
    change(document_id, sent_at=long_ago, available_at=long_ago)
    assert sweep() == Swept()
    assert sent(document_id) == 1


@pytest.mark.usefixtures("_room_for_two")
def test_a_row_that_cannot_be_given_up_does_not_block_others(document_id: UUID, client, settings: Settings) -> None:
    def object_to(_document_id: UUID) -> None:
        raise ZeroDivisionError

    other = client.upload(client.make_study_set(), ("more.txt", b"Cells grow.")).json["documents"][0]["id"]
    die_at_work(document_id)
    change(document_id, failures=settings.step_attempts - 1)
    die_at_work(UUID(other))
    with receiving(document_settled, object_to):
        assert sweep() == Swept(sent=1, taken_back=1)
    assert state(UUID(other))[0] == JobState.QUEUED
    assert state(document_id)[0] == JobState.RUNNING
    assert sweep() == Swept(taken_back=1, given_up=1)


def test_work_that_is_not_due_is_not_sent(document_id: UUID, sent) -> None:
    change(document_id, sent_at=None, available_at=sa.text("clock_timestamp() + interval '1 minute'"))
    assert sweep() == Swept()
    assert sent(document_id) == 1


@pytest.mark.parametrize("final", ["planned", "done", "cancelled"])
def test_work_that_is_not_queued_is_not_sent(document_id: UUID, final: str) -> None:
    change(document_id, state=final, sent_at=None)
    assert sweep() == Swept()


def test_a_living_worker_keeps_its_row(document_id: UUID) -> None:
    with transaction():
        assert jobs.claim(Document, document_id)
    assert sweep() == Swept()
    assert state(document_id) == (JobState.RUNNING, 0, None)


def test_the_row_of_a_dead_worker_is_taken_back_and_sent(document_id: UUID, sent) -> None:
    die_at_work(document_id)
    assert sweep() == Swept(sent=1, taken_back=1)
    assert state(document_id) == (JobState.QUEUED, 1, None)
    assert sent(document_id) == 2


def test_a_row_that_kills_every_worker_is_given_up(document_id: UUID, settings: Settings) -> None:
    told: list[UUID] = []

    with receiving(document_settled, told.append):
        for _ in range(settings.step_attempts - 1):
            die_at_work(document_id)
            assert sweep() == Swept(sent=1, taken_back=1)
        assert told == []
        die_at_work(document_id)
        assert sweep() == Swept(taken_back=1, given_up=1)
    assert state(document_id) == (JobState.FAILED, settings.step_attempts, "worker_lost")
    assert told == [document_id]
    assert sweep() == Swept()


def test_two_sweeps_at_once_are_one(document_id: UUID, engine: sa.Engine) -> None:
    change(document_id, sent_at=None)
    with engine.begin() as other:
        other.execute(sa.select(sa.func.pg_advisory_xact_lock(SWEEP_LOCK)))
        assert sweep() is None
    assert sweep() == Swept(sent=1)


def test_sweeps_in_many_threads_send_once(app: Flask, document_id: UUID, sent) -> None:
    change(document_id, sent_at=None)
    barrier = threading.Barrier(5)

    def run() -> None:
        with app.app_context():
            barrier.wait()
            sweep()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent(document_id) == 2


def test_a_locked_row_is_left_for_the_next_sweep(document_id: UUID, engine: sa.Engine) -> None:
    die_at_work(document_id)
    with engine.begin() as other:
        other.execute(sa.text("SELECT 1 FROM documents FOR UPDATE"))
        assert sweep() == Swept()
    assert sweep() == Swept(sent=1, taken_back=1)


@contextmanager
def other_broker(url: str, settings: Settings) -> Iterator[None]:
    """Send to another broker while the block runs."""
    queue.conf.broker_url = url
    # The connection pool belongs to this cached part of the Celery app.
    vars(queue).pop("amqp", None)
    try:
        yield
    finally:
        queue.conf.broker_url = settings.redis_url
        vars(queue).pop("amqp", None)


@pytest.mark.usefixtures("_room_for_two")
def test_an_unreachable_broker_does_not_fail_the_request(client, settings: Settings) -> None:
    study_set_id = client.make_study_set()
    with other_broker(f"redis://127.0.0.1:{folders.free_port()}/0", settings):
        assert send("library.read_document", "x") is False
        answer = client.upload(study_set_id, ("more.txt", b"Plants grow."))
    assert answer.status_code == 201
    waiting = UUID(answer.json["documents"][0]["id"])
    long_ago = sa.text("clock_timestamp() - interval '1 hour'")
    change(waiting, sent_at=long_ago, available_at=long_ago)
    assert sweep() == Swept(sent=1)


def test_a_frozen_broker_is_waited_for_once(client, settings: Settings, caplog) -> None:
    study_set_id = client.make_study_set()
    files = [(f"{number}.txt", f"Part {number}.".encode()) for number in range(8)]
    with LocalRedis() as frozen, other_broker(frozen.url, settings):
        assert send("library.read_document", "x") is True
        frozen.freeze()
        answer = client.upload(study_set_id, *files)
        frozen.thaw()
    assert answer.status_code == 201
    assert len(answer.json["documents"]) == 8
    assert caplog.text.count("core.queue.send_failed") == 1


def test_messages_are_sent_again_once_the_broker_is_back(client, document_id: UUID, settings: Settings, sent) -> None:
    with other_broker(f"redis://127.0.0.1:{folders.free_port()}/0", settings):
        assert send("library.read_document", str(document_id)) is False
    assert send("library.read_document", str(document_id)) is True
    assert sent(document_id) == 2
