"""Request ids, security headers and health."""

import pytest

from backend.app import create_app
from backend.settings import Settings
from config.local import folders

SETS = "/api/v1/study-sets"
HEALTH = "/api/v1/health"


def test_every_response_has_its_own_request_id(anonymous) -> None:
    ids = {anonymous.get(HEALTH).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("wanted", ["abcdefgh", "0190-abc_DEF-123456", "x" * 64])
def test_a_request_id_from_the_caller_is_kept(anonymous, wanted: str) -> None:
    assert anonymous.get(HEALTH, headers={"X-Request-Id": wanted}).headers["X-Request-Id"] == wanted


@pytest.mark.parametrize("wanted", ["short", "x" * 65, "with spaces in", 'quote"quote"', "état-de-choses"])
def test_a_harmful_request_id_is_replaced(anonymous, wanted: str) -> None:
    given = anonymous.get(HEALTH, headers={"X-Request-Id": wanted}).headers["X-Request-Id"]
    assert given != wanted
    assert given.isalnum()


@pytest.mark.parametrize(
    "path", [HEALTH, SETS, "/api/v1/nothing-here", "/api/v1/openapi.json", "/api/v1/docs", "/api//v1/health"]
)
def test_security_headers(anonymous, path: str) -> None:
    headers = anonymous.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


def test_responses_other_than_our_page_are_sandboxed(anonymous) -> None:
    assert "sandbox" in anonymous.get(SETS).headers["Content-Security-Policy"]


def test_the_documentation_page_may_run_its_own_scripts_but_not_use_the_device(anonymous) -> None:
    headers = anonymous.get("/api/v1/docs").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "sandbox" not in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]


def test_transport_security_in_production_only(settings: Settings, anonymous) -> None:
    production = create_app(settings.model_copy(update={"environment": "production"})).test_client()
    assert production.get(HEALTH).headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert production.get(SETS).headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in anonymous.get(HEALTH).headers


def test_health_is_ok(anonymous, settings: Settings) -> None:
    answer = anonymous.get(HEALTH)
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["database"] == answer.json["broker"] == "ok"
    assert answer.json["queues"].keys() == {"steps", "calls"}
    assert answer.json["queued_messages"] == sum(answer.json["queues"].values())
    assert answer.json["version"] == settings.app_version


def test_health_is_degraded_without_the_broker(anonymous, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{folders.free_port()}/0"}))
    answer = app.test_client().get(HEALTH)
    create_app(settings)
    assert answer.status_code == 200
    assert answer.json["status"] == "degraded"
    assert answer.json["broker"] == "down"
    assert (answer.json["queued_messages"], answer.json["queues"]) == (None, None)
