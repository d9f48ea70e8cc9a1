"""Every route is public by list or requires authentication; every POST that creates is safe to repeat."""

from collections.abc import Callable
from uuid import UUID

import pytest
from apiflask import APIFlask
from werkzeug.routing import Rule

from backend.app import PUBLIC_ENDPOINTS, RAW_BODIES, ROUTE_CLASSES, create_app
from backend.core.web.idempotency import ACCEPTS_KEY
from backend.core.web.rate_limits import RouteClass, RouteClasses
from backend.settings import Settings

pytestmark = pytest.mark.usefixtures("app")

# The routes that may be public, and why.
MAY_BE_PUBLIC = {
    "operations.health": "for load balancers and monitors",
    "metrics.scrape": "for Prometheus, which has its own token instead of a user's",
    "operations.live": "for a supervisor that restarts a hanging process",
    "tokens.redeem_code": "needs a one-time code and its cookie",
    "tokens.refresh": "needs a refresh token",
    "tokens.sign_out": "ends only the session of the given refresh token",
    "development.dev_login": "gives the first token; not available in production",
    "providers.list_sign_in_providers": "needed before signing in",
    "sign_in.begin_sign_in": "the user is not signed in yet",
    "sign_in.finish_sign_in": "the user is not signed in yet",
    "privacy.download_linked_export": "needs a ticket, because a browser that follows a link sends no token",
    "billing.get_prices": "prices are shown before signing in",
    "payments.receive_event": "Stripe signs what it sends",
    "openapi.spec": "describes the API, has no user data",
    "docs.page": "shows the description",
    "docs.start": "shows the description",
    "docs.asset": "shows the description",
}
# POSTs that need no Idempotency-Key, and why.
NOT_CREATING = {
    "tokens.redeem_code": "a code works once, and its tokens are secrets that are not stored",
    "tokens.refresh": "elapsed time distinguishes a repeated token from a stolen one",
    "tokens.sign_out": "signing out twice is signing out once",
    "providers.allow_link": "allowing this browser twice is allowing it once",
    "tokens.sign_out_everywhere": "signing out twice is signing out once",
    "api_keys.create_api_key": "the stored response would hold the key, of which only the hash is kept",
    "development.dev_login": "the same address is always the same user",
    "generation.cancel_run": "cancelling twice is cancelling once",
    "generation.continue_run": "a run is continued once: a repeated request gets the same new run",
    "generation.estimate_run": "an estimate changes nothing",
    "privacy.link_export": "the stored response would hold the ticket, of which only the hash is kept",
    "admin.disable_user": "disabling twice is disabling once",
    "admin.enable_user": "enabling twice is enabling once",
    "admin.end_user_sessions": "ending a session twice is ending it once",
    "admin.cancel_any_run": "cancelling twice is cancelling once",
    "admin.retry_run": "a run is retried once: a repeated request gets the same new run",
    "payments.receive_event": "an event is stored once, under its own id",
    "admin_billing.dismiss_event": "an event that is dismissed stays dismissed",
    "admin_billing.retry_event": "an event that is handled again is handled from what Stripe says",
}
UNKNOWN = UUID("018f0000-0000-7000-8000-000000000000")
# Bodies for the creating routes; a new route needs one here.
BODIES: dict[str, dict[str, object]] = {
    "library.reread_document": {},
    "library.create_study_set": {"title": "Biology"},
    "study.create_flashcard": {"front": "What divides?", "back": "A cell."},
    "study.create_question": {
        "stem": "What divides?",
        "options": [{"text": "A cell", "correct": True}, {"text": "A stone"}],
    },
    "generation.start_run": {},
    "privacy.request_export": {},
}


def unguarded(app: APIFlask, token: str | None = None) -> list[str]:
    """Return the non-public routes that do not return ``not_signed_in`` for this token, or without one."""
    stranger = app.test_client()
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC_ENDPOINTS:
            continue
        path = _path(rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            answer = stranger.open(path, method=method, headers=headers)
            if answer.status_code != 401 or (method != "HEAD" and answer.json["code"] != "not_signed_in"):
                found.append(f"{method} {rule} answers an unauthenticated caller with {answer.status_code}")
    return found


def _path(rule: Rule) -> str:
    values = {name: _value(rule._converters[name]) for name in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])


def _value(converter: object) -> object:
    return {"UUIDConverter": UNKNOWN, "IntegerConverter": 1}.get(type(converter).__name__, "x")


def not_repeatable(app: APIFlask) -> list[str]:
    """Return the creating POST routes that do not accept an Idempotency-Key."""
    return [
        f"POST {rule} accepts no Idempotency-Key"
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and rule.endpoint not in NOT_CREATING
        and not getattr(app.view_functions[rule.endpoint], ACCEPTS_KEY, False)
    ]


def test_every_route_requires_authentication(app: APIFlask) -> None:
    assert unguarded(app) == []


def test_a_route_without_authentication_is_reported(settings: Settings) -> None:
    app = create_app(settings)
    hooks = app.before_request_funcs[None]
    app.before_request_funcs[None] = [hook for hook in hooks if hook.__name__ != "authenticate"]
    assert "GET /api/v1/study-sets answers an unauthenticated caller with 500" in unguarded(app)


def test_a_new_route_requires_authentication_until_it_is_listed(settings: Settings) -> None:
    app = create_app(settings)
    app.get("/api/v1/new")(lambda: "open")
    assert app.test_client().get("/api/v1/new").status_code == 401
    assert unguarded(app) == []


