"""The API under its real server with production settings: requests of strangers and scanners."""

import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from backend.settings import Settings
from config.local import folders
from config.local.process import LocalProcess
from tests.patience import HANG_S, wait_for

NAME = b"Host: api.study.example\r\n"
SECRETS = {
    "JWT_SECRET": "zV7kQ2mX9pL4wR8tY1nB6cF3hJ5dG0sA",
    "FLASK_SECRET_KEY": "uE4iO8aW2qS6xC1vN9mK7lP3zT5rH0jD",
    "REDIS_PASSWORD": "qT8wE3rY6uI1oP9aS4dF7gH2jK5lZ0xC",
}


@pytest.fixture(scope="module")
def port(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an API in production."""
    port = folders.free_port()
    log = tmp_path_factory.mktemp("gunicorn") / "log"
    env = {
        **SECRETS,
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://api.study.example",
        "FRONTEND_URL": "https://study.example",
        "TRUSTED_PROXY_HEADER": "none",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "GUNICORN_WORKERS": "1",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.conf.py", "backend.app:create_app()"]
    server = LocalProcess("gunicorn", command, env=env, log=log, folder=folders.CHECKOUT)
    server.start()

    def listens() -> bool:
        assert server.running, server.last_lines()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=HANG_S).close()
        except ConnectionRefusedError:
            return False
        return True

    wait_for("gunicorn", listens)
    yield port
    server.stop()


def ask(port: int, sent: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """Send bytes. Returns the response and its body."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as sock:
        sock.sendall(sent)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        return answer, answer.read()


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /api/v1/study-sets HTTP/1.1\r\n" + NAME, 401, "not_signed_in"),
        (b"GET /api/v1/study-sets HTTP/1.1\r\nHost: evil.example\r\n", 400, "unknown_host"),
        (b"GET /api/v1/study-sets HTTP/1.1\r\nHost: 127.0.0.1\r\n", 400, "unknown_host"),
        (b"GET /api/v1/study-sets HTTP/1.1\r\n", 400, None),
        (b"GET /api/v1/study-sets HTTP/1.1\r\n" + NAME + b"Host: evil.example\r\n", 400, None),
        (b"GET /api/v1/study-sets HTTP/1.0\r\n", 400, "unknown_host"),
        (b"GET http://evil.example/api/v1/study-sets HTTP/1.1\r\nHost: evil.example\r\n", 400, "unknown_host"),
        (b"TRACE /api/v1/study-sets HTTP/1.1\r\n" + NAME, 405, "method_not_allowed"),
        (b"TRACE /nothing-here HTTP/1.1\r\n" + NAME, 404, "not_found"),
        (b"GET /api/v1/health/live HTTP/1.0\r\n", 200, None),
        (b"GET /api/v1/health/live HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n", 200, None),
        (b"GET /api//v1/health/live HTTP/1.1\r\n" + NAME, 308, None),
        (b"\x16\x03\x01 no request\r\n", 400, "bad_request"),
        (b"PRI * HTTP/2.0\r\n", 400, "bad_request"),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n" + NAME, 414, "too_large"),
        (b"GET / HTTP/1.1\r\n" + NAME + b"X: " + b"x" * 70_000, 431, "too_large"),
        (b"GET / HTTP/1.1\r\nAccept-Language: fr\r\nX: " + b"x" * 70_000, 431, "too_large"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_every_error_is_a_problem_with_all_headers(port: int, sent: bytes, status: int, code: str | None) -> None:
    answer, body = ask(port, sent + b"\r\n")
    assert answer.status == status, body
    if code is not None:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["code"] == code
        assert json.loads(body)["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000; includeSubDomains")
    # The server's name without its version may be known.
    assert answer.headers["Server"] in (None, "gunicorn")
    assert answer.headers["X-Powered-By"] is None
    assert b"evil" not in body + str(answer.headers).encode()
    assert b"fr\r\n" not in sent or "en-têtes" in json.loads(body)["detail"]
