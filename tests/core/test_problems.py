"""Every error is a problem+json (RFC 9457) that names the problem and leaks nothing."""

import json

import pytest
from apiflask import APIFlask
from flask import request
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.core.errors import DomainError
from backend.settings import Settings
from config.local import folders

SETS = "/api/v1/study-sets"


def assert_problem(answer: TestResponse, status: int, code: str) -> dict:
    """Check the shape of a problem and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body = answer.json
    assert body["status"] == status
    assert body["code"] == code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body["detail"].endswith(".")
    assert body["title"]
    assert body["type"] == "about:blank"
    return body


def fields(answer: TestResponse) -> dict[str, list[str]]:
    """Return the field errors of a problem."""
    return {error["field"]: error["messages"] for error in answer.json["errors"]}


@pytest.mark.parametrize("body", [b"{", b"", b"{'title': 1}", b"\xff\xfe", b'{"title": "a"} trailing'])
def test_bad_json(client, body: bytes) -> None:
    answer = client.post(SETS, data=body, content_type="application/json")
    assert_problem(answer, 400, "invalid_json")


# A public route takes 8,000 bytes.
@pytest.mark.parametrize(("path", "depth"), [(SETS, 100_000), (SETS, 3000), ("/api/v1/auth/dev-login", 3000)])
@pytest.mark.parametrize("kind", ["lists without an end", "lists in a field", "objects"])
def test_json_that_is_nested_too_deeply(client, path: str, depth: int, kind: str) -> None:
    body = {
        "lists without an end": b"[" * depth,
        "lists in a field": b'{"title": ' + b"[" * depth + b"]" * depth + b"}",
        "objects": b'{"a": ' * (depth // 3),
    }[kind]
    answer = client.post(path, data=body, content_type="application/json")
    assert_problem(answer, 400, "invalid_json")


@pytest.mark.parametrize("depth", [100, 400, 900, 950, 990])
def test_json_that_is_nested_deeply_is_still_a_wrong_field(client, depth: int) -> None:
    body = b'{"title": ' + b"[" * depth + b"]" * depth + b"}"
    assert client.post(SETS, data=body, content_type="application/json").status_code in (400, 422)


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "3"])
def test_json_that_is_not_an_object(client, body: str) -> None:
    answer = client.post(SETS, data=body, content_type="application/json")
    assert_problem(answer, 422, "invalid_input")


def test_unknown_fields_are_named(client) -> None:
    answer = client.post(SETS, json={"title": "Biology", "colour": "red", "size": 3})
    assert_problem(answer, 422, "invalid_input")
    assert set(fields(answer)) == {"colour", "size"}


@pytest.mark.parametrize("title", [None, 3, [], {}, "", "   ", "x" * 201, "\x00 \u200b\u202e", "\ud800"])
def test_a_wrong_field_is_named(client, title: object) -> None:
    answer = client.post(SETS, data=json.dumps({"title": title}), content_type="application/json")
    assert_problem(answer, 422, "invalid_input")
    assert set(fields(answer)) == {"title"}


def test_a_missing_field_is_named(client) -> None:
    answer = client.post(SETS, json={})
    assert_problem(answer, 422, "invalid_input")
    assert set(fields(answer)) == {"title"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_body_of_an_unsupported_type(client, content_type: str) -> None:
    answer = client.post(SETS, data=b'{"title": "Biology"}', content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type")


def test_an_unknown_path(client, anonymous) -> None:
    assert_problem(client.get("/api/v1/nothing-here"), 404, "not_found")
    assert_problem(anonymous.get("/"), 404, "not_found")


@pytest.mark.parametrize("name", ["not-a-uuid", "1", "018f0000-0000-7000-8000-00000000000g", "%00"])
def test_an_id_that_is_not_a_uuid(client, name: str) -> None:
    assert_problem(client.get(f"{SETS}/{name}"), 404, "not_found")


def test_an_unsupported_method(client) -> None:
    answer = client.put(SETS, json={})
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_path_with_double_slashes_is_redirected(anonymous) -> None:
    answer = anonymous.get("/api//v1/health")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/api/v1/health")


def test_a_chunked_body_needs_a_length(client) -> None:
    headers = {"Transfer-Encoding": "chunked"}
    for path in (SETS, f"{SETS}/018f0000-0000-7000-8000-000000000000/documents"):
        environment = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
        answer = client.post(path, headers=headers, environ_overrides=environment, content_type="application/json")
        assert_problem(answer, 411, "length_required")


def test_json_that_is_too_large(client) -> None:
    answer = client.post(SETS, json={"title": "x" * 1_000_001})
    assert_problem(answer, 413, "too_large")


def test_requests_without_a_token_are_refused(anonymous) -> None:
    answer = anonymous.get(SETS)
    assert_problem(answer, 401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_anonymous_caller_gets_no_field_errors(anonymous) -> None:
    assert_problem(anonymous.post(SETS, data=b"{", content_type="application/json"), 401, "not_signed_in")


class Broke(DomainError):
    """An error with a fact and a Retry-After."""

    code = "broke"
    status = 402
    retry_after_s = 7
    texts = {"en": "You need {credits} credits.", "de": "Du brauchst {credits} Credits."}


class Short(DomainError):
    """An error with two facts for programs, and one for its sentence alone."""

    code = "short"
    status = 402
    texts = {"en": "{name}, you need {required} credits."}
    members = {"required": "Credits that the request needs.", "available": "Credits that can be spent."}


@pytest.fixture
def failing_app(settings: Settings) -> APIFlask:
    """A separate app with routes that fail. They need no authentication."""
    app = create_app(settings)

    @app.post("/crash")
    def crash() -> str:
        raise RuntimeError(f"secret-in-the-message {request.get_data(as_text=True)}")

    @app.get("/broke")
    def broke() -> str:
        raise Broke(credits=5)

    @app.get("/short")
    def short() -> str:
        raise Short(required=300, available=0, name="Ada")

    # These tests are not about authentication.
    app.before_request_funcs[None] = [each for each in app.before_request_funcs[None] if each.__name__ == "begin"]
    return app


def test_an_unexpected_error_leaks_nothing_and_is_logged_with_the_request_id(failing_app, caplog) -> None:
    answer = failing_app.test_client().post("/crash", json="secret-in-the-body")
    body = assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert body["request_id"] in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_domain_error_has_its_facts_and_a_retry_after(failing_app) -> None:
    answer = failing_app.test_client().get("/broke", headers={"Accept-Language": "de"})
    assert assert_problem(answer, 402, "broke")["detail"] == "Du brauchst 5 Credits."
    assert answer.headers["Retry-After"] == "7"


def test_the_members_of_an_error_are_members_of_its_problem(failing_app) -> None:
    body = assert_problem(failing_app.test_client().get("/short"), 402, "short")
    assert (body.pop("required"), body.pop("available")) == (300, 0)
    assert body.pop("detail") == "Ada, you need 300 credits."
    assert set(body) == {"type", "title", "status", "code", "request_id"}


def test_a_database_that_is_down(settings: Settings, client) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{folders.free_port()}/nothing"
    app = create_app(settings.model_copy(update={"database_url": nowhere}))
    answer = app.test_client().get(SETS, headers={"Authorization": f"Bearer {client.token}"})
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    health = app.test_client().get("/api/v1/health")
    assert health.status_code == 503
    assert health.json["database"] == "down"
    assert health.json["status"] == "unavailable"
