"""The activity log: recorded in the transaction of the action, and shown to the user in pages."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from backend.accounts.types import ActivityKind

ACTIVITY = "/api/v1/users/me/activity"
SETS = "/api/v1/study-sets"
NOTES = b"""The cell

Mitosis is the division of the nucleus into two nuclei with the same chromosomes.
Osmosis is the diffusion of water through a membrane that lets only small molecules pass.
The ribosome is the part of the cell that makes proteins from amino acids.
An enzyme is a protein that speeds up a chemical reaction without being used up.
Photosynthesis is the process by which plants make sugar from light, water and carbon dioxide.
The mitochondrion is the organelle that releases energy from sugar.
"""


def history(client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(ACTIVITY, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def data(client, kind: str) -> list[dict[str, Any]]:
    return [item["data"] for item in history(client, kind=kind)]


def test_the_newest_comes_first(client) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("a.txt", b"Cells divide."))
    client.upload(study_set, ("b.txt", b"Plants grow."))
    items = history(client)
    assert [item["kind"] for item in items] == ["document_uploaded", "document_uploaded", "signed_in"]
    assert items[0]["data"]["documents"][0]["filename"] == "b.txt"
    assert items[0]["at"] >= items[1]["at"] >= items[2]["at"]
    assert set(items[0]) == {"id", "kind", "at", "data"}
    assert items[2]["data"]["provider"] == "development"


def test_pagination_is_stable_while_entries_are_added(client) -> None:
    keys = "/api/v1/users/me/api-keys"
    for number in range(4):
        assert client.post(keys, json={"name": f"key {number}"}).status_code == 201
    found, cursor = [], None
    for number in range(3):
        query = {"limit": 2, "kind": "api_key_created", **({"cursor": cursor} if cursor else {})}
        page = client.get(ACTIVITY, query_string=query).json
        found += [item["data"]["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        client.post(keys, json={"name": f"later {number}"})
        if cursor is None:
            break
    assert found == ["key 3", "key 2", "key 1", "key 0"]
    assert cursor is None


@pytest.mark.parametrize(
    ("query", "field"),
    [({"kind": "slept"}, "kind"), ({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"user_id": "x"}, "user_id")],
)
def test_an_invalid_query_is_refused(client, query: dict[str, Any], field: str) -> None:
    answer = client.get(ACTIVITY, query_string=query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_invalid_cursor_is_refused(client) -> None:
    assert client.get(ACTIVITY, query_string={"cursor": "x"}).json["code"] == "invalid_cursor"


def test_every_kind_can_be_filtered(client) -> None:
    for kind in ActivityKind:
        assert {item["kind"] for item in history(client, kind=kind.value)} <= {kind.value}


def test_a_kind_of_a_later_release_is_shown(client, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE activities SET kind = 'quiz_taken'"))
    assert [item["kind"] for item in history(client)] == ["quiz_taken"]


def test_users_see_only_their_own_activity(client, other_client) -> None:
    client.upload(client.make_study_set(), ("a.txt", b"Cells divide."))
    assert [item["kind"] for item in history(other_client)] == ["signed_in"]
    mine = history(client)
    assert mine[0]["kind"] == "document_uploaded"
    cursor = client.get(ACTIVITY, query_string={"limit": 1}).json["next_cursor"]
    assert {item["id"] for item in history(other_client, cursor=cursor)}.isdisjoint(item["id"] for item in mine)


def test_an_upload_is_one_entry_with_the_new_documents(client) -> None:
    study_set = client.make_study_set()
    first = client.upload(study_set, ("a.txt", b"Cells divide."), ("b.txt", b"Plants grow.")).json["documents"]
    client.upload(study_set, ("a again.txt", b"Cells divide."), ("c.txt", b"Stones rest."))
    client.upload(study_set, ("c again.txt", b"Stones rest."))
    second, first_entry = data(client, "document_uploaded")
    assert first_entry == {
        "study_set_id": study_set,
        "documents": [{"id": each["id"], "filename": each["filename"]} for each in first],
    }
    assert [each["filename"] for each in second["documents"]] == ["c.txt"]


def test_a_refused_upload_is_not_recorded(client) -> None:
    answer = client.upload(client.make_study_set(), ("a.txt", b"Cells divide."), ("b.xyz", b"?"))
    assert answer.status_code == 422
    assert data(client, "document_uploaded") == []


def test_a_rolled_back_action_is_not_recorded(client, crash_on: Callable[..., None]) -> None:
    study_set = client.make_study_set()
    # The response is stored last, in the same transaction.
    crash_on("idempotency_keys", times=2)
    assert client.upload(study_set, ("a.txt", b"Cells divide."), Idempotency_Key="k1").status_code == 500
    assert data(client, "document_uploaded") == []
    document = client.upload(study_set, ("a.txt", b"Cells divide.")).json["documents"][0]
    assert not document["duplicate"]
    assert client.post(f"{SETS}/{study_set}/runs", json={}, headers={"Idempotency-Key": "k2"}).status_code == 500
    assert data(client, "run_started") == []


def test_an_action_that_cannot_be_recorded_is_rolled_back(client, crash_on: Callable[..., None]) -> None:
    study_set = client.make_study_set()
    crash_on("activities", times=1)
    assert client.upload(study_set, ("a.txt", b"Cells divide.")).status_code == 500
    assert client.get(f"{SETS}/{study_set}/documents").json["items"] == []


def test_a_replay_is_recorded_once(client) -> None:
    study_set = client.make_study_set()
    headers = {"Idempotency-Key": "k1"}
    for _ in range(3):
        assert client.upload(study_set, ("a.txt", NOTES), Idempotency_Key="k1").status_code == 201
        assert client.post(f"{SETS}/{study_set}/runs", json={}, headers=headers).status_code == 202
    assert len(data(client, "document_uploaded")) == 1
    assert len(data(client, "run_started")) == 1


def test_the_start_and_end_of_a_run_are_recorded(client, run_pending_jobs: Callable[[], int]) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", NOTES))
    run = client.post(f"{SETS}/{study_set}/runs", json={"flashcards": 3}).json["id"]
    assert data(client, "run_started") == [
        {"run_id": run, "study_set_id": study_set, "documents": 1, "flashcards": 3, "questions": None}
    ]
    assert data(client, "run_ended") == []
    run_pending_jobs()
    view = client.get(f"/api/v1/runs/{run}").json
    assert data(client, "run_ended") == [
        {"run_id": run, "study_set_id": study_set, "state": "done", "error_code": None, **view["delivered"]}
    ]
    assert view["delivered"]["flashcards"] > 0
    assert "nucleus" not in str(history(client))


def test_the_end_of_a_failed_or_cancelled_run_is_recorded(client, run_pending_jobs: Callable[[], int]) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("short.txt", b"1"))
    runs = f"{SETS}/{study_set}/runs"
    client.post(runs, json={})
    cancelled = client.post(runs, json={}).json["id"]
    for _ in range(2):
        client.post(f"/api/v1/runs/{cancelled}/cancel", json={})
    run_pending_jobs()
    ended = [(entry["state"], entry["error_code"]) for entry in data(client, "run_ended")]
    assert sorted(ended) == [("cancelled", None), ("failed", "no_items")]


def test_activities_stay_when_the_study_set_is_deleted(client) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", NOTES))
    client.post(f"{SETS}/{study_set}/runs", json={})
    assert client.delete(f"{SETS}/{study_set}").status_code == 204
    assert [entry["state"] for entry in data(client, "run_ended")] == ["cancelled"]
    assert len(data(client, "document_uploaded")) == 1


def test_the_end_of_a_run_is_recorded_once_after_a_rollback(
    client, run_pending_jobs: Callable[[], int], crash_on: Callable[..., None], engine: sa.Engine
) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", NOTES))
    run_pending_jobs()
    client.post(f"{SETS}/{study_set}/runs", json={})
    crash_on("activities", times=1)
    run_pending_jobs()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE steps SET available_at = now() WHERE state = 'queued'"))
    run_pending_jobs()
    assert len(data(client, "run_ended")) == 1
