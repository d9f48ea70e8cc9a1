"""Every route is in the public list or asks who is there; every POST that creates may be repeated safely."""

from collections.abc import Callable
from uuid import UUID

import pytest
from apiflask import APIFlask
from werkzeug.routing import Rule

from backend.app import PUBLIC_ENDPOINTS, ROUTE_CLASSES, create_app
from backend.core.web.idempotency import ACCEPTS_KEY
from backend.core.web.rate_limits import RouteClass, RouteClasses
from backend.settings import Settings

pytestmark = pytest.mark.usefixtures("app")

# What the public list may hold, and why.
MAY_BE_PUBLIC = {
    "operations.health": "asked by load balancers and monitors",
    "metrics.scrape": "asked by Prometheus, with a token of its own and none of a user",
    "operations.live": "asked by what restarts a process that hangs",
    "tokens.redeem_code": "asks for a one-time code and the cookie that belongs to it",
    "tokens.refresh": "asks for a refresh token",
    "tokens.sign_out": "ends the session of the refresh token that it is given, and none else",
    "development.dev_login": "gives the first token; not there in production",
    "providers.list_sign_in_providers": "whoever signs in must see with whom",
    "sign_in.begin_sign_in": "whoever signs in is not signed in yet",
    "sign_in.finish_sign_in": "whoever signs in is not signed in yet",
    "privacy.download_linked_export": "asks for a ticket, which a browser that navigates has instead of a token",
    "openapi.spec": "describes the API, not anybody's data",
    "docs.page": "shows the description",
    "docs.start": "shows the description",
    "docs.asset": "shows the description",
}
# POSTs that need no Idempotency-Key, and why.
NOT_CREATING = {
    "tokens.redeem_code": "a code is good once, and what it gives is a secret that is not kept",
    "tokens.refresh": "a token that comes again is told from a theft by the time that has gone by",
    "tokens.sign_out": "signing out twice is signing out once",
    "providers.allow_link": "allows what this browser may do once; allowing twice is allowing once",
    "tokens.sign_out_everywhere": "signing out twice is signing out once",
    "api_keys.create_api_key": "the stored answer would hold the key, of which nothing but the hash is kept",
    "development.dev_login": "the same address is the same user, however often",
    "generation.cancel_run": "cancelling twice is cancelling once",
    "privacy.link_export": "the stored answer would hold the ticket, of which nothing but the hash is kept",
    "admin.disable_user": "disabling twice is disabling once",
    "admin.enable_user": "enabling twice is enabling once",
    "admin.end_user_sessions": "what has ended does not end again",
    "admin.cancel_any_run": "cancelling twice is cancelling once",
    "admin.retry_run": "a run is done again once: whoever asks again gets the same one",
}
UNKNOWN = UUID("018f0000-0000-7000-8000-000000000000")
# What a creating route is sent; a new one needs a body here.
BODIES: dict[str, dict[str, object]] = {
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
    """Return the routes, besides the public ones, that do not say ``not_signed_in`` to this token, or to none."""
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
                found.append(f"{method} {rule} answers a stranger with {answer.status_code}")
    return found


def _path(rule: Rule) -> str:
    values = {name: _value(rule._converters[name]) for name in rule.arguments}
    return str(rule.build(values, append_unknown=False)[1])


def _value(converter: object) -> object:
    return {"UUIDConverter": UNKNOWN, "IntegerConverter": 1}.get(type(converter).__name__, "x")


def not_repeatable(app: APIFlask) -> list[str]:
    """Return the POSTs that create and do not take an Idempotency-Key."""
    return [
        f"POST {rule} takes no Idempotency-Key"
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and rule.endpoint not in NOT_CREATING
        and not getattr(app.view_functions[rule.endpoint], ACCEPTS_KEY, False)
    ]


def test_every_route_asks_who_is_there(app: APIFlask) -> None:
    assert unguarded(app) == []


def test_a_route_without_the_question_is_reported(settings: Settings) -> None:
    app = create_app(settings)
    hooks = app.before_request_funcs[None]
    app.before_request_funcs[None] = [hook for hook in hooks if hook.__name__ != "authenticate"]
    assert "GET /api/v1/study-sets answers a stranger with 500" in unguarded(app)


def test_a_new_route_is_closed_until_it_is_listed(settings: Settings) -> None:
    app = create_app(settings)
    app.get("/api/v1/new")(lambda: "open")
    assert app.test_client().get("/api/v1/new").status_code == 401
    assert unguarded(app) == []


def test_a_browser_may_ask_first_about_every_route(app: APIFlask, settings: Settings) -> None:
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


def test_the_public_list_is_short_and_reasoned() -> None:
    assert set(MAY_BE_PUBLIC) == PUBLIC_ENDPOINTS


def test_every_post_that_creates_takes_a_key(app: APIFlask) -> None:
    assert not_repeatable(app) == []


def test_a_post_without_a_key_is_reported(settings: Settings) -> None:
    app = create_app(settings)
    app.post("/api/v1/new")(lambda: "made")
    assert not_repeatable(app) == ["POST /api/v1/new takes no Idempotency-Key"]


def unlimited(app: APIFlask, classes: RouteClasses = ROUTE_CLASSES) -> list[str]:
    """Return the routes without a class by which their requests are limited, and those whose class is too weak."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            route_class = classes.find(rule.endpoint, rule.rule, method)
            if route_class is None and not classes.unlimited.get(rule.endpoint):
                found.append(f"{method} {rule} is not limited, for no reason")
            if "/auth/" in rule.rule and route_class is not RouteClass.SIGN_IN:
                found.append(f"{method} {rule} is of signing in and not limited by address")
            if method not in ("GET", "HEAD") and route_class is RouteClass.READ:
                found.append(f"{method} {rule} changes something and is limited as if it read")
    return found


def test_every_route_is_limited_or_has_a_reason(app: APIFlask) -> None:
    assert unlimited(app) == []


def test_a_named_class_is_of_a_route_that_is_there(app: APIFlask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {*ROUTE_CLASSES.named, *ROUTE_CLASSES.unlimited} <= endpoints


@pytest.mark.parametrize(
    ("method", "path", "route_class"),
    [
        ("GET", "/api/v1/new", RouteClass.READ),
        ("PUT", "/api/v1/new", RouteClass.WRITE),
        ("GET", "/api/v1/auth/login/<provider>", RouteClass.SIGN_IN),
        ("POST", "/api/v1/auth/refresh", RouteClass.SIGN_IN),
    ],
)
def test_a_new_route_is_limited_though_nobody_named_it(method: str, path: str, route_class: RouteClass) -> None:
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
        "GET /api/v1/new is not limited, for no reason",
        "HEAD /api/v1/new is not limited, for no reason",
        "POST /api/v1/auth/weak changes something and is limited as if it read",
        "POST /api/v1/auth/weak is of signing in and not limited by address",
    ]


def test_every_post_that_creates_answers_the_same_twice(app: APIFlask, client, run_pending_jobs: Callable) -> None:
    study_set_id = client.make_study_set()
    client.upload(study_set_id, ("notes.txt", b"A cell divides. " * 20))
    run_pending_jobs()
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in NOT_CREATING:
            continue
        path = str(rule.build({"study_set_id": study_set_id}, append_unknown=False)[1])
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
