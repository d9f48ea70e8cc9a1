"""Photographs over HTTP: one file is a document, and several can be combined into one."""

import io
import os
import shutil
import zipfile

import pytest
import sqlalchemy as sa

from backend.library.photographs import MAX_PHOTOGRAPHS
from backend.settings import get_settings
from backend.text.languages import LANGUAGES
from tests.library.extraction.ocr.scans import LINES, encode, page_picture

# What a file is, its first bytes say.
JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture
def study_set_id(client) -> str:
    """An empty study set."""
    return client.make_study_set()


@pytest.fixture
def combine(client, study_set_id: str):
    """Upload files as one document."""

    def _combine(*files: tuple[str, bytes], of: str = study_set_id, flag: str = "true", **headers: str):
        return client.post(
            f"/api/v1/study-sets/{of}/documents",
            data={"combine": flag, "files": [(io.BytesIO(content), name) for name, content in files]},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return _combine


def _photographs(count: int = 3) -> list[tuple[str, bytes]]:
    return [(f"IMG_{number}.jpg", JPEG + bytes([number])) for number in range(count)]


def _count(query, table: str = "documents") -> int:
    return query(f"SELECT count(*) FROM {table}")[0][0]


def test_photographs_become_one_document_in_their_order(client, combine, run_pending_jobs, tesseract):
    files = [("Board 1.png", encode(page_picture([LINES[0]]))), ("b.webp", encode(page_picture([LINES[1]]), "WEBP"))]
    answer = combine(*files)
    assert answer.status_code == 201, answer.text
    [document] = answer.json["documents"]
    assert (document["filename"], document["format"], document["status"]) == ("Board 1.zip", "photos", "queued")
    run_pending_jobs()
    read = client.get(f"/api/v1/documents/{document['id']}").json
    assert (read["status"], read["pages"]) == ("ready", 2)
    pages = [client.get(f"/api/v1/documents/{document['id']}/pages/{number}").json for number in (1, 2)]
    assert [" ".join(page["text"].split()) for page in pages] == list(LINES[:2])
    assert {page["source"] for page in pages} == {"ocr"}
    assert all(page["confidence"] > 70 for page in pages)


def test_photographs_are_recognised_in_the_language_of_their_study_set(
    client, study_set_id, run_pending_jobs, tesseract, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    notes = "The cell is the smallest unit of life, and all that it needs is in it. " * 8
    client.upload(study_set_id, ("notes.txt", notes.encode()))
    run_pending_jobs()
    real, calls = shutil.which("tesseract"), tmp_path / "calls.txt"
    (tmp_path / "tesseract").write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {real} "$@"\n')
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    client.upload(study_set_id, ("Board.png", encode(page_picture(LINES))))
    run_pending_jobs()
    assert " -l eng+deu" in calls.read_text()


def test_the_download_has_the_photographs_as_they_were_sent(client, combine):
    [document] = combine(*_photographs()).json["documents"]
    download = client.get(f"/api/v1/documents/{document['id']}/file")
    assert download.headers["Content-Type"] == "application/zip"
    assert len(download.data) == document["size_bytes"]
    with zipfile.ZipFile(io.BytesIO(download.data)) as archive:
        assert [(entry.filename, archive.read(entry)) for entry in archive.infolist()] == [
            (f"{number + 1:03}.jpeg", content) for number, (_, content) in enumerate(_photographs())
        ]


def test_the_same_photographs_again_are_a_duplicate(combine, query):
    first = combine(*_photographs()).json["documents"][0]
    again = combine(*_photographs()).json["documents"][0]
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    other = combine(*reversed(_photographs())).json["documents"][0]
    assert (other["duplicate"], _count(query)) == (False, 2)


def test_photographs_that_are_not_combined_are_documents_of_their_own(client, combine, study_set_id):
    assert [each["format"] for each in client.upload(study_set_id, *_photographs()).json["documents"]] == ["jpeg"] * 3
    assert len(combine(*_photographs(4), flag="false").json["documents"]) == 4


def test_a_single_photograph_stays_as_it_is(combine):
    [document] = combine(("Board.jpg", JPEG)).json["documents"]
    assert (document["filename"], document["format"]) == ("Board.jpg", "jpeg")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("notes.txt", b"A cell divides.", "not_a_photograph"),
        ("page.jpg", b"A cell divides.", "mislabelled"),
        ("page.png", b"", "empty"),
        ("page.doc", b"x", "legacy_office"),
        ("page.gif", b"GIF89a", "unsupported"),
    ],
)
def test_only_photographs_are_combined_all_or_none(combine, query, name, content, code):
    answer = combine(*_photographs(), (name, content))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["errors"] == [{"field": "files[3]", "messages": [f"{name}: {answer.json['detail']}"]}]
    assert (_count(query), _count(query, "stored_pieces")) == (0, 0)


def test_the_number_of_photographs_is_limited(combine, query):
    answer = combine(*_photographs(MAX_PHOTOGRAPHS + 1))
    assert (answer.status_code, answer.json["code"]) == (422, "too_many_photographs")
    assert str(MAX_PHOTOGRAPHS) in answer.json["detail"]
    assert _count(query) == 0
    assert combine(*_photographs(MAX_PHOTOGRAPHS)).status_code == 201


def test_photographs_count_together(combine, configure, query):
    configure(MAX_UPLOAD_BYTES="2000000")
    photographs = [(f"{number}.jpg", JPEG + bytes([number]) * 800_000) for number in range(3)]
    answer = combine(*photographs)
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
    assert _count(query) == 0
    assert combine(*photographs[:2]).status_code == 201


def test_combined_photographs_count_towards_the_quota(combine, configure, query):
    configure(STORAGE_QUOTA_BYTES="1000000")
    assert get_settings().storage_quota_bytes == 1_000_000
    answer = combine(*[(f"{number}.jpg", JPEG + bytes([number]) * 600_000) for number in range(2)])
    assert (answer.status_code, answer.json["code"]) == (409, "storage_quota_exceeded")
    assert _count(query) == 0


def test_somebody_elses_study_set_is_not_found(other_client, combine, query):
    theirs = other_client.make_study_set()
    assert combine(*_photographs(), of=theirs).status_code == 404
    assert combine(("notes.txt", b"text"), of=theirs).status_code == 404


def test_an_idempotency_key_belongs_to_the_combined_upload(combine, query):
    first = combine(*_photographs(), Idempotency_Key="one")
    assert combine(*_photographs(), Idempotency_Key="one").json == first.json
    assert combine(*_photographs(), flag="false", Idempotency_Key="one").json["code"] == "idempotency_key_reused"
    assert _count(query) == 1


@pytest.mark.parametrize("name", ["old.doc", "old.ppt"])
def test_an_old_office_file_is_refused_with_what_to_do(client, study_set_id, name):
    content = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2048)
    answers = [client.upload(study_set_id, (name, content), Accept_Language=each) for each in LANGUAGES]
    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(422, "legacy_office")}
    assert all("DOCX" in answer.json["detail"] for answer in answers)
    assert len({answer.json["detail"] for answer in answers}) == len(LANGUAGES)


def test_temporary_archives_are_deleted(combine, monkeypatch: pytest.MonkeyPatch, tmp_path, engine: sa.Engine):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert combine(*_photographs()).status_code == 201
    assert combine(*_photographs(), ("notes.txt", b"text")).status_code == 422
    assert not list(tmp_path.glob("photographs-*"))
