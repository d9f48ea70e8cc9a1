"""The demo's HTTP client, against a server with fixed responses that records its requests."""

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from werkzeug.wrappers import Request, Response

from config.local.client import ApiClient, ApiProblem


class Silent(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None:
        """Keep silent."""


class StandIn:
    """A server with fixed responses by path."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object]] = {}
        self.seen: list[tuple[str, str, bytes, str]] = []
        self.url = ""

    def __call__(self, environ: dict[str, object], start_response: object) -> object:
        """Answer one request."""
        request = Request(environ)
        path = request.full_path.removeprefix("/api/v1").rstrip("?")
        authorization = request.headers.get("Authorization", "")
        self.seen.append((path, request.headers.get("Content-Type", ""), request.get_data(), authorization))
        status, body = self.answers[path]
        response = Response(body if isinstance(body, bytes) else json.dumps(body), status)
        return response(environ, start_response)


@pytest.fixture
def server() -> Iterator[StandIn]:
    """A server that listens."""
    stand_in = StandIn()
    http_server = make_server("127.0.0.1", 0, stand_in, handler_class=Silent)
    stand_in.url = f"http://127.0.0.1:{http_server.server_port}/api/v1"
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stand_in
    http_server.shutdown()
    thread.join()
    http_server.server_close()


def test_the_token_is_sent_with_later_requests(server: StandIn) -> None:
    server.answers = {"/auth/dev-login": (200, {"access_token": "abc"}), "/study-sets": (200, {"items": []})}
    api = ApiClient(server.url)
    api.sign_in("somebody@example.org")
    assert api.get("/study-sets") == {"items": []}
    assert json.loads(server.seen[0][2]) == {"email": "somebody@example.org"}
    assert [authorization for *_, authorization in server.seen] == ["", "Bearer abc"]


def test_all_pages_of_a_list_are_read(server: StandIn) -> None:
    server.answers = {
        "/things?limit=100": (200, {"items": [1, 2], "next_cursor": "a b"}),
        "/things?limit=100&cursor=a+b": (200, {"items": [3], "next_cursor": None}),
    }
    assert ApiClient(server.url).items("/things") == [1, 2, 3]


def test_a_file_arrives_byte_for_byte_under_its_name(server: StandIn, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000 + b"\r\n--"
    file = tmp_path / 'Übung "1".pdf'
    file.write_bytes(content)
    server.answers = {"/documents": (201, {"documents": []})}
    assert ApiClient(server.url).upload("/documents", file) == {"documents": []}
    _, kind, body, _ = server.seen[0]
    message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    (part,) = message.get_payload()
    assert part.get_payload(decode=True) == content
    assert part.get_content_type() == "application/pdf"
    assert 'filename="Übung %221%22.pdf"'.encode() in body


def test_a_refusal_shows_the_apis_message(server: StandIn) -> None:
    errors = [{"field": "title", "messages": ["is missing"]}]
    problem = {"detail": "Some fields are not valid.", "errors": errors}
    server.answers = {"/study-sets": (422, problem)}
    with pytest.raises(ApiProblem, match=r"^Some fields are not valid\. title: is missing$") as raised:
        ApiClient(server.url).post("/study-sets", {})
    assert raised.value.status == 422


def test_a_response_without_a_problem_is_reported_by_its_status(server: StandIn) -> None:
    server.answers = {"/study-sets": (502, b"<html>")}
    with pytest.raises(ApiProblem, match=r"^HTTP 502 Bad Gateway$"):
        ApiClient(server.url).get("/study-sets")


def test_an_unreachable_server_is_reported() -> None:
    with pytest.raises(ApiProblem, match="did not answer") as raised:
        ApiClient("http://127.0.0.1:1/api/v1").get("/health")
    assert raised.value.status == 0
