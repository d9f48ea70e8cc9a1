"""Uploads over HTTP: either all files are accepted or none."""

import io
import unicodedata
import zipfile

import pytest
import sqlalchemy as sa

from backend.settings import get_settings
from backend.text.languages import LANGUAGES

TEXT = b"A cell divides. A plant grows."


@pytest.fixture
def study_set_id(client) -> str:
    """An empty study set."""
    return client.make_study_set()


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch):
    """Set limits for one test."""

    def set_to(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        get_settings.cache_clear()

    yield set_to
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def stored(engine: sa.Engine):
    """Count the rows that uploads make."""

    def count() -> tuple[int, int]:
        with engine.connect() as connection:
            return tuple(
                connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in ("documents", "stored_pieces")
            )

    return count


def archive(*names: str, size: int = 10) -> bytes:
    """Make a ZIP file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, b"x" * size)
    return file.getvalue()


def test_one_file(client, study_set_id: str) -> None:
    answer = client.upload(study_set_id, ("notes.txt", TEXT))
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/study-sets/{study_set_id}/documents"
    (document,) = answer.json["documents"]
    assert document["filename"] == "notes.txt"
    assert document["format"] == "txt"
    assert document["purpose"] == "notes"
    assert document["size_bytes"] == len(TEXT)
    assert document["status"] == "queued"
    assert document["duplicate"] is False
    assert document["study_set_id"] == study_set_id
    assert document["error"] is None


def test_many_files_keep_their_order(client, study_set_id: str) -> None:
    files = [(f"{number}.md", f"# Part {number}".encode()) for number in range(8)]
    answer = client.upload(study_set_id, *files)
    assert answer.status_code == 201
    assert [document["filename"] for document in answer.json["documents"]] == [name for name, _ in files]
    listed = client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"]
    assert [document["filename"] for document in listed] == [name for name, _ in files]


def test_the_same_bytes_twice_are_one_document(client, study_set_id: str, stored) -> None:
    first = client.upload(study_set_id, ("notes.txt", TEXT)).json["documents"][0]
    answer = client.upload(study_set_id, ("other-name.txt", TEXT))
    assert answer.status_code == 201
    (again,) = answer.json["documents"]
    assert again["id"] == first["id"]
    assert again["filename"] == "notes.txt"
    assert again["duplicate"] is True
    assert stored() == (1, 1)


def test_the_same_bytes_twice_in_one_upload(client, study_set_id: str, stored) -> None:
    first, second = client.upload(study_set_id, ("a.txt", TEXT), ("b.txt", TEXT)).json["documents"]
    assert first["id"] == second["id"]
    assert [first["duplicate"], second["duplicate"]] == [False, True]
    assert stored() == (1, 1)


def test_the_same_bytes_in_another_study_set_are_another_document(client, study_set_id: str) -> None:
    first = client.upload(study_set_id, ("a.txt", TEXT)).json["documents"][0]
    second = client.upload(client.make_study_set(), ("a.txt", TEXT)).json["documents"][0]
    assert first["id"] != second["id"]
    assert second["duplicate"] is False


@pytest.mark.parametrize("purpose", ["notes", "exam", "key"])
def test_a_purpose_applies_to_all_files(client, study_set_id: str, purpose: str) -> None:
    answer = client.upload(study_set_id, ("a.txt", TEXT), ("b.txt", TEXT + b" More."), purpose=purpose)
    assert [document["purpose"] for document in answer.json["documents"]] == [purpose, purpose]
    document_id = answer.json["documents"][0]["id"]
    assert client.get(f"/api/v1/documents/{document_id}").json["purpose"] == purpose
    listed = client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"]
    assert [document["purpose"] for document in listed] == [purpose, purpose]


@pytest.mark.parametrize("purpose", ["", "Exam", "solutions", "null"])
def test_an_unknown_purpose_is_refused(client, study_set_id: str, stored, purpose: str) -> None:
    answer = client.upload(study_set_id, ("a.txt", TEXT), purpose=purpose)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert [error["field"] for error in answer.json["errors"]] == ["purpose"]
    assert stored() == (0, 0)


def test_a_duplicate_keeps_its_purpose(client, study_set_id: str) -> None:
    client.upload(study_set_id, ("a.txt", TEXT), purpose="exam")
    (again,) = client.upload(study_set_id, ("a.txt", TEXT), purpose="key").json["documents"]
    assert (again["duplicate"], again["purpose"]) == (True, "exam")


def test_an_idempotency_key_cannot_be_reused_with_another_purpose(client, study_set_id: str) -> None:
    first = client.upload(study_set_id, ("a.txt", TEXT), purpose="exam", Idempotency_Key="one")
    assert first.status_code == 201
    again = client.upload(study_set_id, ("a.txt", TEXT), purpose="exam", Idempotency_Key="one")
    assert again.json == first.json
    other = client.upload(study_set_id, ("a.txt", TEXT), purpose="key", Idempotency_Key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_documents_of_the_previous_release_are_notes(client, study_set_id: str, engine: sa.Engine) -> None:
    """The previous release writes no purpose, and writes the format into the column ``kind`` as well."""
    row = (
        "INSERT INTO documents (id, study_set_id, filename, kind, size_bytes, sha256,"
        " pages_read, characters, warnings, state, attempt, failures)"
        " VALUES (gen_random_uuid(), :study_set_id, 'a.pdf', 'pdf', 1, 'x', 0, 0, '[]', 'done', 0, 0)"
    )
    with engine.begin() as connection:
        connection.execute(sa.text(row), {"study_set_id": study_set_id})
    [document] = client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"]
    assert (document["format"], document["purpose"]) == ("pdf", "notes")


REFUSED = [
    ("empty.txt", b"", "empty"),
    ("empty.pdf", b"", "empty"),
    ("program.exe", b"MZ", "unsupported"),
    ("noextension", TEXT, "unsupported"),
    ("notes.pdf", TEXT, "mislabelled"),
    ("notes.docx", TEXT, "mislabelled"),
    ("notes.txt", b"%PDF-1.7\n", "mislabelled"),
    ("notes.txt", b"\x00\x01\x02" * 100, "mislabelled"),
    ("notes.docx", archive("ppt/presentation.xml"), "mislabelled"),
    ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", "damaged"),
    ("blank.txt", b" \n\t\n ", "no_text"),
]


@pytest.mark.parametrize(("name", "content", "code"), REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_a_reason(
    client, study_set_id: str, stored, name: str, content: bytes, code: str
) -> None:
    answer = client.upload(study_set_id, (name, content))
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] == code
    assert answer.json["detail"].endswith(".")
    assert [error["field"] for error in answer.json["errors"]] == ["files[0]"]
    assert stored() == (0, 0)


def test_the_reason_is_in_the_requested_language(client, study_set_id: str) -> None:
    answers = {each: client.upload(study_set_id, ("{0}.exe", b"MZ"), Accept_Language=each) for each in LANGUAGES}
    assert {answer.headers["Content-Language"] for answer in answers.values()} == set(LANGUAGES)
    assert {answer.json["code"] for answer in answers.values()} == {"unsupported"}
    assert len({answer.json["detail"] for answer in answers.values()}) == len(LANGUAGES)
    for language, answer in answers.items():
        colon = "\u00a0: " if language == "fr" else ": "
        assert answer.json["errors"][0]["messages"] == ["{0}.exe" + colon + answer.json["detail"]]


def test_one_bad_file_refuses_them_all(client, study_set_id: str, stored) -> None:
    answer = client.upload(study_set_id, ("a.txt", TEXT), ("b.pdf", TEXT), ("c.md", b"# C"))
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert error["field"] == "files[1]"
    assert error["messages"] == [f"b.pdf: {answer.json['detail']}"]
    assert stored() == (0, 0)
    assert client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"] == []


def test_a_bomb_is_refused_before_it_is_unpacked(client, study_set_id: str) -> None:
    answer = client.upload(study_set_id, ("bomb.docx", archive("word/document.xml", size=200_000_000)))
    assert answer.status_code == 422
    assert answer.json["code"] == "too_large"
    assert "50 MB of unpacked text" in answer.json["detail"]
    assert answer.json["errors"][0]["messages"] == [f"bomb.docx: {answer.json['detail']}"]


def test_a_file_over_the_limit(client, study_set_id: str, stored, limit) -> None:
    limit(MAX_UPLOAD_BYTES=2_000_000)
    assert client.upload(study_set_id, ("a.txt", b"a" * 2_000_000)).status_code == 201
    answer = client.upload(study_set_id, ("b.txt", b"b" * 2_000_001))
    assert answer.status_code == 413
    assert answer.json["code"] == "file_too_large"
    assert "2 MB" in answer.json["detail"]
    assert stored() == (1, 4)
    answer = client.upload(study_set_id, ("b.txt", TEXT), ("c.txt", b"c" * 2_000_001))
    assert answer.json["errors"] == [{"field": "files[1]", "messages": [f"c.txt: {answer.json['detail']}"]}]


def test_a_body_over_the_limit_is_refused_unread(client, study_set_id: str, stored) -> None:
    class NeverRead(io.RawIOBase):
        def readinto(self, _buffer: object) -> int:
            raise AssertionError("The body was read.")

    answer = client.post(
        f"/api/v1/study-sets/{study_set_id}/documents",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input": NeverRead(), "CONTENT_LENGTH": str(10**10)},
    )
    assert answer.status_code == 413
    assert answer.json["code"] == "too_large"
    assert "larger than 101 MB in all" in answer.json["detail"]
    assert stored() == (0, 0)


def test_more_files_than_one_request_may_carry(client, study_set_id: str, stored) -> None:
    answer = client.upload(study_set_id, *((f"{number}.txt", TEXT) for number in range(111)))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "at most 110 files" in answer.json["detail"]
    assert stored() == (0, 0)


def test_documents_of_a_study_set_are_limited(client, study_set_id: str, stored, limit) -> None:
    limit(MAX_DOCUMENTS_PER_SET=3)
    files = [(f"{number}.txt", f"Part {number}.".encode()) for number in range(4)]
    answer = client.upload(study_set_id, *files)
    assert answer.status_code == 409
    assert answer.json["code"] == "too_many_documents"
    assert "3" in answer.json["detail"]
    assert stored() == (0, 0)
    assert client.upload(study_set_id, *files[:3]).status_code == 201
    assert client.upload(study_set_id, files[3]).status_code == 409
    # A duplicate does not count.
    assert client.upload(study_set_id, files[0]).status_code == 201
    assert stored()[0] == 3


@pytest.mark.parametrize(
    "data",
    [{}, {"files": "text"}, {"file": (io.BytesIO(TEXT), "a.txt")}, {"files": (io.BytesIO(TEXT), "")}],
    ids=["nothing", "a field", "another name", "no file name"],
)
def test_an_upload_without_files(client, study_set_id: str, data: dict[str, object]) -> None:
    path = f"/api/v1/study-sets/{study_set_id}/documents"
    answer = client.post(path, data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert answer.json["code"] == "no_file"


def test_json_is_not_an_upload(client, study_set_id: str) -> None:
    answer = client.post(f"/api/v1/study-sets/{study_set_id}/documents", json={"files": []})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="Pr\xfcfung.txt"\r\n\r\n'
            b"A cell divides.\r\n--x--\r\n",
            "; boundary=x",
        ),
        (b"--x\r\nContent-Type: text/plain\r\n\r\nA cell divides.\r\n--x--\r\n", "; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b"--x\r\nContent-Disposition: form-data\r\n\r\n2\r\n--x--\r\n",
            "; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; filename="a.txt"\r\n\r\nA cell divides.\r\n--x--\r\n',
            "; boundary=x",
        ),
        (b"--x\r\nContent-Disposition: form-data; name=files; filename=a.txt", "; boundary=x"),
        (b"--x--\r\n", ""),
        (b"--x--\r\n", "; boundary=\u00fc"),
    ],
    ids=[
        "a name in Latin-1",
        "no disposition",
        "a field without a name",
        "a file without a name",
        "cut",
        "no boundary",
        "a boundary that is none",
    ],
)
def test_an_unreadable_multipart_body_is_reported_as_such(
    client, study_set_id: str, stored, body: bytes, boundary: str
) -> None:
    path = f"/api/v1/study-sets/{study_set_id}/documents"
    for key in ({}, {"Idempotency-Key": "k1"}):
        answer = client.post(path, data=body, content_type=f"multipart/form-data{boundary}", headers=key)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_multipart")
    assert stored() == (0, 0)


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\nContent-Disposition: form-data; name=files; filename=a.txt"])
def test_a_broken_multipart_body(client, study_set_id: str, body: bytes, stored) -> None:
    path = f"/api/v1/study-sets/{study_set_id}/documents"
    answer = client.post(path, data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (400, 422)
    assert stored() == (0, 0)


HOSTILE = [
    ("../../etc/passwd.txt", "passwd.txt"),
    ("/abs/olute.txt", "olute.txt"),
    ("Prüfung – Übung №7 🧬.txt", "Prüfung – Übung №7 🧬.txt"),
    ("<script>alert(1)<script>.txt", "<script>alert(1)<script>.txt"),
    ("a;b=c, d'e%20.txt", "a;b=c, d'e%20.txt"),
    ("annex\u202etxt.exe.txt", "annextxt.exe.txt"),
    (".txt.txt", ".txt.txt"),
    ("x" * 400 + ".txt", "x" * 251 + ".txt"),
]


@pytest.mark.parametrize(("sent", "kept"), HOSTILE)
def test_names_are_kept_as_text_without_folders(client, study_set_id: str, sent: str, kept: str) -> None:
    answer = client.upload(study_set_id, (sent, TEXT))
    assert answer.status_code == 201, answer.text
    assert answer.json["documents"][0]["filename"] == kept


@pytest.mark.parametrize("inside", [b"\x00", b"\x0d", b"\x0a", b"\x1b[31m", b"\x7f", b"\xff\xfe", b"\xed\xa0\x80"])
def test_names_with_invisible_characters_are_harmless(client, study_set_id: str, inside: bytes) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a' + inside + b'b.txt"\r\n\r\n'
        b"A cell divides.\r\n--x--\r\n"
    )
    path = f"/api/v1/study-sets/{study_set_id}/documents"
    answer = client.post(path, data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (201, 400, 422), answer.text
    if answer.status_code == 201:
        document = answer.json["documents"][0]
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in document["filename"])
        download = client.get(f"/api/v1/documents/{document['id']}/file")
        assert download.status_code == 200
        assert download.data == b"A cell divides."
