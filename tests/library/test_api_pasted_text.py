"""A text as the whole body of an upload."""

import pytest
import sqlalchemy as sa

from backend.settings import get_settings

MARKDOWN = b"Some words first.\n\n## The *cell*: a/b\n\nA cell divides.\n"


@pytest.fixture
def study_set_id(client) -> str:
    """An empty study set."""
    return client.make_study_set()


@pytest.fixture
def paste(client, study_set_id: str):
    """Send a text; ``query`` are its parameters."""

    def _paste(content: bytes, media_type: str = "text/markdown", headers: dict[str, str] | None = None, **query: str):
        return client.post(
            f"/api/v1/study-sets/{study_set_id}/documents",
            data=content,
            content_type=media_type,
            headers=headers or {},
            query_string=query,
        )

    return _paste


def _only(answer) -> dict:
    assert answer.status_code == 201, answer.text
    (document,) = answer.json["documents"]
    return document


def test_markdown_is_a_document_named_after_its_first_heading(paste, client, study_set_id: str) -> None:
    document = _only(paste(MARKDOWN))
    assert (document["filename"], document["format"]) == ("The cell a b.md", "md")
    assert (document["size_bytes"], document["purpose"], document["status"]) == (len(MARKDOWN), "notes", "queued")
    listed = client.get(f"/api/v1/study-sets/{study_set_id}/documents").json["items"]
    assert [each["id"] for each in listed] == [document["id"]]
    assert client.get(f"/api/v1/documents/{document['id']}/file").data == MARKDOWN


def test_plain_text_is_named_after_its_first_line(paste) -> None:
    document = _only(paste(b"\n\n# 1 Die Zelle\nSie teilt sich.", "text/plain; charset=utf-8"))
    assert (document["filename"], document["format"]) == ("1 Die Zelle.txt", "txt")


def test_a_long_first_line_is_cut_between_words(paste) -> None:
    name = _only(paste(b"word " * 50, "text/plain"))["filename"]
    assert len(name) <= 84
    assert name.endswith("word.txt")


@pytest.mark.parametrize(
    ("filename", "expected"), [("My notes", "My notes.md"), ("a.markdown", "a.markdown"), ("../b/c.pdf", "c.pdf.md")]
)
def test_the_name_may_be_given(paste, filename: str, expected: str) -> None:
    assert _only(paste(MARKDOWN, filename=filename))["filename"] == expected


@pytest.mark.parametrize(("language", "name"), [("de", "Eingefügter Text.txt"), ("en", "Pasted text.txt")])
def test_a_text_without_words_has_a_general_name(paste, language: str, name: str) -> None:
    assert _only(paste(b"+ - +\n", "text/plain", {"Accept-Language": language}))["filename"] == name


def test_a_purpose_may_be_given(paste) -> None:
    assert _only(paste(MARKDOWN, purpose="exam"))["purpose"] == "exam"


def test_a_text_is_read_like_a_file(paste, client, run_pending_jobs) -> None:
    document = _only(paste(b"# Cells\n\nA formula: $x^2$ and \\$5.\n"))
    run_pending_jobs()
    page = client.get(f"/api/v1/documents/{document['id']}/pages/1").json
    assert (page["heading"], page["text"]) == ("Cells", "# Cells\n\nA formula: $x^2$ and $5.")


def test_the_same_text_twice_is_one_document(paste) -> None:
    first, again = _only(paste(MARKDOWN)), _only(paste(MARKDOWN, filename="other"))
    assert (again["id"], again["duplicate"]) == (first["id"], True)


def test_a_key_repeats_the_answer_but_not_for_another_text(paste) -> None:
    key = {"Idempotency-Key": "one"}
    first = paste(MARKDOWN, headers=key)
    assert paste(MARKDOWN, headers=key).json == first.json
    for other in (paste(b"Another.", headers=key), paste(MARKDOWN, "text/plain", key)):
        assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty"),
        (b" \n ", 422, "no_text"),
        (b"%PDF-1.4 startxref", 422, "mislabelled"),
        (b"<!doctype html><p>x", 422, "mislabelled"),
    ],
)
def test_what_is_no_text_is_refused(paste, engine: sa.Engine, content: bytes, status: int, code: str) -> None:
    answer = paste(content, "text/plain")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM documents")) == 0


def test_limits_are_those_of_files(paste, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UPLOAD_BYTES", "1000000")
    get_settings.cache_clear()
    try:
        answer = paste(b"word " * 300_000, "text/plain")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")


@pytest.mark.parametrize(
    ("parameter", "value"), [("purpose", "Exam"), ("filename", ""), ("filename", "x" * 256), ("title", "x")]
)
def test_wrong_parameters_are_named(paste, parameter: str, value: str) -> None:
    answer = paste(MARKDOWN, **{parameter: value})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert [error["field"] for error in answer.json["errors"]] == [parameter]


@pytest.mark.parametrize("media_type", ["text/html", "application/pdf", "application/octet-stream"])
def test_other_types_are_refused(paste, media_type: str) -> None:
    assert paste(MARKDOWN, media_type).status_code == 415


def test_other_routes_take_no_text(client) -> None:
    answer = client.post("/api/v1/study-sets", data=b'{"title": "x"}', content_type="text/plain")
    assert answer.status_code == 415


def test_a_text_for_another_users_study_set_is_not_found(other_client, study_set_id: str) -> None:
    answer = other_client.post(
        f"/api/v1/study-sets/{study_set_id}/documents", data=MARKDOWN, content_type="text/markdown"
    )
    assert answer.status_code == 404


def test_the_document_describes_both_bodies(client) -> None:
    described = client.get("/api/v1/openapi.json").json
    body = described["paths"]["/api/v1/study-sets/{study_set_id}/documents"]["post"]["requestBody"]
    assert set(body["content"]) == {"multipart/form-data", "text/markdown", "text/plain"}
    assert body["content"]["text/markdown"]["schema"]["type"] == "string"
