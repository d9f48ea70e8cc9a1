"""A job is claimed once, and a worker that lost it cannot write."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState
from backend.core.work.sweep import sweep
from backend.library.models import Document


@pytest.fixture
def document_id(client) -> UUID:
    """A queued job: a document that is waiting to be read."""
    answer = client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    return UUID(answer.json["documents"][0]["id"])


@pytest.fixture(autouse=True)
def _in_context(app: Flask, document_id: UUID) -> Iterator[None]:
    with app.app_context():
        yield


def row(document_id: UUID) -> Document:
    """Return the current row."""
    db.session.expunge_all()
    with transaction():
        return db.session.get_one(Document, document_id)


def change(document_id: UUID, **values: object) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == document_id).values(**values))


def claim(document_id: UUID) -> Claim | None:
    with transaction():
        return jobs.claim(Document, document_id)


def held(document_id: UUID) -> Claim:
    found = claim(document_id)
    assert found is not None
    return found


def expire(document_id: UUID) -> None:
    """Let the lease expire."""
    change(document_id, lease_until=sa.text("clock_timestamp() - interval '1 second'"))


def test_a_queued_row_is_claimed(document_id: UUID) -> None:
    found = held(document_id)
    assert (found.id, found.attempt, found.failures) == (document_id, 1, 0)
    after = row(document_id)
    assert after.state == JobState.RUNNING
    assert after.worker == jobs.WORKER_NAME
    assert after.started_at is not None
    assert after.lease_until is not None


@pytest.mark.parametrize("state", ["planned", "running", "done", "failed", "cancelled"])
def test_only_a_queued_row_is_claimed(document_id: UUID, state: str) -> None:
    extra = {"lease_until": sa.func.now()} if state == "running" else {}
    extra |= {"error_code": "damaged"} if state == "failed" else {}
    change(document_id, state=state, **extra)
    assert claim(document_id) is None


def test_a_row_that_is_not_due_or_does_not_exist_is_not_claimed(document_id: UUID) -> None:
    change(document_id, available_at=sa.text("clock_timestamp() + interval '1 minute'"))
    assert claim(document_id) is None
    assert claim(UUID(int=1)) is None


@pytest.mark.parametrize(("state", "waited_s"), [("planned", 0), ("queued", 3600)])
def test_a_planned_row_becomes_due_when_it_is_queued(document_id: UUID, state: str, waited_s: int) -> None:
    change(document_id, state=state, available_at=sa.text("clock_timestamp() - interval '1 hour'"))
    before = row(document_id)
    with transaction():
        jobs.dispatch(Document, [document_id])
    after = row(document_id)
    assert after.state == JobState.QUEUED
    assert after.sent_at is not None
    assert (after.available_at == before.available_at) == (state == "queued")
    assert waited_s <= (after.sent_at - after.available_at).total_seconds() < waited_s + 300
    assert claim(document_id) is not None


def test_five_concurrent_deliveries_make_one_claim(app: Flask, document_id: UUID) -> None:
    barrier, claims = threading.Barrier(5), []

    def deliver() -> None:
        with app.app_context():
            barrier.wait()
            claims.append(claim(document_id))

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 5
    assert [found.attempt for found in claims if found] == [1]


@pytest.mark.parametrize(
    ("write", "state", "code"),
    [
        (lambda c: jobs.finish(Document, c), "done", None),
        (lambda c: jobs.fail(Document, c, "damaged"), "failed", "damaged"),
        (lambda c: jobs.cancel_held(Document, c), "cancelled", None),
    ],
)
def test_an_outcome_ends_the_row(document_id: UUID, write: Callable[[Claim], None], state: str, code: str) -> None:
    claimed = held(document_id)
    with transaction():
        write(claimed)
    after = row(document_id)
    assert (after.state, after.error_code) == (state, code)
    assert after.ended_at is not None
    assert (after.lease_until, after.worker) == (None, None)


OUTCOMES = [
    lambda c: jobs.finish(Document, c),
    lambda c: jobs.fail(Document, c, "damaged"),
    lambda c: jobs.cancel_held(Document, c),
    lambda c: jobs.retry_later(Document, c, delay_s=0),
]


def attempt_to(write: Callable[[Claim], None], claimed: Claim) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == claimed.id).values(characters=999))
        write(claimed)


@pytest.mark.parametrize("write", OUTCOMES)
def test_a_zombie_cannot_write(document_id: UUID, write: Callable[[Claim], None]) -> None:
    zombie = held(document_id)
    expire(document_id)
    assert sweep().taken_back == 1
    successor = held(document_id)
    assert successor.attempt == zombie.attempt + 1
    with pytest.raises(jobs.LeaseLost):
        attempt_to(write, zombie)
    after = row(document_id)
    # Nothing of the zombie's transaction was committed.
    assert (after.state, after.attempt, after.characters) == (JobState.RUNNING, 2, 0)
    with transaction():
        jobs.finish(Document, successor)


@pytest.mark.parametrize("write", OUTCOMES)
def test_a_worker_that_lost_its_row_cannot_write_even_if_the_row_is_free(document_id: UUID, write) -> None:
    zombie = held(document_id)
    expire(document_id)
    sweep()
    with pytest.raises(jobs.LeaseLost):
        attempt_to(write, zombie)
    assert row(document_id).state == JobState.QUEUED


@pytest.mark.parametrize("write", OUTCOMES)
def test_an_ended_row_cannot_be_written_again(document_id: UUID, write: Callable[[Claim], None]) -> None:
    claimed = held(document_id)
    with transaction():
        jobs.finish(Document, claimed)
    with pytest.raises(jobs.LeaseLost):
        attempt_to(write, claimed)
    assert row(document_id).state == JobState.DONE


def test_a_deleted_row_is_lost(document_id: UUID) -> None:
    claimed = held(document_id)
    with transaction():
        db.session.execute(sa.delete(Document))
    with pytest.raises(jobs.LeaseLost):
        attempt_to(OUTCOMES[0], claimed)


def test_retry_later_counts_a_failure_and_waits(document_id: UUID) -> None:
    claimed = held(document_id)
    with transaction():
        jobs.retry_later(Document, claimed, delay_s=60)
    after = row(document_id)
    assert (after.state, after.failures, after.worker) == (JobState.QUEUED, 1, None)
    assert claim(document_id) is None
    change(document_id, available_at=after.available_at - timedelta(seconds=60))
    again = held(document_id)
    assert (again.attempt, again.failures) == (2, 1)


def test_a_stopping_worker_hands_back_its_rows(document_id: UUID) -> None:
    claimed = held(document_id)
    assert jobs.hand_back("another-worker") == 0
    assert row(document_id).state == JobState.RUNNING
    assert jobs.hand_back() == 1
    after = row(document_id)
    assert (after.state, after.failures, after.lease_until, after.worker) == (JobState.QUEUED, 0, None, None)
    assert held(document_id).attempt == claimed.attempt + 1
