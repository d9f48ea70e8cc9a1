"""Readings share the workers' places: two for a user, never all, and nothing waits for longer than a place takes.

Claims stand for workers here, so results do not depend on how long reading takes.
"""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.job_stats import measure_jobs
from backend.core.work.jobs import Claim, JobState
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from backend.library.models import Document, Rereading
from backend.library.reading_places import claim_place, fill_places
from backend.library.room import READING
from backend.settings import get_settings
from tests.library.conftest import Messages


@pytest.fixture(autouse=True)
def _in_context(app: APIFlask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture(autouse=True)
def _eight_places(configure: Callable[..., None]) -> None:
    configure(CELERY_CONCURRENCY="8")


@pytest.fixture
def upload() -> Callable[..., list[UUID]]:
    """Upload notes to a new study set. Returns the documents' ids."""

    def run(client, number: int = 1) -> list[UUID]:
        files = [(f"{name}.txt", f"Cell {name} divides.".encode()) for name in range(number)]
        answer = client.upload(client.make_study_set(), *files)
        assert answer.status_code == 201, answer.text
        return [UUID(document["id"]) for document in answer.json["documents"]]

    return run


def claim(row_id: UUID) -> Claim | None:
    with transaction():
        return claim_place(Document, row_id)


def claim_all(row_ids: list[UUID]) -> list[Claim]:
    """Claim what can be claimed, as workers that get these messages do."""
    return [held for held in map(claim, row_ids) if held is not None]


def end(held: Claim) -> None:
    """End a reading as the runner does."""
    with transaction():
        jobs.finish(Document, held)
    fill_places()


def change(row_id: UUID, **values: object) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == row_id).values(**values))


def states() -> dict[UUID, str]:
    with transaction():
        return {row.id: row.state for row in db.session.execute(sa.select(Document.id, Document.state))}


def test_two_documents_of_a_user_are_read_at_the_same_time(client, upload, messages: Messages) -> None:
    documents = upload(client, 9)
    assert messages.take() == documents
    assert [held.id for held in claim_all(documents)] == documents[:2]
    assert messages.take() == []


def test_a_note_is_read_while_nine_documents_of_another_user_wait(client, other_client, upload, messages) -> None:
    claim_all(upload(client, 9))
    (note,) = upload(other_client)
    held = claim(note)
    assert held is not None
    # It ends while none of the others moves.
    end(held)
    assert sorted(states().values()) == ["done"] + ["queued"] * 7 + ["running"] * 2


def test_documents_that_wait_for_their_users_turn_need_no_worker(client, other_client, upload) -> None:
    def oldest_due_s() -> float:
        with transaction():
            db.session.execute(sa.text("UPDATE documents SET available_at = available_at - interval '1 hour'"))
            return measure_jobs([READING])[READING.thing].oldest_due_s

    documents = upload(client, 9)
    assert oldest_due_s() >= 3600
    claim_all(documents)
    assert oldest_due_s() == 0
    upload(other_client)
    assert oldest_due_s() >= 3600


def test_each_reading_that_ends_starts_the_next(client, upload, messages: Messages) -> None:
    documents = upload(client, 9)
    held = claim_all(messages.take())
    order = [each.id for each in held]
    while held:
        end(held.pop(0))
        sent = messages.take()
        # One message for the freed place: what waits is not sent again and again.
        assert len(sent) <= 1
        started = claim_all(sent)
        assert len(started) == len(sent)
        held += started
        order += [each.id for each in started]
    assert order == documents
    assert set(states().values()) == {JobState.DONE}


@pytest.mark.parametrize("how", ["failed", "given back"])
def test_a_reading_that_fails_or_is_given_back_starts_the_next(client, upload, messages: Messages, how: str) -> None:
    first, _, third = upload(client, 3)
    held = claim_all(messages.take())
    with transaction():
        if how == "failed":
            jobs.fail(Document, held[0], "damaged")
        else:
            jobs.retry_later(Document, held[0], delay_s=3600)
    fill_places()
    assert third in messages.take()
    assert claim(third) is not None
    assert claim(first) is None


def test_documents_leave_a_place_to_other_work(app: APIFlask, client, upload) -> None:
    clients = [app.test_client().sign_in(f"student-{number}@example.org") for number in range(6)]
    documents = [document for each in clients for document in upload(each, 2)]
    assert len(documents) > get_settings().celery_concurrency
    assert len(claim_all(documents)) == get_settings().celery_concurrency - 1


