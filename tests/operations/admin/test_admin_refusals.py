"""The routes of administration refuse everyone except signed-in administrators."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.operations.errors import AdminNeeded
from backend.settings import Settings, get_settings
from tests.conftest import Client
from tests.operations.admin.conftest import ADMIN

UNKNOWN = "018f0000-0000-7000-8000-000000000000"
BODIES: dict[str, dict[str, Any]] = {
    "admin.disable_user": {"reason": "abuse"},
    "admin_billing.adjust_user_credits": {"amount": 100, "reason": "goodwill", "ticket": 1},
    "admin_billing.refund_payment": {"amount_rappen": 100, "reason": "fault", "ticket": 1},
}
DAYS = {"from": "2026-11-01", "to": "2026-11-30"}
QUERIES = {"admin_billing.measure_revenue": DAYS, "admin_billing.measure_usage": DAYS}
KEY = {"Idempotency-Key": "k"}
# Routes without an audit log entry, and why.
UNLOGGED = {"admin.list_actions": "it shows only ids and codes, and reading it would fill it"}
# Routes with two entries, and why.
LOGGED_TWICE = {"admin_billing.refund_payment": "the request, before Stripe is asked, and what Stripe says"}


def routes(app: APIFlask) -> Iterator[tuple[str, Any]]:
    """Yield each method and route of administration."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(ADMIN):
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield method, rule


def ask(caller: Any, method: str, rule: Any, ids: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    """Call a route with a valid request."""
    path = str(rule.build(ids, append_unknown=False)[1])
    body = BODIES.get(rule.endpoint, {}) if method == "POST" else None
    query = QUERIES.get(rule.endpoint)
    return caller.open(path, method=method, json=body, query_string=query, headers=KEY | (headers or {}))


def walk(app: APIFlask, caller: Any, ids: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Call every route of administration; return the responses by method and route."""
    return {f"{method} {rule}": ask(caller, method, rule, ids, headers) for method, rule in routes(app)}


@pytest.fixture
def ids(client: Client, start_failed_run: Callable[[], str], buy: Callable[..., str], add_event: Any) -> dict[str, Any]:
    """A user with a failed run, a payment and an unhandled event, by the names of the routes' arguments."""
    ids = {"payment_id": buy(client), "event_id": add_event()}
    return {"run_id": start_failed_run(), "user_id": client.user_id, **ids}


@pytest.fixture
def key_of_admin(admin: Client) -> str:
    """An API key of an administrator, with every scope."""
    wish = {"name": "script", "scopes": ["read", "write"]}
    return str(admin.post("/api/v1/users/me/api-keys", json=wish).json["key"])


def test_every_route_refuses_anonymous_callers_students_and_keys(
    app: APIFlask, anonymous, client, ids, key_of_admin: str, logged
) -> None:
    for answers, status, code in (
        (walk(app, anonymous, ids), 401, "not_signed_in"),
        (walk(app, client, ids), 403, "admin_needed"),
        (walk(app, anonymous, ids, Authorization=f"Bearer {key_of_admin}"), 403, "admin_needed"),
    ):
        assert len(answers) == 31
        assert {route: answer.status_code for route, answer in answers.items() if answer.status_code != status} == {}
        assert {answer.json["code"] for route, answer in answers.items() if not route.startswith("HEAD")} == {code}
    assert logged() == []
    # The key works for everything else.
    assert anonymous.get("/api/v1/study-sets", headers={"Authorization": f"Bearer {key_of_admin}"}).status_code == 200


def test_a_refusal_reveals_nothing_to_a_student(client) -> None:
    known = client.post(f"{ADMIN}/users/{client.user_id}/disable", json={"nonsense": 1})
    unknown = client.post(f"{ADMIN}/users/{UNKNOWN}/disable", json={"reason": "abuse"})
    assert {**known.json, "request_id": ""} == {**unknown.json, "request_id": ""}


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "administrators"), ("de", "Administrator"), ("fr", "administrateurs"), ("it", "amministra")],
)
def test_the_refusal_exists_in_four_languages(language: str, word: str) -> None:
    assert word in AdminNeeded().text(language)


def test_every_route_admits_an_administrator_and_is_audited(app: APIFlask, admin, ids, logged) -> None:
    # Otherwise the other tests would also pass for an API that refuses everyone.
    for method, rule in sorted(routes(app), key=lambda route: route[1].endpoint == "admin.disable_user"):
        before = len(logged())
        answer = ask(admin, method, rule, ids)
        assert answer.status_code in (200, 201, 202), f"{rule}: {answer.text}"
        added = logged()[before:]
        expected = 0 if rule.endpoint in UNLOGGED else 2 if rule.endpoint in LOGGED_TWICE else 1
        assert len(added) == expected, rule
        assert all(row.actor_id == admin.user_id and row.request_id == answer.headers["X-Request-Id"] for row in added)


@pytest.mark.usefixtures("stripe")
def test_unknown_ids_are_not_found_and_not_logged(app: APIFlask, admin, logged) -> None:
    answers = walk(app, admin, dict.fromkeys(("user_id", "run_id", "payment_id", "event_id"), UNKNOWN))
    taking = {route: answer.status_code for route, answer in answers.items() if "<" in route}
    assert len(taking) == 19
    assert set(taking.values()) == {404}
    assert {answer.json["code"] for route, answer in answers.items() if "<" in route and "HEAD" not in route} == {
        "not_found"
    }
    lists = {"users.searched", "events.viewed", "revenue.viewed", "usage.viewed", "run.costs_viewed"}
    assert {row.action for row in logged()} == lists


def test_the_role_ends_with_the_next_request(admin, engine: sa.Engine) -> None:
    assert admin.get(f"{ADMIN}/users").status_code == 200
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'student' WHERE id = :id"), {"id": admin.user_id})
    assert admin.get(f"{ADMIN}/users").status_code == 403


@pytest.mark.parametrize(("verified", "status"), [(True, 200), (False, 403)])
def test_an_address_in_admin_emails_administers_once_verified(
    client, describe, settings: Settings, monkeypatch: pytest.MonkeyPatch, verified: bool, status: int
) -> None:
    monkeypatch.setenv("ADMIN_EMAILS", "someone@example.org, Anna@Example.org")
    get_settings.cache_clear()
    try:
        describe(client, "anna@example.org", verified=verified)
        assert client.get(f"{ADMIN}/users").status_code == status
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_ids_are_uuids(admin) -> None:
    assert admin.get(f"{ADMIN}/users/1").status_code == 404
    assert UUID(admin.get(f"{ADMIN}/users").json["items"][0]["id"]).version == 7