def test_every_route_answers_a_browsers_preflight(app: APIFlask, settings: Settings) -> None:
    stranger = app.test_client()
    refused = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            asked = {"Origin": settings.frontend_url, "Access-Control-Request-Method": method}
            answer = stranger.options(_path(rule), headers=asked)
            if not answer.is_json and answer.status_code in (200, 204) and answer.access_control_allow_origin:
                continue
            refused.append(f"{method} {rule}: {answer.status_code}")
        plain = stranger.options(_path(rule))
        if plain.status_code >= 500:
            refused.append(f"OPTIONS {rule}: {plain.status_code}")
    assert refused == []


def test_the_public_list_has_only_reviewed_routes() -> None:
    assert set(MAY_BE_PUBLIC) == PUBLIC_ENDPOINTS


def test_every_creating_post_takes_an_idempotency_key(app: APIFlask) -> None:
    assert not_repeatable(app) == []


def test_a_post_without_an_idempotency_key_is_reported(settings: Settings) -> None:
    app = create_app(settings)
    app.post("/api/v1/new")(lambda: "made")
    assert not_repeatable(app) == ["POST /api/v1/new accepts no Idempotency-Key"]


def unlimited(app: APIFlask, classes: RouteClasses = ROUTE_CLASSES) -> list[str]:
    """Return the routes without a rate limit class, and those whose class is too weak."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            route_class = classes.find(rule.endpoint, rule.rule, method)
            if route_class is None and not classes.unlimited.get(rule.endpoint):
                found.append(f"{method} {rule} is not limited and has no reason")
            if "/auth/" in rule.rule and route_class is not RouteClass.SIGN_IN:
                found.append(f"{method} {rule} is a sign-in route and not limited by address")
            if method not in ("GET", "HEAD") and route_class is RouteClass.READ:
                found.append(f"{method} {rule} changes data and is limited as a read")
    return found


def test_every_route_is_limited_or_has_a_reason(app: APIFlask) -> None:
    assert unlimited(app) == []


def test_limits_are_declared_only_for_existing_routes(app: APIFlask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {*ROUTE_CLASSES.named, *ROUTE_CLASSES.unlimited, *ROUTE_CLASSES.limited_by_view, *RAW_BODIES} <= endpoints


def test_only_public_routes_are_limited_by_their_view() -> None:
    assert set(ROUTE_CLASSES.limited_by_view) <= PUBLIC_ENDPOINTS - set(ROUTE_CLASSES.unlimited)
    assert all(ROUTE_CLASSES.limited_by_view.values())


@pytest.mark.parametrize(
    ("method", "path", "route_class"),
    [
        ("GET", "/api/v1/new", RouteClass.READ),
        ("PUT", "/api/v1/new", RouteClass.WRITE),
        ("GET", "/api/v1/auth/login/<provider>", RouteClass.SIGN_IN),
        ("POST", "/api/v1/auth/refresh", RouteClass.SIGN_IN),
    ],
)
def test_an_unlisted_route_is_limited(method: str, path: str, route_class: RouteClass) -> None:
    assert ROUTE_CLASSES.find("room.new", path, method) is route_class


def test_an_unlimited_route_is_reported(settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/api/v1/new", "new", lambda: "open")
    app.add_url_rule("/api/v1/auth/weak", "weak", lambda: "open", methods=["POST"])
    classes = RouteClasses(
        named={**ROUTE_CLASSES.named, "weak": RouteClass.READ},
        unlimited={**ROUTE_CLASSES.unlimited, "new": ""},
        sign_in_under=ROUTE_CLASSES.sign_in_under,
    )
    assert sorted(unlimited(app, classes)) == [
        "GET /api/v1/new is not limited and has no reason",
        "HEAD /api/v1/new is not limited and has no reason",
        "POST /api/v1/auth/weak changes data and is limited as a read",
        "POST /api/v1/auth/weak is a sign-in route and not limited by address",
    ]


def test_every_creating_post_returns_the_same_response_twice(app: APIFlask, client, run_pending_jobs: Callable) -> None:
    study_set_id = client.make_study_set()
    uploaded = client.upload(study_set_id, ("notes.txt", b"A cell divides. " * 20))
    ids = {"study_set_id": study_set_id, "document_id": uploaded.json["documents"][0]["id"]}
    run_pending_jobs()
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in NOT_CREATING:
            continue
        if rule.rule.startswith("/api/v1/admin/"):
            # They need an administrator and Stripe: tests/operations/admin.
            continue
        if rule.endpoint == "payments.create_checkout":
            # It needs Stripe: tests/billing/payments/test_api_checkout.py.
            continue
        path = str(rule.build(ids, append_unknown=False)[1])
        answers = []
        for _ in range(2):
            if rule.endpoint == "library.upload_documents":
                answers.append(client.upload(study_set_id, ("more.txt", b"A plant grows."), Idempotency_Key="k"))
            else:
                assert rule.endpoint in BODIES, f"Add a body for {rule.endpoint} to BODIES."
                answers.append(client.post(path, json=BODIES[rule.endpoint], headers={"Idempotency-Key": "k"}))
        first, second = answers
        assert first.status_code in (201, 202), f"{rule.endpoint}: {first.text}"
        assert (second.status_code, second.json) == (first.status_code, first.json)
        assert second.headers["Location"] == first.headers["Location"]
        assert second.headers["Idempotency-Replayed"] == "true"
