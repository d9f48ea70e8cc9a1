"""A bucket that is unreachable, slow, damaged or misconfigured: what the user and the operator see."""

import subprocess
import sys
import threading
import tracemalloc
from uuid import UUID, uuid4

import pytest

from backend.core.database.transaction import TransactionOpen, transaction
from backend.library import service as library
from backend.library.errors import FileLost, FileUnavailable
from backend.library.files import object_storage
from tests.conftest import CHECKOUT
from tests.library.conftest import TEXT, Bucket
from tests.patience import HANG_S, join

FILE_BYTES = 50_000_000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the timeouts of the bucket, so that the test does not take long."""
    monkeypatch.setattr(object_storage, "_READ_TIMEOUT_S", 0.5)


@pytest.mark.parametrize("fault", ["shut", "freeze"])
def test_a_download_reports_an_unreachable_bucket(
    client, bucket: Bucket, document, move, impatient: None, fault: str
) -> None:
    move()
    getattr(bucket.gate, fault)()
    answer = client.get(document["file"])
    assert (answer.status_code, answer.json["code"]) == (503, "file_unavailable")
    assert answer.headers["Retry-After"] == "10"
    assert answer.content_type == "application/problem+json"
    german = client.get(document["file"], headers={"Accept-Language": "de"})
    assert german.json["detail"] != answer.json["detail"]
    # Everything else about the document is in the database.
    assert client.get(document["path"]).json["status"] == "ready"
    assert client.get(f"{document['path']}/pages/1").status_code == 200
    bucket.gate.reopen()
    assert client.get(document["file"]).data == TEXT


def test_an_upload_does_not_need_the_bucket(client, bucket: Bucket, run_pending_jobs) -> None:
    bucket.gate.shut()
    answer = client.upload(client.make_study_set(), ("notes.txt", TEXT))
    assert answer.status_code == 201
    assert run_pending_jobs() == 1
    assert client.get(f"/api/v1/documents/{answer.json['documents'][0]['id']}/file").data == TEXT
    assert bucket.gate.requests == []


def test_a_download_resumes_where_its_connection_broke(client, bucket: Bucket, document, move) -> None:
    move()
    bucket.gate.cut_next_answer(200_000)
    assert client.get(document["file"]).data == TEXT
    asked = [line for line in bucket.gate.requests if line.startswith(b"GET ")]
    # Once to check the copy, once without success, once for the rest.
    assert len(asked) == 3


@pytest.mark.parametrize("to_bucket", [True, False])
def test_a_download_continues_while_its_file_moves(
    app, client, bucket: Bucket, document, move, move_anywhere, discard, configure, to_bucket: bool
) -> None:
    if not to_bucket:
        move()
        configure(DOCUMENT_STORAGE="postgres")
    with app.app_context():
        pieces = library.document_file.open(UUID(document["id"]))
        first = next(pieces)
    assert move_anywhere() == 1
    discard()
    with app.app_context():
        assert first + b"".join(pieces) == TEXT
    assert 0 < len(first) < len(TEXT)


def test_a_download_follows_a_file_that_moved_before_its_first_byte(
    app, client, bucket: Bucket, document, move, move_anywhere, discard, configure
) -> None:
    move()
    configure(DOCUMENT_STORAGE="postgres")
    read: list[bytes] = []

    def download() -> None:
        with app.app_context():
            read.extend(library.document_file.open(UUID(document["id"])))

    bucket.gate.hold("GET")
    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    assert bucket.gate.arrived.wait(HANG_S)
    assert move_anywhere() == 1
    assert discard() == 1
    bucket.gate.release()
    join(thread)
    assert b"".join(read) == TEXT


@pytest.mark.parametrize("content", [None, TEXT[:1000]], ids=["gone", "cut"])
def test_a_file_missing_from_the_bucket_does_not_give_a_short_response(
    client, bucket: Bucket, document, move, content: bytes | None
) -> None:
    move()
    bucket.damage(bucket.keys()[0], content)
    answer = client.get(document["file"])
    if content is None:
        assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    else:
        # The headers are already sent: the connection ends before the promised length.
        with pytest.raises(FileLost):
            _ = answer.data


@pytest.mark.parametrize(
    "variables",
    [
        {"S3_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"S3_ACCESS_KEY_ID": "", "S3_SECRET_ACCESS_KEY": "", "DOCUMENT_STORAGE": "postgres"},
    ],
    ids=["nobody there", "no keys"],
)
def test_a_wrong_setting_loses_nothing(client, bucket: Bucket, document, move, configure, variables) -> None:
    move()
    configure(**variables)
    assert client.get(document["file"]).status_code == 503


def test_a_missing_bucket_is_not_a_missing_file(client, bucket: Bucket, document, move, query) -> None:
    move()
    query("UPDATE documents SET stored_in = 's3://no-such-bucket/files'")
    assert client.get(document["file"]).status_code == 503


def test_no_call_is_made_in_a_transaction(app, bucket: Bucket, tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"Cells divide.")
    with app.app_context(), path.open("rb") as file, transaction():
        with pytest.raises(TransactionOpen):
            object_storage.put_object(bucket.place, uuid4(), file, 13)
        with pytest.raises(TransactionOpen):
            next(object_storage.read_object(bucket.place, uuid4(), 0, 1000))
        with pytest.raises(TransactionOpen):
            object_storage.delete_object(bucket.place, uuid4())
    assert bucket.gate.requests == []


def test_an_object_is_read_from_anywhere(app, bucket: Bucket, tmp_path) -> None:
    path, key = tmp_path / "file", uuid4()
    path.write_bytes(b"0123456789")
    with app.app_context(), path.open("rb") as file:
        object_storage.put_object(bucket.place, key, file, 10)
        for start in (0, 3, 9, 10, 11):
            pieces = list(object_storage.read_object(bucket.place, key, start, 4))
            assert b"".join(pieces) == b"0123456789"[start:]
            assert all(0 < len(piece) <= 4 for piece in pieces)
        object_storage.delete_object(bucket.place, key)
        object_storage.delete_object(bucket.place, key)
        assert list(object_storage.read_object(bucket.place, key, 0, 4)) == []
        bucket.gate.shut()
        with pytest.raises(FileUnavailable):
            object_storage.delete_object(bucket.place, key)


def test_memory_stays_flat_while_a_large_file_is_read(app, bucket: Bucket, tmp_path) -> None:
    path, key = tmp_path / "file", uuid4()
    with path.open("wb") as file:
        file.truncate(FILE_BYTES)
    with app.app_context(), path.open("rb") as file:
        object_storage.put_object(bucket.place, key, file, FILE_BYTES)
        tracemalloc.start()
        try:
            read = sum(len(piece) for piece in object_storage.read_object(bucket.place, key, 0, 512 * 1024))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert read == FILE_BYTES
    assert peak < 8_000_000


def test_processes_without_a_bucket_do_not_load_its_sdk(settings) -> None:
    script = "import sys, backend.worker.computing, backend.app; print('boto3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, timeout=HANG_S, check=True
    )
    assert done.stdout.strip() == "False"
