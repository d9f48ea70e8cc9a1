"""Files of unused study sets expire; pages and items stay."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.library import service as library
from backend.library.files import expiry
from tests.library.conftest import TEXT, Bucket

_OLD = "now() - interval '400 days'"


@pytest.fixture
def expire(app) -> Callable[[], int]:
    """Delete the files that are due."""

    def run() -> int:
        with app.app_context():
            return library.delete_expired_files()

    return run


@pytest.fixture
def grow_old(query: Callable[..., Any]) -> Callable[[], None]:
    """Move everything 400 days into the past."""

    def run() -> None:
        query(f"UPDATE study_sets SET created_at = {_OLD}, updated_at = {_OLD}")
        query(f"UPDATE documents SET created_at = {_OLD}, ended_at = {_OLD}")
        for table in ("flashcards", "questions"):
            query(f"UPDATE {table} SET created_at = {_OLD}, updated_at = {_OLD}")
        query(f"UPDATE runs SET created_at = {_OLD}, ended_at = {_OLD}")

    return run


def test_the_file_of_an_unused_study_set_expires(client, document, expire, grow_old, query) -> None:
    assert expire() == 0
    grow_old()
    before = client.get(f"{document['path']}/pages/1").json
    assert client.get(document["path"]).json["file_expired"] is False
    assert expire() == 1
    assert query("SELECT count(*) FROM stored_pieces") == [(0,)]
    answer = client.get(document["file"])
    assert (answer.status_code, answer.json["code"]) == (410, "file_expired")
    german = client.get(document["file"], headers={"Accept-Language": "de"})
    assert german.json["detail"] != answer.json["detail"]
    seen = client.get(document["path"]).json
    assert (seen["file_expired"], seen["status"]) == (True, "ready")
    assert client.get(f"{document['path']}/pages/1").json == before
    assert expire() == 0


def test_cards_and_quotes_outlive_the_file(client, document, expire, grow_old, query) -> None:
    path = f"/api/v1/study-sets/{document['study_set_id']}/flashcards"
    quote = {"document_id": document["id"], "page": 1, "quote": "Cell number 7 divides into two"}
    card = client.post(path, json={"front": "What divides?", "back": "A cell", "evidence": quote})
    assert card.status_code == 201, card.text
    grow_old()
    assert expire() == 1
    (kept,) = client.get(path).json["items"]
    assert (kept["id"], kept["back"]) == (card.json["id"], "A cell")
    assert kept["evidence"] == card.json["evidence"]
    assert kept["evidence"][0]["quote"] == "Cell number 7 divides into two"


def test_an_expired_file_leaves_no_object(client, bucket: Bucket, document, move, expire, grow_old, discard) -> None:
    move()
    grow_old()
    assert expire() == 1
    assert client.get(document["file"]).status_code == 410
    assert discard() == 1
    assert bucket.keys() == []
    assert move() == 0


def test_a_file_that_expires_during_a_move_stays_expired(
    app, client, bucket: Bucket, document, move, expire, grow_old, discard, query
) -> None:
    query(
        "CREATE FUNCTION expire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE documents SET stored_in = NULL; RETURN NEW; END $$;"
        # A move records its object when it begins.
        "CREATE TRIGGER expire AFTER INSERT ON discarded_objects FOR EACH ROW EXECUTE FUNCTION expire()"
    )
    try:
        assert move() == 0
    finally:
        query("DROP FUNCTION expire CASCADE")
    assert client.get(document["file"]).status_code == 410
    assert discard() == 1
    assert bucket.keys() == []


def test_an_expired_file_can_be_uploaded_again(client, document, expire, grow_old) -> None:
    grow_old()
    expire()
    again = client.upload(document["study_set_id"], ("notes.txt", TEXT)).json["documents"][0]
    assert (again["id"], again["duplicate"], again["file_expired"]) == (document["id"], True, False)
    assert client.get(document["file"]).data == TEXT


@pytest.mark.parametrize("use", ["rename", "upload", "reading", "run", "flashcard", "question"])
def test_a_study_set_in_use_keeps_its_files(
    client, document, expire, grow_old, query, run_pending_jobs, use: str
) -> None:
    grow_old()
    path = f"/api/v1/study-sets/{document['study_set_id']}"
    if use == "rename":
        client.patch(path, json={"title": "Biology"})
    elif use == "upload":
        client.upload(document["study_set_id"], ("more.txt", b"Plants grow."))
        run_pending_jobs()
    elif use == "reading":
        query("UPDATE documents SET state = 'queued', ended_at = NULL")
    elif use == "run":
        assert client.post(f"{path}/runs", json={}).status_code == 202
    elif use == "flashcard":
        assert client.post(f"{path}/flashcards", json={"front": "a", "back": "b"}).status_code == 201
    else:
        choices = {"stem": "?", "options": [{"text": "a", "correct": True}, {"text": "b"}]}
        assert client.post(f"{path}/questions", json=choices).status_code == 201
    assert expire() == 0
    assert client.get(document["file"]).data == TEXT


def test_a_run_in_progress_keeps_the_files(client, document, expire, grow_old, query) -> None:
    assert client.post(f"/api/v1/study-sets/{document['study_set_id']}/runs", json={}).status_code == 202
    grow_old()
    query("UPDATE runs SET ended_at = NULL")
    assert expire() == 0
    query(f"UPDATE runs SET state = 'cancelled', ended_at = {_OLD}")
    assert expire() == 1


def test_only_unused_study_sets_are_touched(client, document, expire, grow_old, run_pending_jobs) -> None:
    grow_old()
    other = client.upload(client.make_study_set(), ("other.txt", b"Plants grow.")).json["documents"][0]
    run_pending_jobs()
    assert expire() == 1
    assert client.get(f"/api/v1/documents/{other['id']}/file").data == b"Plants grow."


def test_old_study_sets_in_use_do_not_keep_younger_ones_from_expiring(
    client, document, expire, grow_old, query, run_pending_jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    used = [document["study_set_id"]]
    for number in range(4):
        used.append(client.make_study_set())
        client.upload(used[-1], (f"{number}.txt", f"Cell number {number} divides.".encode()))
    unused = client.make_study_set()
    client.upload(unused, ("unused.txt", b"Plants grow."))
    run_pending_jobs()
    grow_old()
    query("UPDATE study_sets SET updated_at = updated_at + interval '1 day' WHERE id = :id", id=unused)
    for study_set_id in used:
        path = f"/api/v1/study-sets/{study_set_id}/flashcards"
        assert client.post(path, json={"front": "a", "back": "b"}).status_code == 201
    assert expire() == 1
    assert query("SELECT study_set_id::text FROM documents WHERE stored_in IS NULL") == [(unused,)]
    assert expire() == 0


@pytest.mark.parametrize(("days", "expired"), [("0", 0), ("401", 0), ("399", 1)])
def test_the_number_of_days_is_a_setting(
    client, document, expire, grow_old, configure, days: str, expired: int
) -> None:
    configure(DOCUMENT_RETENTION_DAYS=days)
    grow_old()
    assert expire() == expired
