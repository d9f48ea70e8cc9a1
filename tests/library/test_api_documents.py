"""Documents over HTTP: read, downloaded, deleted."""

import re
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from backend.text.languages import LANGUAGES
from tests.library.office_files import make_pdf

TEXT = "Mitose ist die Teilung des Zellkerns. 🧬\n".encode()


@pytest.fixture
def upload(client):
    """Upload one file into a new study set; returns the document."""

    def one(name: str, content: bytes) -> dict:
        answer = client.upload(client.make_study_set(), (name, content))
        assert answer.status_code == 201, answer.text
        return answer.json["documents"][0]

    return one


def test_a_document_is_read(client, upload, run_pending_jobs) -> None:
    document = upload("notes.txt", TEXT)
    path = f"/api/v1/documents/{document['id']}"
    before = client.get(path).json
    assert (before["status"], before["pages"], before["characters"]) == ("queued", None, 0)
    assert run_pending_jobs() == 1
    after = client.get(path).json
    assert (after["status"], after["pages"], after["pages_read"], after["error"]) == ("ready", 1, 1, None)
    page = client.get(f"{path}/pages/1").json
    assert page["text"].strip() == TEXT.decode().strip()
    assert after["characters"] == len(page["text"])
    assert page["document_id"] == document["id"]
    assert (page["number"], page["source"], page["skipped"]) == (1, "text", None)
    assert (page["label"], page["confidence"], page["text_version"], page["spans"]) == (None, None, 2, [])


def test_an_unreadable_document_says_what_to_do(client, upload, run_pending_jobs) -> None:
    # Looks valid, but has no content.
    document = upload("broken.pdf", b"%PDF-1.7\n" + b"garbage " * 50 + b"\nstartxref\n0\n%%EOF\n")
    run_pending_jobs()
    path = f"/api/v1/documents/{document['id']}"
    answer = client.get(path).json
    assert answer["status"] == "failed"
    assert answer["error"]["code"] == "damaged"
    answers = [client.get(path, headers={"Accept-Language": language}) for language in LANGUAGES]
    assert {each.json["error"]["code"] for each in answers} == {"damaged"}
    assert len({each.json["error"]["detail"] for each in answers}) == len(LANGUAGES)
    assert all("Accept-Language" in each.vary for each in answers)
    assert client.get(f"{path}/pages/1").status_code == 404


LIMITS = {
    "en": ["3 pages", "2\u202f000\u202f000 characters", "50 MB of unpacked text", "1\u202f000 MB of memory"],
    "de": ["3 Seiten", "2\u202f000\u202f000 Zeichen", "50 MB entpackter Text", "1\u202f000 MB Arbeitsspeicher"],
    "fr": [
        "3\u00a0pages",
        "2\u202f000\u202f000\u00a0caractères",
        "50\u00a0Mo de texte",
        "1\u202f000\u00a0Mo de mémoire",
    ],
    "it": ["3 pagine", "2\u202f000\u202f000 caratteri", "50 MB di testo decompresso", "1\u202f000 MB di memoria"],
}


