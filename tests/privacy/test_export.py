"""Exports: all of a user's data, for that user alone, for a limited time."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from redis import Redis

from backend.core.database.transaction import transaction
from backend.core.work.queue import QUEUE_NAME, queue
from backend.core.work.sweep import sweep
from backend.library import service as library
from backend.privacy import service as privacy
from backend.privacy.exports.archive import clean_name
from backend.privacy.models import DataExport
from backend.privacy.user_tables import list_exported
from backend.settings import get_settings
from tests.library.conftest import TEXT, Bucket
from tests.privacy.conftest import NOTES, Student, read

EXPORT = "/api/v1/users/me/export"
Run = Callable[[], Any]


@pytest.fixture
def exported(owner: Student, run_pending_jobs: Run) -> str:
    """An export that is ready."""
    path = owner.export()
    run_pending_jobs()
    assert owner.client.get(path).json["status"] == "ready"
    return path


@pytest.fixture
def make(app: APIFlask) -> Callable[[str], None]:
    """Have a worker take the message of the export at this path."""

    def take(path: str) -> None:
        with app.app_context():
            queue.tasks[DataExport.task].run(path.rsplit("/", 1)[1])

    return take


@pytest.fixture
def sent(app: APIFlask) -> Callable[[], list[str]]:
    """Return the ids of all exports that were sent, in order; one that was sent twice is there twice."""

    def look() -> list[str]:
        with Redis.from_url(get_settings().redis_url) as broker:
            messages = [json.loads(message) for message in reversed(broker.lrange(QUEUE_NAME, 0, -1))]
        return [
            json.loads(base64.b64decode(message["body"]))[0][0]
            for message in messages
            if message["headers"]["task"] == DataExport.task
        ]

    return look


def test_an_export_has_every_row_and_every_file(student: Student, run_pending_jobs: Run, query: Any) -> None:
    path = student.export()
    run_pending_jobs()
    archive = student.open(path)
    assert archive.testzip() is None
    for table, columns in list_exported():
        if table.name == "data_exports":
            continue
        rows = read(archive, table.name)
        assert len(rows) == query(f"SELECT count(*) FROM {table.name}")[0][0] > 0, table.name
        assert all(set(row) == {column.name for column in columns} for row in rows)
    assert read(archive, "users")[0]["name"] == "Zenobia Quill"
    (file,) = read(archive, "files")
    assert archive.read(file["path"]) == NOTES.encode()
    assert file["document_id"] == student.document
    text = archive.read("README.txt").decode()
    assert [f"[{language}]" in text for language in ("en", "de", "fr", "it")] == [True] * 4


def test_an_export_has_no_other_users_data(owner: Student, other_client: Any, run_pending_jobs: Run) -> None:
    other_client.upload(other_client.make_study_set("Botany"), ("plants.txt", b"A plant grows. " * 30))
    run_pending_jobs()
    path = owner.export()
    run_pending_jobs()
    archive = owner.open(path)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert str(other_client.user_id).encode() not in everything
    assert b"Botany" not in everything
    assert {row["id"] for row in read(archive, "users")} == {str(owner.user_id)}
    for method in ("", "/file"):
        assert other_client.get(path + method).status_code == 404
    assert other_client.get("/api/v1/users/me/exports").json == {"items": []}


def test_the_archive_is_an_attachment_and_supports_ranges(owner: Student, exported: str) -> None:
    whole = owner.client.get(f"{exported}/file")
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=hackthestudy-")
    assert whole.headers["Cache-Control"] == "no-store"
    assert whole.content_length == len(whole.data) == owner.client.get(exported).json["size_bytes"]

    def part(wanted: str, **headers: str) -> Any:
        return owner.client.get(f"{exported}/file", headers={"Range": wanted, **headers})

    rest = part("bytes=100-")
    assert (rest.status_code, rest.data) == (206, whole.data[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.data) - 1}/{len(whole.data)}"
    assert part("bytes=100-109").data == whole.data[100:110]
    assert part("bytes=-5", **{"If-Range": whole.headers["ETag"]}).data == whole.data[-5:]
    assert part("bytes=-5", **{"If-Range": '"another"'}).data == whole.data
    assert part("nonsense").data == whole.data
    beyond = part(f"bytes={len(whole.data)}-")
    assert (beyond.status_code, beyond.json["code"]) == (416, "no_such_part")


def test_one_export_is_made_at_a_time(
    owner: Student, other_client: Any, make: Callable[[str], None], run_pending_jobs: Run, query: Any
) -> None:
    path = owner.export()
    assert owner.export() == path
    other = other_client.post(EXPORT).headers["Location"]
    query(
        "UPDATE data_exports SET state = 'running', lease_until = now() + interval '1 hour' WHERE user_id = :u",
        u=other_client.user_id,
    )
    make(path)
    assert owner.client.get(path).json["status"] == "queued"
    query("UPDATE data_exports SET state = 'queued', lease_until = NULL, available_at = now()")
    run_pending_jobs()
    assert owner.client.get(path).json["status"] == "ready"
    assert other_client.get(other).json["status"] == "ready"


def test_exports_are_made_in_the_order_of_their_requests(
    owner: Student, other_client: Any, make: Callable[[str], None], sent: Callable[[], list[str]], engine: Any
) -> None:
    first = owner.export()
    other = other_client.post(EXPORT).headers["Location"]
    make(first)
    # Whose turn it is now is sent at once, and not looked for some time later.
    assert sent()[-1] == other.rsplit("/", 1)[1]
    owner.let_an_hour_pass(engine)
    second = owner.export()
    assert second != first
    make(second)
    assert owner.client.get(second).json["status"] == "queued"
    assert sent()[-1] == other.rsplit("/", 1)[1]
    make(other)
    assert other_client.get(other).json["status"] == "ready"
    assert sent()[-1] == second.rsplit("/", 1)[1]
    make(second)
    assert owner.client.get(second).json["status"] == "ready"


def test_a_failed_export_delays_no_other(
    owner: Student,
    other_client: Any,
    make: Callable[[str], None],
    sent: Callable[[], list[str]],
    crash_on: Any,
    make_due: Run,
) -> None:
    path = owner.export()
    other = other_client.post(EXPORT).headers["Location"]
    crash_on("export_pieces", times=1)
    make(path)
    assert sent()[-1] == other.rsplit("/", 1)[1]
    make(other)
    assert other_client.get(other).json["status"] == "ready"
    make_due()
    make(path)
    assert owner.client.get(path).json["status"] == "ready"


def test_an_export_of_the_last_hour_is_returned_again(
    owner: Student, other_client: Any, exported: str, run_pending_jobs: Run, engine: Any, query: Any
) -> None:
    assert owner.export() == exported
    assert query("SELECT count(*) FROM data_exports") == [(1,)]
    assert other_client.post(EXPORT).headers["Location"] != exported
    owner.let_an_hour_pass(engine)
    newer = owner.export()
    assert newer != exported
    run_pending_jobs()
    # What cannot be downloaded is not given again.
    query("UPDATE data_exports SET stored_in = NULL, expires_at = now()")
    assert owner.export() not in (exported, newer)


def test_concurrent_requests_get_one_export(app: APIFlask, owner: Student, query: Any) -> None:
    barrier, answers = threading.Barrier(6), []

    def ask() -> None:
        client = app.test_client()
        client.token = owner.client.token
        barrier.wait()
        answers.append(client.post(EXPORT))

    asking = [threading.Thread(target=ask) for _ in range(6)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert query("SELECT count(*) FROM data_exports") == [(1,)]


def test_a_newer_export_replaces_the_older(owner: Student, exported: str, run_pending_jobs: Run, engine: Any) -> None:
    owner.let_an_hour_pass(engine)
    newer = owner.export()
    assert owner.client.get(exported).json["status"] == "ready"
    run_pending_jobs()
    listed = owner.client.get("/api/v1/users/me/exports").json["items"]
    assert [each["status"] for each in listed] == ["ready", "expired"]
    assert owner.client.get(f"{exported}/file").status_code == 410
    assert len(read(owner.open(newer), "data_exports")) == 2


def test_an_export_expires(app: APIFlask, owner: Student, exported: str, query: Any) -> None:
    query("UPDATE data_exports SET expires_at = now()")
    answer = owner.client.get(f"{exported}/file", headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.json["code"]) == (410, "export_expired")
    assert query("SELECT count(*) FROM export_pieces") != [(0,)]
    with app.app_context(), transaction():
        assert privacy.delete_expired_exports() == 1
    assert query("SELECT count(*) FROM export_pieces") == [(0,)]
    assert owner.client.get(exported).json["status"] == "expired"
    assert owner.client.get(f"{exported}/file").status_code == 410


def test_a_crashed_export_is_made_again(
    owner: Student, run_pending_jobs: Run, crash_on: Any, make_due: Run, query: Any
) -> None:
    path = owner.export()
    crash_on("export_pieces", times=1)
    run_pending_jobs()
    assert owner.client.get(path).json["status"] == "queued"
    answer = owner.client.get(f"{path}/file")
    assert (answer.status_code, answer.json["code"]) == (409, "export_not_ready")
    make_due()
    run_pending_jobs()
    assert owner.open(path).testzip() is None
    assert query("SELECT DISTINCT attempt FROM export_pieces") == [(2,)]


def test_an_export_that_always_crashes_fails(
    owner: Student, run_pending_jobs: Run, crash_on: Any, make_due: Run
) -> None:
    path = owner.export()
    crash_on("export_pieces", times=100)
    for _ in range(3):
        run_pending_jobs()
        make_due()
    assert owner.client.get(path).json["status"] == "failed"
    answer = owner.client.get(f"{path}/file")
    assert (answer.status_code, answer.json["code"]) == (409, "export_failed")
    assert owner.export() != path


def test_pieces_of_a_lost_attempt_are_never_mixed_in(
    app: APIFlask, owner: Student, run_pending_jobs: Run, query: Any
) -> None:
    path = owner.export()
    query("INSERT INTO export_pieces SELECT id, 1, n, 'stale' FROM data_exports, generate_series(0, 99) n")
    # The sweep takes the job back from a lost worker.
    query("UPDATE data_exports SET state = 'running', attempt = 1, lease_until = now() - interval '1 hour'")
    with app.app_context():
        swept = sweep()
    assert swept is not None
    assert swept.taken_back == 1
    run_pending_jobs()
    assert owner.open(path).testzip() is None
    assert query("SELECT count(*) FROM export_pieces WHERE attempt = 1") == [(0,)]


def test_an_export_is_stored_where_files_are(
    owner: Student, bucket: Bucket, run_pending_jobs: Run, discard: Callable[[], int], query: Any
) -> None:
    path = owner.export()
    run_pending_jobs()
    assert query("SELECT stored_in FROM data_exports") == [(bucket.place,)]
    assert query("SELECT count(*) FROM export_pieces") == [(0,)]
    assert len(bucket.keys()) == 1
    assert owner.open(path).testzip() is None
    whole = owner.client.get(f"{path}/file").data
    assert owner.client.get(f"{path}/file", headers={"Range": "bytes=50-59"}).data == whole[50:60]
    assert discard() == 0
    assert owner.leave().status_code == 202
    run_pending_jobs()
    assert discard() == 1
    assert bucket.keys() == []


def test_a_download_of_an_archive_continues_after_its_connection_broke(
    owner: Student, bucket: Bucket, run_pending_jobs: Run
) -> None:
    owner.client.upload(owner.study_set, ("large.txt", TEXT))
    run_pending_jobs()
    path = owner.export()
    run_pending_jobs()
    whole = owner.client.get(f"{path}/file").data
    # The first piece has come whole by then, so the download has begun.
    assert len(whole) > 650_000
    bucket.gate.cut_next_answer(550_000)
    assert owner.client.get(f"{path}/file").data == whole


def test_files_in_a_bucket_are_exported_once_it_is_back(
    app: APIFlask, owner: Student, bucket: Bucket, run_pending_jobs: Run, make_due: Run, query: Any
) -> None:
    with app.app_context():
        assert library.move_documents() == 1
    path = owner.export()
    bucket.gate.shut()
    run_pending_jobs()
    assert owner.client.get(path).json["status"] == "queued"
    assert query("SELECT failures FROM data_exports") == [(0,)]
    bucket.gate.reopen()
    make_due()
    run_pending_jobs()
    archive = owner.open(path)
    assert archive.read(read(archive, "files")[0]["path"]) == NOTES.encode()


def test_an_export_that_waits_for_the_bucket_lets_the_next_one_begin(
    app: APIFlask,
    owner: Student,
    other_client: Any,
    bucket: Bucket,
    make: Callable[[str], None],
    sent: Callable[[], list[str]],
) -> None:
    with app.app_context():
        assert library.move_documents() == 1
    path = owner.export()
    other = other_client.post(EXPORT).headers["Location"].rsplit("/", 1)[1]
    bucket.gate.shut()
    before = sent().count(other)
    make(path)
    assert owner.client.get(path).json["status"] == "queued"
    assert sent().count(other) == before + 1


def test_a_file_that_expired_is_listed(owner: Student, run_pending_jobs: Run, query: Any) -> None:
    query("UPDATE documents SET stored_in = NULL")
    path = owner.export()
    run_pending_jobs()
    archive = owner.open(path)
    assert read(archive, "files") == [{"document_id": owner.document, "path": None, "missing": "expired"}]
    assert not any(name.startswith("files/") for name in archive.namelist())


def test_requesting_needs_a_fresh_sign_in(owner: Student, exported: str, query: Any) -> None:
    query("UPDATE sessions SET authenticated_at = now() - interval '11 minutes'")
    answer = owner.client.post(EXPORT)
    assert (answer.status_code, answer.json["code"]) == (403, "fresh_sign_in_needed")
    # A finished export can be downloaded for as long as it is kept.
    assert owner.client.get(f"{exported}/file").status_code == 200


def test_an_api_key_cannot_export(student: Student, anonymous: Any, run_pending_jobs: Run) -> None:
    path = student.export()
    run_pending_jobs()
    key = {"Authorization": f"Bearer {student.api_key}"}
    assert anonymous.get(path, headers=key).status_code == 200
    answer = anonymous.get(f"{path}/file", headers=key)
    assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")


def test_requesting_is_in_the_history(owner: Student, exported: str) -> None:
    kinds = [row["kind"] for row in read(owner.open(exported), "activities")]
    assert kinds.count("export_requested") == 1


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "_._etc_passwd"),
        ("a/b\\c:d", "a_b_c_d"),
        ("...", "_"),
        ("", "_"),
        ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
        ("Zellen – Übung 1.pdf", "Zellen – Übung 1.pdf"),
    ],
)
def test_archive_names_are_safe_file_names(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned
