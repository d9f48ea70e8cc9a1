"""Request ids, security headers, CORS and health."""

import pytest

from backend.app import create_app
from backend.settings import Settings
from config.local import folders

SETS = "/api/v1/study-sets"
HEALTH = "/api/v1/health"
FRONTEND = "http://localhost:5173"


def test_every_answer_has_an_id_of_its_own(anonymous) -> None:
    ids = {anonymous.get(HEALTH).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("wanted", ["abcdefgh", "0190-abc_DEF-123456", "x" * 64])
def test_an_id_of_the_caller_is_kept(anonymous, wanted: str) -> None:
    assert anonymous.get(HEALTH, headers={"X-Request-Id": wanted}).headers["X-Request-Id"] == wanted


@pytest.mark.parametrize("wanted", ["short", "x" * 65, "with spaces in", 'quote"quote"', "état-de-choses"])
def test_an_id_that_could_do_harm_is_replaced(anonymous, wanted: str) -> None:
    given = anonymous.get(HEALTH, headers={"X-Request-Id": wanted}).headers["X-Request-Id"]
    assert given != wanted
    assert given.isalnum()


@pytest.mark.parametrize("path", [HEALTH, SETS, "/api/v1/nothing-here", "/api/v1/openapi.json", "/api/v1/docs"])
def test_security_headers(anonymous, path: str) -> None:
    headers = anonymous.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_transport_security_in_production_only(settings: Settings, anonymous) -> None:
    production = create_app(settings.model_copy(update={"environment": "production"})).test_client()
    assert "max-age=" in production.get(HEALTH).headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in anonymous.get(HEALTH).headers


@pytest.mark.parametrize("origin", [FRONTEND, "https://study.example", "https://app.example"])
def test_listed_origins_may_read(settings: Settings, origin: str) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://study.example", "https://app.example")}))
    answer = app.test_client().get(HEALTH, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"]
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5174", "https://localhost:5173", "http://localhost:51730", "http://xlocalhost:5173", "null"],
)
def test_other_origins_may_not(anonymous, origin: str) -> None:
    answer = anonymous.get(HEALTH, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_dot_in_an_origin_is_a_dot(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://study.example",)}))
    answer = app.test_client().get(HEALTH, headers={"Origin": "https://studyxexample"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_answers_differ_by_origin_for_caches(anonymous) -> None:
    for headers in ({}, {"Origin": FRONTEND}, {"Origin": "https://evil.example"}):
        assert "Origin" in anonymous.get(HEALTH, headers=headers).headers.get("Vary", "")


def test_a_browser_may_ask_first(anonymous) -> None:
    answer = anonymous.options(
        SETS,
        headers={
            "Origin": FRONTEND,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        },
    )
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_errors_can_be_read_by_the_frontend(anonymous) -> None:
    answer = anonymous.get(SETS, headers={"Origin": FRONTEND})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND


def test_health_when_all_is_well(anonymous, settings: Settings) -> None:
    answer = anonymous.get(HEALTH)
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["database"] == answer.json["broker"] == "ok"
    assert answer.json["queued_messages"] >= 0
    assert answer.json["version"] == settings.app_version


def test_health_is_degraded_without_the_broker(anonymous, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{folders.free_port()}/0"}))
    answer = app.test_client().get(HEALTH)
    create_app(settings)
    assert answer.status_code == 200
    assert answer.json["status"] == "degraded"
    assert answer.json["broker"] == "down"
    assert answer.json["queued_messages"] is None
