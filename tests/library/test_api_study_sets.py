"""Study sets over HTTP."""

import json
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.core.database.database import Base

SETS = "/api/v1/study-sets"


def test_a_study_set_is_created_and_read(client) -> None:
    made = client.post(SETS, json={"title": "  Zellbiologie 🧬  "})
    assert made.status_code == 201
    assert made.json["title"] == "Zellbiologie 🧬"
    assert made.headers["Location"] == f"{SETS}/{made.json['id']}"
    assert client.get(made.headers["Location"]).json == made.json
    assert UUID(made.json["id"]).version == 7
    assert made.json["created_at"] == made.json["updated_at"]
    assert made.json["created_at"].endswith("Z")


def test_a_title_may_have_200_characters(client) -> None:
    title = "ü" * 200
    assert client.post(SETS, json={"title": title}).json["title"] == title


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Cell\x00 bio\x1b[31mlogy", "Cell bio[31mlogy"),
        ("Cell\u200b\u200d bio\ufefflogy", "Cell biology"),
        ("Cell \u202eygoloib\u202c", "Cell ygoloib"),
        ("Cell\r\nbiology\t 2", "Cell biology 2"),
        ("half a \ud800 pair", "half a pair"),
        ("\u200b" + "x" * 200, "x" * 200),
    ],
)
def test_invisible_characters_are_removed_from_titles(client, sent: str, kept: str) -> None:
    made = client.post(SETS, data=json.dumps({"title": sent}), content_type="application/json")
    assert made.status_code == 201
    assert made.json["title"] == kept
    path = made.headers["Location"]
    assert client.patch(path, data=json.dumps({"title": sent}), content_type="application/json").json["title"] == kept


@pytest.mark.parametrize("title", ["\u200b", " \x00\u202e\n", "\ufeff\t\u2066"])
def test_an_invisible_title_is_refused(client, title: str) -> None:
    answer = client.post(SETS, json={"title": title})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["title"]


def test_study_sets_are_listed_newest_first(client, other_client) -> None:
    other_client.make_study_set("not mine")
    for title in ("first", "second", "third"):
        client.make_study_set(title)
    answer = client.get(SETS)
    assert [item["title"] for item in answer.json["items"]] == ["third", "second", "first"]


def test_a_study_set_can_be_renamed(client) -> None:
    path = f"{SETS}/{client.make_study_set('before')}"
    renamed = client.patch(path, json={"title": "after"})
    assert renamed.status_code == 200
    assert renamed.json["title"] == client.get(path).json["title"] == "after"
    assert renamed.json["updated_at"] > renamed.json["created_at"]


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "x" * 201}, {"title": "a", "user_id": "x"}])
def test_an_invalid_title_changes_nothing(client, body: dict[str, str]) -> None:
    path = f"{SETS}/{client.make_study_set('before')}"
    assert client.patch(path, json=body).status_code == 422
    assert client.get(path).json["title"] == "before"


def test_a_deleted_study_set_gives_404(client) -> None:
    path = f"{SETS}/{client.make_study_set()}"
    answer = client.delete(path)
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.patch(path, json={"title": "x"}).status_code == 404
    assert client.get(SETS).json["items"] == []


# What remains of a user whose study sets are deleted: the account, its sessions and activities, and the responses
# stored for Idempotency-Keys. Calls of the language model were paid for, and their rows contain only numbers.
KEPT = {"users", "identities", "sessions", "activities", "idempotency_keys", "model_calls"}


def row_counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_deleting_leaves_no_rows_anywhere(client, engine: sa.Engine, run_pending_jobs) -> None:
    study_set_id = client.make_study_set()
    path = f"{SETS}/{study_set_id}"
    notes = "\n\n".join(
        f"Mitosis number {n} is the division of a nucleus into {n + 2} nuclei of the same kind." for n in range(30)
    )
    client.upload(study_set_id, ("notes.txt", notes.encode()), Idempotency_Key="k1")
    run_pending_jobs()
    document_id = client.get(f"{path}/documents").json["items"][0]["id"]
    evidence = {"document_id": document_id, "page": 1, "quote": "is the division of a nucleus"}
    for kind, body in (
        ("flashcards", {"front": "Mitosis?", "back": "A division.", "evidence": evidence}),
        ("questions", {"stem": "Mitosis?", "options": [{"text": "A", "correct": True}, {"text": "B"}]}),
    ):
        assert client.post(f"{path}/{kind}", json=body).status_code == 201
    assert client.post(f"{path}/runs", json={}).status_code == 202
    run_pending_jobs()
    filled = {name for name, count in row_counts(engine).items() if count}
    assert filled >= {"documents", "pages", "stored_pieces", "flashcards", "questions", "evidence", "runs", "steps"}
    assert client.delete(path).status_code == 204
    assert {name for name, count in row_counts(engine).items() if count} - KEPT == set()


def test_deleting_leaves_the_rows_of_others(client, other_client, engine: sa.Engine) -> None:
    for each in (client, other_client):
        each.upload(each.make_study_set(), ("notes.txt", b"A cell divides."))
    mine = client.get(SETS).json["items"][0]["id"]
    client.delete(f"{SETS}/{mine}")
    counts = row_counts(engine)
    assert (counts["study_sets"], counts["documents"], counts["stored_pieces"]) == (1, 1, 1)


def test_a_study_set_can_be_deleted_while_its_document_waits_to_be_read(client, run_pending_jobs) -> None:
    study_set_id = client.make_study_set()
    client.upload(study_set_id, ("notes.txt", b"A cell divides."))
    assert client.delete(f"{SETS}/{study_set_id}").status_code == 204
    assert run_pending_jobs() == 0