def test_a_document_that_is_too_large_names_the_limits(client, upload, configure, run_pending_jobs) -> None:
    configure(MAX_DOCUMENT_PAGES="3", MAX_DOCUMENT_CHARS="2000000")
    document = upload("long.pdf", make_pdf(*["A cell divides."] * 4))
    run_pending_jobs()
    path = f"/api/v1/documents/{document['id']}"
    for language in LANGUAGES:
        error = client.get(path, headers={"Accept-Language": language}).json["error"]
        assert error["code"] == "too_large"
        assert [limit for limit in LIMITS[language] if limit not in error["detail"]] == [], error["detail"]


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "-1", "one"])
def test_a_missing_page_gives_404(client, upload, run_pending_jobs, number: str) -> None:
    document = upload("notes.txt", TEXT)
    run_pending_jobs()
    answer = client.get(f"/api/v1/documents/{document['id']}/pages/{number}")
    assert answer.status_code == 404
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("size", [1, 100, 512 * 1024 - 1, 512 * 1024, 512 * 1024 + 1, 1024 * 1024, 3_000_000])
def test_a_download_is_the_upload_byte_by_byte(client, upload, size: int) -> None:
    content = (bytes(range(32, 127)) * (size // 95 + 1))[: size - 1] + b"x"
    document = upload("notes.txt", content)
    answer = client.get(f"/api/v1/documents/{document['id']}/file")
    assert answer.status_code == 200
    assert answer.data == content
    assert answer.headers["Content-Length"] == str(size)


@pytest.mark.parametrize("start", [0, 5, 70_000, 600_000, 1_199_999])
def test_an_interrupted_download_can_resume(client, upload, start: int) -> None:
    content = b"A cell divides. " * 75_000
    document = upload("notes.txt", content)
    path = f"/api/v1/documents/{document['id']}/file"
    rest = client.get(path, headers={"Range": f"bytes={start}-"})
    assert (rest.status_code, rest.data) == (206, content[start:])
    beyond = client.get(path, headers={"Range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond.json["code"]) == (416, "no_such_part")


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [("a.txt", TEXT, "text/plain"), ("a.md", b"# A", "text/markdown"), ("a.html", b"<p>A</p>", "text/html")],
)
def test_a_download_is_an_attachment_and_never_rendered(
    client, upload, name: str, content: bytes, media_type: str
) -> None:
    document = upload(name, content)
    answer = client.get(f"/api/v1/documents/{document['id']}/file")
    assert answer.mimetype == media_type
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "Prüfung – Übung №7 🧬.txt",
        "semi;colon, comma.txt",
        "per%20cent'.txt",
        "日本語のノート.txt",
        "emoji👩‍🎓.txt",
    ],
)
def test_a_download_has_the_uploaded_name(client, upload, name: str) -> None:
    document = upload(name, TEXT)
    assert document["filename"] == name
    header = client.get(f"/api/v1/documents/{document['id']}/file").headers["Content-Disposition"]
    assert header.isascii()
    found = re.fullmatch(r"attachment; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)", header)
    assert found, header
    assert unquote(found[1]) == name


def test_documents_are_listed_oldest_first_in_pages(client) -> None:
    study_set_id = client.make_study_set()
    for number in range(3):
        client.upload(study_set_id, (f"{number}.txt", f"Part {number}.".encode()))
    path = f"/api/v1/study-sets/{study_set_id}/documents"
    first = client.get(path, query_string={"limit": 2}).json
    second = client.get(path, query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    assert [item["filename"] for item in first["items"] + second["items"]] == ["0.txt", "1.txt", "2.txt"]
    assert second["next_cursor"] is None


def test_deleting_a_document_deletes_its_bytes_and_pages(client, upload, engine, run_pending_jobs) -> None:
    document = upload("notes.txt", TEXT)
    run_pending_jobs()
    path = f"/api/v1/documents/{document['id']}"
    assert client.delete(path).status_code == 204
    for gone in (path, f"{path}/file", f"{path}/pages/1"):
        assert client.get(gone).status_code == 404
    with engine.connect() as connection:
        for table in ("documents", "pages", "stored_pieces"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0


def test_deleted_bytes_may_be_uploaded_again(client) -> None:
    study_set_id = client.make_study_set()
    first = client.upload(study_set_id, ("a.txt", TEXT)).json["documents"][0]
    client.delete(f"/api/v1/documents/{first['id']}")
    second = client.upload(study_set_id, ("a.txt", TEXT)).json["documents"][0]
    assert second["id"] != first["id"]
    assert second["duplicate"] is False


def test_a_document_can_be_deleted_while_it_is_being_read(client, upload, run_pending_jobs) -> None:
    document = upload("notes.txt", TEXT)
    assert client.delete(f"/api/v1/documents/{document['id']}").status_code == 204
    assert run_pending_jobs() == 0


def test_lists_take_the_same_number_of_queries_for_any_length(app, client, engine) -> None:
    from backend.core.database.database import db

    def queries(count: int) -> int:
        study_set_id = client.make_study_set()
        client.upload(study_set_id, *((f"{n}.txt", f"Part {n}.".encode()) for n in range(count)))
        seen: list[str] = []

        def listen(_connection, _cursor, statement: str, *_: object) -> None:
            seen.append(statement)

        with app.app_context():
            own = db.engine
        sa.event.listen(own, "before_cursor_execute", listen)
        try:
            answer = client.get(f"/api/v1/study-sets/{study_set_id}/documents")
        finally:
            sa.event.remove(own, "before_cursor_execute", listen)
        assert len(answer.json["items"]) == count
        return len(seen)

    assert queries(1) == queries(15) > 0
