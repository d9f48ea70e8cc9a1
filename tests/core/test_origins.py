"""Allowed hosts, the origins that may read responses, and the pages that may use a user's cookies."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from backend.app import create_app
from backend.core.web.http import configure_http
from backend.core.web.origins import configure_origins, require_allowed_origin
from backend.settings import Settings
from tests.core.test_problems import assert_problem

SETS = "/api/v1/study-sets"
HEALTH = "/api/v1/health"
FRONTEND = "http://localhost:5173"
API = "https://api.study.example"
ELSEWHERE = [
    "http://localhost:5174",
    "https://localhost:5173",
    "http://localhost:51730",
    "http://xlocalhost:5173",
    "http://localhost:5173.evil.example",
    "http://localhost",
    "https://evil.example",
    "null",
    "",
]
NAMED = {
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Range",
    "X-Request-Id",
    "Accept-Language",
}
SHOWN = {
    "RateLimit",
    "RateLimit-Policy",
    "ETag",
    "Content-Disposition",
    "Retry-After",
    "Location",
    "Idempotency-Replayed",
    "X-Request-Id",
}


@pytest.fixture(scope="module")
def production(settings: Settings) -> FlaskClient:
    """A client of an API in production, with configured hosts."""
    given = {
        "environment": "production",
        "public_url": API,
        "allowed_hosts": ("api",),
        "frontend_url": "https://study.example",
    }
    return create_app(settings.model_copy(update=given)).test_client()


@pytest.fixture(scope="module")
def stranger(built_app: APIFlask) -> FlaskClient:
    """A client of the app. The tables may contain anything."""
    return built_app.test_client()


def words(header: str) -> set[str]:
    """Split a list in a header."""
    return {word.strip() for word in header.split(",")}


@pytest.mark.parametrize("host", ["api.study.example", "API.Study.Example", "api.study.example:443", "api", "api:8080"])
def test_requests_to_configured_hosts_are_accepted(production, host: str) -> None:
    assert production.get(SETS, headers={"Host": host}).status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "api.study.example.evil.example",
        "evil-api.study.example",
        "study.example",
        "api.study.example@evil.example",
        "api.study.example:80:80",
        "api.study.example:x",
        "api.study.example/",
        "api.study.example, evil.example",
        "10.1.2.3:8080",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "",
        " ",
        "é.example",
    ],
)
@pytest.mark.parametrize("path", [SETS, "/api/v1/docs", "/api/v1/openapi.json", "/nothing-here", "/api//v1/health"])
def test_requests_to_unknown_hosts_are_refused(production, path: str, host: str) -> None:
    answer = production.get(path, headers={"Host": host})
    assert_problem(answer, 400, "unknown_host")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "evil" not in answer.text


def test_the_host_is_checked_first(production) -> None:
    evil = {"Host": "evil.example", "Origin": "https://study.example"}
    chunked = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    body = production.post(
        SETS, headers={**evil, "Transfer-Encoding": "chunked"}, environ_overrides=chunked, content_type="text/plain"
    )
    assert_problem(body, 400, "unknown_host")
    assert production.options(SETS, headers={**evil, "Access-Control-Request-Method": "POST"}).status_code == 400


@pytest.mark.parametrize("path", [HEALTH, f"{HEALTH}/live", "/metrics"])
def test_probes_and_scrapers_may_use_any_host(production, path: str) -> None:
    for host in ("10.1.2.3:8080", "evil.example", ""):
        answer = production.get(path, headers={"Host": host})
        assert answer.status_code == (401 if path == "/metrics" else 200)


def test_a_forwarded_host_is_ignored(production) -> None:
    forwarded = {"X-Forwarded-Host": "api.study.example", "Forwarded": "host=api.study.example"}
    assert production.get(SETS, headers={"Host": "evil.example", **forwarded}).status_code == 400
    forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert production.get(SETS, headers={"Host": "api.study.example", **forwarded}).status_code == 401


@pytest.mark.parametrize(
    ("language", "beginning"),
    [("en", "This server"), ("de-CH", "Der Server")],
)
def test_the_refusal_is_in_the_requested_language(production, language: str, beginning: str) -> None:
    answer = production.get(SETS, headers={"Host": "evil.example", "Accept-Language": language})
    assert answer.json["detail"].startswith(beginning)


def test_redirects_and_locations_name_no_host(stranger, client) -> None:
    for host in ("localhost", "127.0.0.1:9"):
        moved = stranger.get("/api//v1/health?x=//evil.example", headers={"Host": host})
        assert moved.headers["Location"] == "/api/v1/health?x=//evil.example"
        assert host not in moved.text
        made = client.post(SETS, json={"title": "Biology"}, headers={"Host": host})
        assert made.headers["Location"] == f"{SETS}/{made.json['id']}"
    twice = stranger.get("//evil.example/api/v1/health")
    assert not twice.headers.get("Location", "").startswith("//")


@pytest.mark.parametrize("origin", [FRONTEND, "https://study.example", "https://app.example"])
def test_configured_origins_may_read_responses(settings: Settings, origin: str) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://study.example", "https://app.example")}))
    answer = app.test_client().get(HEALTH, headers={"Origin": origin})
    assert answer.headers.getlist("Access-Control-Allow-Origin") == [origin]
    assert "Origin" in answer.headers["Vary"]
    assert words(answer.headers["Access-Control-Expose-Headers"]) == SHOWN


@pytest.mark.parametrize("path", [HEALTH, "/api/v1/auth/refresh"])
@pytest.mark.parametrize("origin", ELSEWHERE)
def test_other_origins_may_not_read_responses(stranger, path: str, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-Other"}
    for answer in (stranger.get(path, headers=asked), stranger.options(path, headers=asked)):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
        assert "Origin" in answer.headers["Vary"]


def test_a_dot_in_an_origin_matches_only_a_dot(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://study.example",)}))
    answer = app.test_client().get(HEALTH, headers={"Origin": "https://studyxexample"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_responses_vary_by_origin(stranger) -> None:
    for headers in ({}, {"Origin": FRONTEND}, {"Origin": "https://evil.example"}):
        assert "Origin" in stranger.get(HEALTH, headers=headers).headers.get("Vary", "")


def test_preflight_requests_are_answered(stranger) -> None:
    asked = {
        "Origin": FRONTEND,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": ", ".join([*sorted(NAMED), "X-Forwarded-Host", "Cookie"]),
    }
    answer = stranger.options(SETS, headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
    assert words(answer.headers["Access-Control-Allow-Methods"]) == {"GET", "HEAD", "POST", "PATCH", "DELETE"}
    assert words(answer.headers["Access-Control-Allow-Headers"]) == NAMED


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/api/v1/auth/refresh", True), ("/api/v1/auth/a/b", True), (SETS, False), ("/api/v1/authors", False)],
)
def test_credentials_are_allowed_only_where_cookies_are_used(stranger, path: str, kept: bool) -> None:
    asked = {"Origin": FRONTEND, "Access-Control-Request-Method": "POST"}
    for answer in (stranger.post(path, headers=asked), stranger.options(path, headers=asked)):
        assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
        assert answer.headers.get("Access-Control-Allow-Credentials") == ("true" if kept else None)


def test_the_frontend_can_read_errors(stranger) -> None:
    answer = stranger.get(SETS, headers={"Origin": FRONTEND})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND


@pytest.fixture(scope="module")
def trusting(settings: Settings) -> FlaskClient:
    """A client of an app with a route that trusts a cookie."""
    app = APIFlask("hackthestudy-tests")
    configure_http(app, largest_upload=1000, production=False)
    configure_origins(app, settings, any_host=frozenset())

    @app.post("/cookie")
    def act() -> str:
        require_allowed_origin()
        return "done"

    return app.test_client()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": FRONTEND},
        {"Origin": "http://localhost:8080"},
        {"Origin": FRONTEND, "Sec-Fetch-Site": "same-site"},
    ],
    ids=["a script", "the browser app", "the documentation", "a browser that says more"],
)
def test_our_pages_and_scripts_may_use_cookie_routes(trusting, headers: dict[str, str]) -> None:
    assert trusting.post("/cookie", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [*({"Origin": origin} for origin in ELSEWHERE)]
    + [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "same-origin", "none")],
    ids=str,
)
def test_foreign_pages_may_not_use_cookie_routes(trusting, headers: dict[str, str]) -> None:
    assert_problem(trusting.post("/cookie", headers=headers), 403, "foreign_origin")