def test_places_of_all_workers_count(app: APIFlask, client, upload) -> None:
    with transaction():
        db.session.execute(sa.text("INSERT INTO workers (name, places, leases_lost) VALUES ('a', 6, 0), ('b', 6, 0)"))
    clients = [app.test_client().sign_in(f"student-{number}@example.org") for number in range(8)]
    documents = [document for each in clients for document in upload(each, 2)]
    assert len(claim_all(documents)) == 11


@pytest.mark.parametrize(("concurrency", "of_one", "of_all"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3)])
def test_a_small_worker_keeps_a_place_for_others(
    client, other_client, upload, configure, concurrency: int, of_one: int, of_all: int
) -> None:
    configure(CELERY_CONCURRENCY=str(concurrency))
    assert get_settings().celery_concurrency == concurrency
    assert len(claim_all(upload(client, 3))) == of_one
    assert len(claim_all(upload(other_client, 3))) == of_all - of_one


def test_a_rereading_takes_a_place_like_a_document(client, upload, messages: Messages) -> None:
    first, *others = upload(client, 3)
    held = claim(first)
    assert held is not None
    end(held)
    running = claim_all(others)
    assert client.post(f"/api/v1/documents/{first}/reread").status_code == 202
    (rereading,) = messages.take()[-1:]
    with transaction():
        assert claim_place(Rereading, rereading) is None
    end(running[0])
    assert messages.take() == [rereading]
    with transaction():
        assert claim_place(Rereading, rereading) is not None


def test_a_user_without_a_place_comes_first(app: APIFlask, client, other_client, upload, configure, messages) -> None:
    configure(CELERY_CONCURRENCY="4")
    third_client = app.test_client().sign_in("third@example.org")
    mine = upload(client, 4)
    held = claim_all(mine) + claim_all(upload(other_client, 1))
    assert len(held) == 3
    (waiting,) = upload(third_client)
    assert claim(waiting) is None
    messages.take()
    # The user of the freed place has waited longer, but holds another place.
    end(held[0])
    assert messages.take() == [waiting]
    assert claim(mine[2]) is None
    assert claim(waiting) is not None


def test_a_message_for_a_later_document_wakes_the_one_whose_turn_it_is(client, upload, messages: Messages) -> None:
    first, second, third = upload(client, 3)
    messages.take()
    change(first, sent_at=None)
    assert claim(third) is None
    assert messages.take() == [first]
    assert claim(first) is not None
    assert claim(second) is not None
    # All places are taken, so a refused message causes no other.
    assert claim(third) is None
    assert messages.take() == []


def test_the_sweep_sends_nothing_that_could_not_start(client, upload, messages: Messages) -> None:
    documents = upload(client, 5)
    held = claim_all(documents)
    long_ago = sa.text("clock_timestamp() - interval '1 hour'")
    for document in documents[2:]:
        claim(document)
        change(document, available_at=long_ago)
    messages.take()
    assert sweep().sent == 0
    change(held[0].id, lease_until=long_ago)
    swept = sweep()
    # The document of the lost worker has waited for less long than the others.
    assert (swept.taken_back, swept.sent) == (1, 1)
    assert messages.take() == [documents[2]]


def test_places_of_a_lost_worker_are_free_again_after_the_broker_was_emptied(
    client, upload, messages: Messages
) -> None:
    documents = upload(client, 4)
    for held in claim_all(messages.take()):
        change(held.id, lease_until=sa.text("clock_timestamp() - interval '1 second'"))
    done: list[UUID] = []
    for _ in documents:
        sweep()
        for held in claim_all(messages.take()):
            # Its message is lost.
            with transaction():
                jobs.finish(Document, held)
            done.append(held.id)
    assert sorted(done) == sorted(documents)


def test_the_worker_starts_the_next_document_itself(client, upload, messages: Messages) -> None:
    documents = upload(client, 4)
    blocked = claim_all(documents[:1])
    assert blocked
    third = documents[2]
    assert claim(third) is None
    messages.take()
    queue.tasks[Document.task].run(str(documents[1]))
    assert messages.take() == [third]
    assert states()[documents[1]] == JobState.DONE
