"""Files move between PostgreSQL and a bucket, and none is lost."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from backend.core.work.queue import queue
from tests.library.conftest import TEXT, Bucket
from tests.patience import HANG_S, join

WHERE = "SELECT stored_in, stored_key::text FROM documents"
PIECES = "SELECT count(*) FROM stored_pieces"


def test_a_file_moves_to_the_bucket(client, bucket: Bucket, document, move, query) -> None:
    assert move() == 1
    ((place, key),) = query(WHERE)
    assert place == bucket.place
    assert bucket.keys() == [f"files/{key}"]
    assert bucket.content(f"files/{key}") == TEXT
    assert query(PIECES) == [(0,)]
    assert query("SELECT count(*) FROM discarded_objects") == [(0,)]
    assert client.get(document["file"]).data == TEXT
    assert move() == 0


def test_a_file_leaves_a_bucket_only_on_an_operators_command(
    client, bucket: Bucket, document, move, move_anywhere, query, configure
) -> None:
    move()
    for place in ("postgres", f"{bucket.place}/archive"):
        configure(DOCUMENT_STORAGE=place)
        assert move() == 0
        assert query("SELECT stored_in, moving_until FROM documents") == [(bucket.place, None)]
        assert client.get(document["file"]).data == TEXT
    assert move_anywhere() == 1
    assert query(WHERE)[0][0] == f"{bucket.place}/archive"


def test_a_file_moves_back(client, bucket: Bucket, document, move, move_anywhere, query, configure, discard) -> None:
    move()
    configure(DOCUMENT_STORAGE="postgres")
    assert move_anywhere() == 1
    assert query(WHERE) == [("postgres", None)]
    assert client.get(document["file"]).data == TEXT
    # A download of the object may continue for a while.
    assert len(bucket.keys()) == 1
    assert discard() == 1
    assert bucket.keys() == []
    assert client.get(document["file"]).data == TEXT
    assert query("SELECT count(*) FROM discarded_objects") == [(0,)]


def test_a_file_moves_to_another_prefix(
    client, bucket: Bucket, document, move, move_anywhere, query, configure, discard
) -> None:
    move()
    configure(DOCUMENT_STORAGE=f"{bucket.place}/archive/2")
    assert move_anywhere() == 1
    assert discard() == 1
    ((place, key),) = query(WHERE)
    assert place == f"{bucket.place}/archive/2"
    assert bucket.keys() == [f"files/archive/2/{key}"]
    assert client.get(document["file"]).data == TEXT


def test_a_file_that_waits_to_be_read_stays(client, bucket: Bucket, move, run_pending_jobs) -> None:
    client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    assert move() == 0
    run_pending_jobs()
    assert move() == 1


def test_an_unreadable_file_also_moves(client, bucket: Bucket, move, run_pending_jobs) -> None:
    broken = b"%PDF-1.7\n" + b"garbage " * 50 + b"\nstartxref\n0\n%%EOF\n"
    made = client.upload(client.make_study_set(), ("broken.pdf", broken)).json["documents"][0]
    run_pending_jobs()
    assert move() == 1
    assert client.get(f"/api/v1/documents/{made['id']}/file").data == broken


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "a/../../b.txt", "x?acl&y=%2e%2e.txt", "ä\u202e\x01🧬.txt"])
def test_a_hostile_name_does_not_reach_the_key(
    client, bucket: Bucket, move, query, run_pending_jobs, name: str
) -> None:
    made = client.upload(client.make_study_set(), (name, b"Cells divide.")).json["documents"][0]
    run_pending_jobs()
    assert move() == 1
    ((_, key),) = query(WHERE)
    assert bucket.keys() == [f"files/{key}"]
    assert client.get(f"/api/v1/documents/{made['id']}/file").data == b"Cells divide."
    assert all(line.split(b" ")[1].startswith(f"/{bucket.name}/files/".encode()) for line in bucket.gate.requests)


def test_files_may_be_in_several_places(client, bucket: Bucket, document, move, run_pending_jobs) -> None:
    move()
    other = client.upload(client.make_study_set(), ("other.txt", b"Plants grow.")).json["documents"][0]
    assert client.get(document["file"]).data == TEXT
    assert client.get(f"/api/v1/documents/{other['id']}/file").data == b"Plants grow."


def test_a_worker_reads_a_file_that_has_moved(client, bucket: Bucket, document, move, query, run_pending_jobs) -> None:
    before = client.get(f"{document['path']}/pages/2").json["text"]
    move()
    query("DELETE FROM pages")
    query("UPDATE documents SET state = 'queued', ended_at = NULL")
    assert run_pending_jobs() == 1
    assert client.get(f"{document['path']}/pages/2").json["text"] == before


def test_a_worker_waits_for_an_unreachable_bucket(
    client, bucket: Bucket, document, move, query, run_pending_jobs
) -> None:
    move()
    bucket.gate.shut()
    # More often than a document may fail.
    for _ in range(5):
        query("UPDATE documents SET state = 'queued', ended_at = NULL, available_at = now()")
        assert run_pending_jobs() == 1
        assert query("SELECT state, failures, available_at > now() FROM documents") == [("queued", 0, True)]
    bucket.gate.reopen()
    query("UPDATE documents SET available_at = now()")
    assert run_pending_jobs() == 1
    assert client.get(document["path"]).json["status"] == "ready"


def test_deleting_a_document_during_a_bucket_request_is_not_a_failure(
    app, client, bucket: Bucket, document, move, query
) -> None:
    move()
    query("UPDATE documents SET state = 'queued', ended_at = NULL")
    failures: list[Exception] = []

    def read() -> None:
        with app.app_context():
            try:
                queue.tasks["library.read_document"].run(document["id"])
            except Exception as error:
                failures.append(error)

    bucket.gate.hold("GET")
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert bucket.gate.arrived.wait(HANG_S)
    assert client.delete(document["path"]).status_code == 204
    bucket.gate.shut()
    bucket.gate.release()
    join(thread)
    assert failures == []


@pytest.mark.parametrize("what", ["document", "study_set", "user"])
def test_deleted_files_leave_no_object(
    client, bucket: Bucket, document, move, discard, query: Callable[..., Any], what: str
) -> None:
    move()
    assert len(bucket.keys()) == 1
    # Deleting does not wait for the bucket.
    bucket.gate.shut()
    if what == "document":
        assert client.delete(document["path"]).status_code == 204
    elif what == "study_set":
        assert client.delete(f"/api/v1/study-sets/{document['study_set_id']}").status_code == 204
    else:
        query("DELETE FROM users")
    assert query("SELECT count(*) FROM documents") == [(0,)]
    assert discard() == 0
    assert len(bucket.keys()) == 1
    bucket.gate.reopen()
    assert discard() == 1
    assert bucket.keys() == []
    assert query("SELECT count(*) FROM discarded_objects") == [(0,)]
