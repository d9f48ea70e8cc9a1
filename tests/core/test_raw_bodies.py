"""Bodies that a room takes as they are: of any content type, unparsed, up to the room's own limit."""

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient

from backend.core.web.http import configure_http
from backend.core.web.origins import configure_origins
from backend.core.web.uploads import UploadRequest
from backend.settings import Settings
from tests.core.test_problems import assert_problem

LIMIT = 262_144


@pytest.fixture
def sender(settings: Settings) -> FlaskClient:
    """A client of an app with two public routes that return the body they get. Only one takes raw bodies."""
    app = APIFlask("hackthestudy-tests")
    app.request_class = UploadRequest
    configure_http(
        app,
        largest_upload=1_000_000,
        production=False,
        public_endpoints=frozenset({"raw", "plain"}),
        raw_bodies={"raw": LIMIT},
    )
    configure_origins(app, settings, any_host=frozenset())

    def echo() -> bytes:
        return request.get_data()

    for name in ("raw", "plain"):
        app.add_url_rule(f"/{name}", name, echo, methods=["POST"])
    return app.test_client()


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/plain", "multipart/form-data; boundary=x", None],
)
def test_a_raw_body_arrives_byte_by_byte(sender, content_type: str | None) -> None:
    for body in (b'{"a": ', b"\xff\x00\xfe", b"[" * 100_000, b"," * LIMIT):
        answer = sender.post("/raw", data=body, content_type=content_type)
        assert (answer.status_code, answer.data) == (200, body)


def test_a_raw_body_over_its_limit_is_refused(sender) -> None:
    assert_problem(sender.post("/raw", data=b"x" * (LIMIT + 1)), 413, "too_large")


def test_a_raw_body_needs_a_length(sender) -> None:
    chunked = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    answer = sender.post("/raw", headers={"Transfer-Encoding": "chunked"}, environ_overrides=chunked)
    assert_problem(answer, 411, "length_required")


def test_other_public_routes_keep_their_limits(sender) -> None:
    answer = sender.post("/plain", data=b"x" * 8_001, content_type="application/json")
    assert_problem(answer, 413, "too_large")
    assert "larger than 8 kB" in answer.json["detail"]
    assert_problem(sender.post("/plain", data=b"x", content_type="text/plain"), 415, "unsupported_media_type")
