"""Reading a document again over HTTP: the old text stays until the new one is complete, with its quotes looked up."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask

from backend.core.database.transaction import transaction
from backend.core.work.queue import queue
from backend.library.models import Document, Rereading
from backend.library.reading_places import claim_place
from backend.library.types import TEXT_VERSION

FIRST = "The mitochondrion of every cell makes adenosine triphosphate."
SECOND = "The chloroplast of every leaf makes sugar out of light."
LOST = "The vacuole of every yeast stores two or three sorts of amino acids."
NEW = f"{FIRST}\n\n{SECOND}\n"
# As an earlier release read it: another text before the quotes, and one sentence that is not in the file.
OLD = f"Page one of one.\n{LOST}\n{FIRST} {SECOND}"


@pytest.fixture
def read(client, run_pending_jobs: Callable[[], int], query) -> dict[str, Any]:
    """A document with the text of an earlier release, and a card for each of its sentences."""
    study_set = client.make_study_set()
    made = client.upload(study_set, ("cells.txt", NEW.encode())).json["documents"][0]
    assert run_pending_jobs() == 1
    query("UPDATE pages SET text = :text, text_version = 1", text=OLD)
    cards = {}
    for quote in (FIRST, SECOND, LOST):
        answer = client.post(
            f"/api/v1/study-sets/{study_set}/flashcards",
            json={
                "front": f"What of this? {quote[:15]}",
                "back": "That.",
                "evidence": {"document_id": made["id"], "page": 1, "quote": quote},
            },
        )
        assert answer.status_code == 201, answer.text
        cards[quote] = answer.json["id"]
    return {"id": made["id"], "path": f"/api/v1/documents/{made['id']}", "study_set": study_set, "cards": cards}


def status(client, read: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{read['path']}/rereading")
    assert answer.status_code == 200
    return answer.json


def text(client, read: dict[str, Any]) -> str:
    return client.get(f"{read['path']}/pages/1").json["text"]


def evidence(client, read: dict[str, Any], quote: str) -> dict[str, Any]:
    (found,) = client.get(f"/api/v1/flashcards/{read['cards'][quote]}").json["evidence"]
    return found


def test_the_new_text_replaces_the_old_when_it_is_complete(client, read, run_pending_jobs, query) -> None:
    answer = client.post(f"{read['path']}/reread")
    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    assert answer.headers["Location"] == f"{read['path']}/rereading"
    assert (answer.json["quotes_found"], answer.json["quotes_lost"], answer.json["error"]) == (None, None, None)
    assert text(client, read) == OLD
    assert client.get(read["path"]).json["status"] == "ready"
    assert run_pending_jobs() == 1
    after = status(client, read)
    assert (after["id"], after["status"]) == (answer.json["id"], "done")
    assert (after["quotes_found"], after["quotes_lost"]) == (2, 1)
    assert text(client, read) == NEW.strip()
    assert query("SELECT text_version FROM pages") == [(TEXT_VERSION,)]
    assert client.get(read["path"]).json["characters"] == len(NEW.strip())


def test_quotes_are_located_in_the_new_text(client, read, run_pending_jobs) -> None:
    before = evidence(client, read, SECOND)
    client.post(f"{read['path']}/reread")
    run_pending_jobs()
    for quote in (FIRST, SECOND):
        after = evidence(client, read, quote)
        assert after["status"] == "verified"
        assert text(client, read)[after["start"] : after["end"]] == after["quote"] == quote.rstrip(".")
    assert evidence(client, read, SECOND)["start"] != before["start"]


def test_a_quote_that_is_not_in_the_new_text_is_uncheckable_and_counted(client, read, run_pending_jobs, query) -> None:
    client.post(f"{read['path']}/reread")
    run_pending_jobs()
    lost = evidence(client, read, LOST)
    assert (lost["status"], lost["quote"], lost["start"], lost["end"]) == ("uncheckable", None, None, None)
    (warning,) = client.get(read["path"]).json["warnings"]
    assert (warning["code"], warning["count"], warning["pages"]) == ("quotes_lost", 1, [1])
    # Its words are kept: a later release may read them.
    query("UPDATE evidence SET lost_quote = :quote WHERE lost_quote IS NOT NULL", quote=f"{FIRST} {SECOND}"[:80])
    client.post(f"{read['path']}/reread")
    run_pending_jobs()
    assert (status(client, read)["quotes_found"], status(client, read)["quotes_lost"]) == (3, 0)
    assert evidence(client, read, LOST)["status"] == "verified"
    assert client.get(read["path"]).json["warnings"] == []


def test_evidence_beyond_the_last_new_page_is_on_the_last_page(client, read, run_pending_jobs, query) -> None:
    query("INSERT INTO pages (document_id, number, text, source) SELECT document_id, 2, text, source FROM pages")
    query("UPDATE evidence SET page = 2")
    client.post(f"{read['path']}/reread")
    run_pending_jobs()
    assert query("SELECT DISTINCT page FROM evidence") == [(1,)]
    assert query("SELECT count(*) FROM pages") == [(1,)]


def test_a_rereading_that_fails_keeps_the_old_text_and_tells_why(client, read, run_pending_jobs, query) -> None:
    query("UPDATE stored_pieces SET data = :data", data=b" " * len(NEW))
    before = [evidence(client, read, quote) for quote in read["cards"]]
    client.post(f"{read['path']}/reread")
    run_pending_jobs()
    after = status(client, read)
    assert (after["status"], after["error"]["code"]) == ("failed", "no_text")
    assert after["error"]["detail"]
    assert text(client, read) == OLD
    assert [evidence(client, read, quote) for quote in read["cards"]] == before
    document = client.get(read["path"]).json
    assert (document["status"], document["error"]) == ("ready", None)
    # It may be tried again.
    assert client.post(f"{read['path']}/reread").status_code == 202


def test_a_crash_while_quotes_are_located_keeps_the_old_text(client, read, run_pending_jobs, query, engine) -> None:
    before = [evidence(client, read, quote) for quote in read["cards"]]
    client.post(f"{read['path']}/reread")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE pages ADD CONSTRAINT no_new_pages CHECK (text_version = 1)")
    try:
        run_pending_jobs()
        assert text(client, read) == OLD
        assert [evidence(client, read, quote) for quote in read["cards"]] == before
        assert status(client, read)["status"] == "queued"
    finally:
        query("ALTER TABLE pages DROP CONSTRAINT no_new_pages")
    query("UPDATE rereadings SET available_at = now()")
    run_pending_jobs()
    assert status(client, read)["status"] == "done"


def test_an_expired_file_cannot_be_read_again(client, read, query) -> None:
    query("UPDATE documents SET stored_in = NULL")
    answer = client.post(f"{read['path']}/reread")
    assert (answer.status_code, answer.json["code"]) == (409, "no_file_to_reread")
    assert client.get(f"{read['path']}/rereading").status_code == 404
    assert text(client, read) == OLD


def test_a_file_that_expires_before_it_is_read_again_keeps_the_old_text(client, read, run_pending_jobs, query) -> None:
    client.post(f"{read['path']}/reread")
    query("UPDATE documents SET stored_in = NULL")
    run_pending_jobs()
    assert status(client, read)["error"]["code"] == "file_expired"
    assert text(client, read) == OLD


def test_only_a_ready_document_is_read_again_and_not_twice_at_once(client, read) -> None:
    waiting = client.upload(read["study_set"], ("more.txt", b"Cells grow.")).json["documents"][0]["id"]
    answer = client.post(f"/api/v1/documents/{waiting}/reread")
    assert (answer.status_code, answer.json["code"]) == (409, "document_not_ready")
    assert client.post(f"{read['path']}/reread").status_code == 202
    answer = client.post(f"{read['path']}/reread")
    assert (answer.status_code, answer.json["code"]) == (409, "rereading_in_progress")


def test_another_users_document_is_not_found(client, other_client, read) -> None:
    assert other_client.post(f"{read['path']}/reread").status_code == 404
    client.post(f"{read['path']}/reread")
    assert other_client.get(f"{read['path']}/rereading").status_code == 404


def test_a_run_and_a_rereading_do_not_work_on_a_document_together(client, read, run_pending_jobs, query) -> None:
    def start_run() -> str:
        answer = client.post(f"/api/v1/study-sets/{read['study_set']}/runs", json={"flashcards": 1, "questions": 0})
        assert answer.status_code == 202, answer.text
        return answer.json["id"]

    run = start_run()
    answer = client.post(f"{read['path']}/reread")
    assert (answer.status_code, answer.json["code"]) == (409, "document_in_use")
    assert client.post(f"/api/v1/runs/{run}/cancel").status_code in (200, 202)
    run_pending_jobs()
    assert client.post(f"{read['path']}/reread").status_code == 202
    # A run that starts meanwhile goes first.
    run = start_run()
    work_on_rereading(client, query)
    assert status(client, read)["status"] == "queued"
    assert text(client, read) == OLD
    client.post(f"/api/v1/runs/{run}/cancel")
    query("UPDATE rereadings SET available_at = now()")
    run_pending_jobs()
    assert status(client, read)["status"] == "done"


def work_on_rereading(client, query) -> None:
    """Work on the rereading, and nothing else."""
    ((rereading,),) = query("SELECT id FROM rereadings")
    with client.application.app_context():
        queue.tasks[Rereading.task].run(str(rereading))


def test_a_document_that_is_deleted_meanwhile_is_gone(client, read, query) -> None:
    client.post(f"{read['path']}/reread")
    ((rereading,),) = query("SELECT id FROM rereadings")
    assert client.delete(read["path"]).status_code == 204
    with client.application.app_context():
        queue.tasks[Rereading.task].run(str(rereading))
    assert query("SELECT count(*) FROM rereadings") == [(0,)]
    assert query("SELECT count(*) FROM pages") == [(0,)]


def test_rereadings_take_places_of_readings(app: APIFlask, client, read, query, configure) -> None:
    configure(CELERY_CONCURRENCY="8")
    documents = client.upload(client.make_study_set(), *((f"{n}.txt", f"Cell {n}.".encode()) for n in range(2)))
    first, second = (UUID(document["id"]) for document in documents.json["documents"])
    client.post(f"{read['path']}/reread")
    ((rereading,),) = query("SELECT id FROM rereadings")
    with app.app_context(), transaction():
        assert claim_place(Document, first)
        assert claim_place(Document, second)
        assert claim_place(Rereading, rereading) is None
    with app.app_context(), transaction():
        query("UPDATE documents SET state = 'done', lease_until = NULL WHERE id = :id", id=first)
        assert claim_place(Rereading, rereading)


def test_a_rereading_is_in_the_activity_log(client, read) -> None:
    client.post(f"{read['path']}/reread")
    (entry,) = client.get("/api/v1/users/me/activity?kind=document_reread").json["items"]
    assert entry["data"]["documents"] == [{"id": read["id"], "filename": "cells.txt"}]


def test_a_text_that_does_not_fit_keeps_the_old_one(client, read, run_pending_jobs, configure) -> None:
    client.post(f"{read['path']}/reread")
    configure(STORAGE_QUOTA_BYTES="100")
    run_pending_jobs()
    assert status(client, read)["error"]["code"] == "storage_quota_exceeded"
    assert text(client, read) == OLD
