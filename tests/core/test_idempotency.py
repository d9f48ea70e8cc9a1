"""A POST repeated with the same Idempotency-Key has one effect and one response."""

import threading

import pytest
import sqlalchemy as sa

SETS = "/api/v1/study-sets"


def create(client, key: str, title: str = "Biology"):
    return client.post(SETS, json={"title": title}, headers={"Idempotency-Key": key})


def count(client) -> int:
    return len(client.get(SETS).json["items"])


def test_a_repeated_request_gets_the_first_response(client) -> None:
    first, second = create(client, "k1"), create(client, "k1")
    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count(client) == 1


def test_without_a_key_each_request_is_executed(client) -> None:
    assert client.make_study_set() != client.make_study_set()


def test_requests_with_different_keys_are_different(client) -> None:
    assert create(client, "k1").json["id"] != create(client, "k2").json["id"]


def test_two_users_can_use_the_same_key(client, other_client) -> None:
    assert create(client, "k1").json["id"] != create(other_client, "k1").json["id"]


def test_the_same_key_can_be_used_on_two_routes(client) -> None:
    study_set_id = create(client, "k1").json["id"]
    assert client.upload(study_set_id, ("a.txt", b"Cells divide."), Idempotency_Key="k1").status_code == 201


def test_the_same_key_with_another_body_is_refused(client) -> None:
    create(client, "k1")
    answer = create(client, "k1", title="Chemistry")
    assert answer.status_code == 422
    assert answer.json["code"] == "idempotency_key_reused"
    assert count(client) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_a_wrong_length_is_refused(client, key: str) -> None:
    answer = create(client, key)
    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_idempotency_key"
    assert count(client) == 0


def test_a_response_is_kept_for_24_hours(client, engine: sa.Engine) -> None:
    def age(interval: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE idempotency_keys SET created_at = now() - interval '{interval}'"))

    first = create(client, "k1").json["id"]
    age("23 hours 59 minutes")
    assert create(client, "k1").json["id"] == first
    age("24 hours 1 minute")
    second = create(client, "k1")
    assert second.status_code == 201
    assert second.json["id"] != first
    assert create(client, "k1").json == second.json


def test_expired_responses_are_deleted(app, client, engine: sa.Engine) -> None:
    from backend.core.database.transaction import transaction
    from backend.core.web.idempotency import delete_expired_responses

    create(client, "old")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'"))
    create(client, "new")
    with app.app_context(), transaction():
        assert delete_expired_responses() == 1
    with engine.connect() as connection:
        assert connection.scalars(sa.text("SELECT key FROM idempotency_keys")).all() == ["new"]


def test_the_response_of_a_failed_request_is_not_kept(client, other_client) -> None:
    study_set_id = client.make_study_set()
    assert client.upload(study_set_id, ("a.xyz", b"?"), Idempotency_Key="k1").status_code == 422
    assert client.upload(study_set_id, ("a.txt", b"Cells divide."), Idempotency_Key="k1").status_code == 201


def test_a_repeated_upload_is_stored_once(client, engine: sa.Engine) -> None:
    study_set_id = client.make_study_set()
    files = ("a.txt", b"Cells divide."), ("b.txt", b"Plants grow.")
    first = client.upload(study_set_id, *files, Idempotency_Key="k1")
    second = client.upload(study_set_id, *files, Idempotency_Key="k1")
    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert [document["duplicate"] for document in second.json["documents"]] == [False, False]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM documents")) == 2


@pytest.mark.parametrize(
    "other",
    [
        [("a.txt", b"Cells do not divide.")],
        [("b.txt", b"Cells divide.")],
        [("a.txt", b"Cells divide."), ("b.txt", b"Plants grow.")],
    ],
)
def test_an_upload_of_other_files_under_the_same_key_is_refused(client, other) -> None:
    study_set_id = client.make_study_set()
    assert client.upload(study_set_id, ("a.txt", b"Cells divide."), Idempotency_Key="k1").status_code == 201
    answer = client.upload(study_set_id, *other, Idempotency_Key="k1")
    assert answer.status_code == 422
    assert answer.json["code"] == "idempotency_key_reused"


def test_an_upload_with_a_key_arrives_complete(client) -> None:
    study_set_id = client.make_study_set()
    content = b"Cells divide. " * 100_000
    document = client.upload(study_set_id, ("a.txt", content), Idempotency_Key="k1").json["documents"][0]
    assert client.get(f"/api/v1/documents/{document['id']}/file").data == content


def test_a_request_in_progress_is_not_executed_again(app, client, engine: sa.Engine) -> None:
    study_set_id = client.make_study_set()
    answers = []

    def upload() -> None:
        twin = app.test_client()
        twin.token = client.token
        answers.append(twin.upload(study_set_id, ("a.txt", b"Cells divide."), Idempotency_Key="k1"))

    with engine.begin() as connection:
        # The first request waits for this lock on the study set, inside its transaction.
        connection.execute(sa.text("SELECT 1 FROM study_sets FOR UPDATE"))
        first = threading.Thread(target=upload)
        first.start()
        wait_for_a_waiting_lock(engine)
        upload()
        assert answers[0].status_code == 409
        assert answers[0].json["code"] == "request_still_running"
        assert int(answers[0].headers["Retry-After"]) > 0
    first.join()
    assert answers[1].status_code == 201
    upload()
    assert answers[2].json == answers[1].json
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM documents")) == 1


def wait_for_a_waiting_lock(engine: sa.Engine) -> None:
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(1000):
        with engine.connect() as connection:
            if connection.scalar(query):
                return
    raise AssertionError("No transaction is waiting for a lock.")


def test_concurrent_requests_with_the_same_key_have_one_effect(app, client) -> None:
    barrier = threading.Barrier(6)
    answers = []

    def post() -> None:
        twin = app.test_client()
        twin.token = client.token
        barrier.wait()
        answers.append(create(twin, "k1"))

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json["id"] for answer in answers if answer.status_code == 201}) == 1
    assert count(client) == 1
