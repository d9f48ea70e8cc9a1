"""Viewing, cancelling and retrying the runs of any user."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.operations.admin.conftest import ADMIN, NOTES


@pytest.fixture
def start_run(client) -> Callable[..., str]:
    """Start a run of the student; return its id."""

    def start(**wish: Any) -> str:
        study_set_id = client.make_study_set()
        client.upload(study_set_id, ("notes.txt", NOTES))
        answer = client.post(f"/api/v1/study-sets/{study_set_id}/runs", json=wish)
        assert answer.status_code == 202, answer.text
        return answer.json["id"]

    return start


def retry(admin: Any, run_id: str) -> Any:
    return admin.post(f"{ADMIN}/runs/{run_id}/retry")


def test_runs_of_a_user_are_paged_with_figures(admin, client, start_run, run_pending_jobs) -> None:
    ids = [start_run() for _ in range(3)]
    run_pending_jobs()
    path = f"{ADMIN}/users/{client.user_id}/runs"
    first = admin.get(f"{path}?limit=2").json
    second = admin.get(path, query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    runs = first["items"] + second["items"]
    assert [run["id"] for run in runs] == ids[::-1]
    own = client.get(f"/api/v1/runs/{ids[0]}").json
    shown = runs[-1]
    assert (shown["state"], shown["user_id"]) == (own["state"], str(client.user_id))
    assert shown["flashcards_delivered"] == own["delivered"]["flashcards"] > 0
    assert shown["usage"] == own["usage"]
    assert shown["progress"].items() <= own["progress"].items()


def test_a_run_is_cancelled_for_its_user(admin, client, start_run, run_pending_jobs, logged) -> None:
    run_id = start_run()
    answer = admin.post(f"{ADMIN}/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json["state"]) == (202, "cancelled")
    run_pending_jobs()
    assert client.get(f"/api/v1/runs/{run_id}").json["state"] == "cancelled"
    # The student sees the same events as after their own cancellation.
    assert client.get(f"/api/v1/runs/{run_id}/events?after=0").json["items"][-1]["kind"] == "run.cancelled"
    (row,) = logged()
    assert (row.action, str(row.run_id), row.subject_user_id) == ("run.cancelled", run_id, client.user_id)


def test_a_failed_run_is_retried_and_succeeds(
    admin, client, start_run, run_pending_jobs, engine: sa.Engine, logged
) -> None:
    run_id = start_run(flashcards=3, questions=0, difficulty="easy")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE flashcards ADD CONSTRAINT never CHECK (front IS NULL) NOT VALID"))
    try:
        while run_pending_jobs():
            with engine.begin() as connection:
                connection.execute(sa.text("UPDATE steps SET available_at = now() WHERE state = 'queued'"))
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE flashcards DROP CONSTRAINT never"))
    failed = client.get(f"/api/v1/runs/{run_id}").json
    assert (failed["state"], failed["error"]["code"]) == ("failed", "internal_error")
    answer = retry(admin, run_id)
    assert answer.status_code == 202, answer.text
    assert (answer.json["retry_of"], answer.json["state"]) == (run_id, "reading")
    run_pending_jobs()
    again = client.get(f"/api/v1/runs/{answer.json['id']}").json
    assert (again["state"], again["retry_of"], again["delivered"]["flashcards"]) == ("done", run_id, 3)
    for wished in ("asked", "language", "difficulty", "study_set_id"):
        assert again[wished] == failed[wished], wished
    # The failed run stays unchanged.
    assert client.get(f"/api/v1/runs/{run_id}").json == failed
    (row,) = logged()
    assert (str(row.run_id), row.data) == (run_id, {"retried_as": again["id"]})


def test_retrying_again_returns_the_same_run(admin, start_failed_run, run_pending_jobs) -> None:
    run_id = start_failed_run()
    first, second = retry(admin, run_id), retry(admin, run_id)
    assert first.json["id"] == second.json["id"] != run_id
    run_pending_jobs()
    third = retry(admin, run_id)
    assert (third.json["id"], third.json["state"]) == (first.json["id"], "failed")
    # A failed retry is retried under its own id.
    assert retry(admin, first.json["id"]).json["retry_of"] == first.json["id"]


def test_concurrent_retries_start_one_run(app, admin, start_failed_run, engine: sa.Engine) -> None:
    run_id = start_failed_run()
    barrier, answers = threading.Barrier(4), []

    def ask() -> None:
        barrier.wait()
        answers.append(retry(admin, run_id))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json["id"] for answer in answers}) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM runs")) == 2


def test_a_cancelled_run_can_be_retried(admin, client, start_run, run_pending_jobs) -> None:
    run_id = start_run()
    client.post(f"/api/v1/runs/{run_id}/cancel")
    again = retry(admin, run_id)
    assert again.status_code == 202
    run_pending_jobs()
    assert client.get(f"/api/v1/runs/{again.json['id']}").json["state"] == "done"


@pytest.mark.parametrize("ended", [False, True])
def test_an_active_or_successful_run_cannot_be_retried(admin, start_run, run_pending_jobs, logged, ended: bool) -> None:
    run_id = start_run()
    if ended:
        run_pending_jobs()
    answer = retry(admin, run_id)
    assert (answer.status_code, answer.json["code"]) == (409, "run_not_retriable")
    assert logged() == []


@pytest.mark.parametrize(("column", "code"), [("disabled_at", "user_disabled"), ("erasing_at", "user_leaving")])
def test_nothing_is_started_for_a_disabled_or_leaving_user(
    admin, client, start_failed_run, engine: sa.Engine, column: str, code: str
) -> None:
    run_id = start_failed_run()
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE users SET {column} = now() WHERE id = :id"), {"id": client.user_id})
    answer = retry(admin, run_id)
    assert (answer.status_code, answer.json["code"]) == (409, code)


def test_a_run_without_documents_cannot_be_retried(admin, client, start_failed_run) -> None:
    run_id = start_failed_run()
    study_set_id = client.get(f"/api/v1/runs/{run_id}").json["study_set_id"]
    for document in client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"]:
        assert client.delete(f"/api/v1/documents/{document['id']}").status_code == 204
    answer = retry(admin, run_id)
    assert (answer.status_code, answer.json["code"]) == (409, "no_documents")
