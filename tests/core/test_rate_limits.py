"""Rate limits per route class, user and address, and their headers."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.core.errors import DomainError
from backend.core.web.client_address import configure_client_address
from backend.core.web.http import configure_http
from backend.core.web.origins import configure_origins
from backend.core.web.rate_limits import (
    RouteClasses,
    TooManyRequests,
    configure_rate_limits,
    limit_address_of_request,
    limit_sign_in_of,
)
from backend.settings import Settings
from config.local.redis import LocalRedis
from tests.conftest import Client
from tests.patience import HANG_S

SETS = "/api/v1/study-sets"
LOGIN = "/api/v1/auth/dev-login"
ME, YOU = {"email": "student@example.org"}, {"email": "other@example.org"}
WRONG = {"Authorization": "Bearer wrong"}

NewApp = Callable[..., APIFlask]


@pytest.fixture
def new_app(app: APIFlask, settings: Settings) -> NewApp:
    """Build an app with its own limits, on empty tables and an empty Redis."""

    def build(**changes: object) -> APIFlask:
        made = create_app(settings.model_copy(update=changes))
        made.test_client_class = Client
        return made

    return build


def statuses(ask: Callable[[], TestResponse], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def from_address(address: str) -> dict[str, str]:
    return {"REMOTE_ADDR": address}


def test_every_response_reports_the_limit_and_the_rest(new_app: NewApp) -> None:
    client = new_app(rate_limit_read="3/minute").test_client().sign_in("student@example.org")
    left = []
    for _ in range(4):
        headers = client.get(SETS).headers
        assert headers["RateLimit-Policy"] == '"read";q=3;w=60'
        found = re.fullmatch(r'"read";r=(\d+);t=(\d+)', headers["RateLimit"])
        assert found is not None
        assert 1 <= int(found[2]) <= 60
        left.append(int(found[1]))
    assert left == [2, 1, 0, 0]


def test_a_refused_request_has_a_retry_after(new_app: NewApp) -> None:
    client = new_app(rate_limit_read="1/hour").test_client().sign_in("student@example.org")
    client.get(SETS)
    answer = client.get(SETS, headers={"Accept-Language": "de"})
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "too_many_requests"
    seconds = answer.headers["Retry-After"]
    assert 3600 - HANG_S < int(seconds) <= 3600
    assert answer.headers["RateLimit"] == f'"read";r=0;t={seconds}'
    assert answer.json["detail"] == f"Zu viele Anfragen. Bitte versuche es in {seconds} s noch einmal."
    assert set(TooManyRequests.texts) == {"en", "de", "fr", "it"}


def test_classes_and_users_are_counted_separately(new_app: NewApp) -> None:
    app = new_app(rate_limit_read="2/minute", rate_limit_write="1/minute")
    client, other = app.test_client().sign_in(ME["email"]), app.test_client().sign_in(YOU["email"])
    assert statuses(lambda: client.get(SETS), 3) == [200, 200, 429]
    assert statuses(lambda: client.post(SETS, json={"title": "Biology"}), 2) == [201, 429]
    assert other.get(SETS).status_code == 200
    # Refused requests had no effect. Another app has other limits and other counts.
    assert len(new_app().test_client().sign_in(ME["email"]).get(SETS).json["items"]) == 1


def test_uploads_runs_and_exports_have_their_own_limits(new_app: NewApp) -> None:
    client = new_app().test_client().sign_in("student@example.org")
    study_set = client.make_study_set()
    policies = {
        "upload": client.upload(study_set, ("notes.txt", b"A cell divides.")),
        "run": client.post(f"{SETS}/{study_set}/runs", json={}),
        "write": client.delete(f"{SETS}/{study_set}"),
    }
    for name, answer in policies.items():
        assert answer.headers["RateLimit-Policy"].startswith(f'"{name}";'), answer.text
    assert client.get(f"{SETS}/{study_set}/export?format=json").headers["RateLimit-Policy"].startswith('"run";')


def test_signing_in_is_limited_per_address_for_all_users(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="2/minute").test_client()
    assert client.post(LOGIN, json=ME).headers["RateLimit-Policy"] == '"sign-in-address";q=2;w=60'
    assert statuses(lambda: client.post(LOGIN, json=YOU), 2) == [200, 429]
    assert client.post(LOGIN, json=ME, environ_base=from_address("203.0.113.7")).status_code == 200


def test_headers_do_not_change_the_counted_address(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    headers = [{"X-Forwarded-For": f"203.0.113.{n}", "do-connecting-ip": f"203.0.113.{n}"} for n in range(2)]
    assert [client.post(LOGIN, json=ME, headers=each).status_code for each in headers] == [200, 429]


def test_an_ipv6_network_counts_as_one_address(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
    found = [client.post(LOGIN, json=ME, environ_base=from_address(each)).status_code for each in addresses]
    assert found == [200, 429, 200]


def test_all_networks_of_an_ipv6_site_share_eight_limits_for_signing_in(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    answers = [
        client.post(LOGIN, json=ME, environ_base=from_address(f"2001:db8:0:{network}::1")) for network in range(9)
    ]
    assert [answer.status_code for answer in answers] == [200] * 8 + [429]
    assert answers[7].headers["RateLimit-Policy"] == '"sign-in-address";q=1;w=60, "sign-in-site";q=8;w=60'
    assert answers[8].headers["RateLimit"].endswith(f'"sign-in-site";r=0;t={answers[8].headers["Retry-After"]}')
    assert client.post(LOGIN, json=ME, environ_base=from_address("2001:db8:1::1")).status_code == 200


def test_one_network_cannot_use_up_the_limit_of_its_site(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    loud, neighbour = from_address("2001:db8::1"), from_address("2001:db8:0:1::1")
    assert statuses(lambda: client.post(LOGIN, json=ME, environ_base=loud), 20) == [200] + [429] * 19
    assert client.post(LOGIN, json=ME, environ_base=neighbour).status_code == 200


def test_the_address_comes_from_the_proxys_header(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute", trusted_proxy_header="do-connecting-ip").test_client()
    headers = [{"do-connecting-ip": f"203.0.113.{n}"} for n in (1, 2, 1)]
    assert [client.post(LOGIN, json=ME, headers=each).status_code for each in headers] == [200, 200, 429]


def test_anonymous_requests_are_limited_per_address(new_app: NewApp) -> None:
    app = new_app(rate_limit_address="2/minute")
    stranger, client = app.test_client(), app.test_client().sign_in("student@example.org")
    assert statuses(lambda: stranger.get(SETS, headers=WRONG), 3) == [401, 401, 429]
    refused = stranger.get(SETS)
    assert refused.json["code"] == "too_many_requests"
    assert refused.headers["RateLimit-Policy"] == '"read-address";q=2;w=60'
    assert int(refused.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in refused.headers
    assert refused.headers["X-Request-Id"] == refused.json["request_id"]
    # One client's wrong tokens do not lock out signed-in users with the same address.
    assert client.get(SETS).status_code == 200


def test_requests_refused_before_authentication_are_counted_too(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    assert statuses(lambda: client.post(SETS, data="text", content_type="text/plain"), 2) == [415, 429]


def test_a_user_named_only_in_the_body_is_limited_too(new_app: NewApp) -> None:
    app, user_id = new_app(rate_limit_sign_in="2/minute"), uuid4()
    for _ in range(2):
        with app.test_request_context(LOGIN, method="POST"):
            limit_sign_in_of(user_id)
    with app.test_request_context(LOGIN, method="POST"), pytest.raises(TooManyRequests):
        limit_sign_in_of(user_id)
    with app.test_request_context(LOGIN, method="POST"):
        limit_sign_in_of(uuid4())


@pytest.mark.parametrize("path", ["/api/v1/health/live", "/api/v1/openapi.json", "/api/v1/docs", "/nothing-here"])
def test_unlimited_routes_have_no_limit_headers(new_app: NewApp, path: str) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    for answer in [client.get(path) for _ in range(3)]:
        assert answer.status_code != 429
        assert "RateLimit" not in answer.headers


def test_browsers_may_send_preflights_and_read_the_limit_headers(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    asking = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}
    assert set(statuses(lambda: client.options(SETS, headers=asking), 3)) == {200}
    answers = [client.get(SETS, headers={"Origin": "http://localhost:5173"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
            answer.headers["Access-Control-Expose-Headers"].split(", ")
        )


def test_processes_with_the_same_broker_count_together(new_app: NewApp) -> None:
    first, second = new_app(rate_limit_read="3/minute"), new_app(rate_limit_read="3/minute")
    clients = [each.test_client().sign_in("student@example.org") for each in (first, second)]
    assert [clients[n % 2].get(SETS).status_code for n in range(5)] == [200, 200, 200, 429, 429]


def test_without_a_broker_the_limits_are_the_same(new_app: NewApp) -> None:
    with LocalRedis() as broker:
        app = new_app(redis_url=broker.url, rate_limit_read="3/minute", rate_limit_address="2/minute")
        client = app.test_client().sign_in("student@example.org")
        broker.kill()
        assert statuses(lambda: client.get(SETS), 4) == [200, 200, 200, 429]
        assert statuses(lambda: client.post(LOGIN, json=ME), 3) == [200, 200, 429]
        assert client.get(SETS).headers["RateLimit-Policy"] == '"read";q=3;w=60'


def test_a_browser_over_the_sign_in_limit_is_redirected_to_the_browser_app(new_app: NewApp) -> None:
    client = new_app(rate_limit_address="1/minute").test_client()
    found = [client.get("/api/v1/auth/login/nobody") for _ in range(2)]
    assert [answer.status_code for answer in found] == [302, 302]
    assert "error=too_many_requests" in found[1].headers["Location"]
    assert found[1].headers["RateLimit"].startswith('"sign-in-address";r=0;')


class Unsigned(DomainError):
    """The request has no signature of ours."""

    code = "unsigned"
    status = 400
    texts = {"en": "Sign the request."}


@pytest.fixture
def sender(app: APIFlask, settings: Settings) -> FlaskClient:
    """A client of two webhooks: one counts requests without a signature, the other one forgets to."""
    made = APIFlask("hackthestudy-tests")
    configure_http(made, largest_upload=1000, production=False)
    configure_client_address(made, settings)
    classes = RouteClasses({}, {}, "/auth/", limited_by_view={"hook": "signed", "careless": "signed"})
    limits = configure_rate_limits(made, settings.model_copy(update={"rate_limit_address": "2/minute"}), classes)
    made.before_request(limits.limit_user)
    configure_origins(made, settings, any_host=frozenset())

    @made.post("/hook")
    def hook() -> str:
        if request.headers.get("Signature") != "right":
            limit_address_of_request()
            made.extensions["let_on"] = made.extensions.get("let_on", 0) + 1
            raise Unsigned
        return "received"

    @made.post("/careless")
    def careless() -> str:
        if request.headers.get("Signature") != "right":
            raise Unsigned
        return "received"

    return made.test_client()


SIGNED = {"Signature": "right"}


@pytest.mark.parametrize("path", ["/hook", "/careless"])
def test_a_view_that_finds_no_proof_limits_the_address(sender: FlaskClient, path: str) -> None:
    answers = [sender.post(path) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [400, 400, 429, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0", "r=0"]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"write-address";q=2;w=60'}
    assert int(answers[2].headers["Retry-After"]) > 0
    assert answers[2].json["code"] == "too_many_requests"
    assert sender.post(path, environ_base=from_address("203.0.113.7")).status_code == 400


def test_a_view_over_the_limit_goes_no_further(sender: FlaskClient) -> None:
    assert statuses(lambda: sender.post("/hook"), 4) == [400, 400, 429, 429]
    assert sender.application.extensions["let_on"] == 2


@pytest.mark.parametrize("path", ["/hook", "/careless"])
def test_a_request_with_proof_is_not_limited_and_counts_for_nobody(sender: FlaskClient, path: str) -> None:
    for _ in range(4):
        answer = sender.post(path, headers=SIGNED)
        assert answer.status_code == 200
        assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(answer.headers.keys())
    # Others at this address have their whole limit, and using it up does not refuse requests with proof.
    assert statuses(lambda: sender.post(path), 3) == [400, 400, 429]
    assert sender.post(path, headers=SIGNED).status_code == 200


def test_a_body_refused_before_its_view_counts_for_the_address(sender: FlaskClient) -> None:
    answers = [sender.post("/hook", headers=SIGNED, data="x", content_type="text/plain") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [415, 415, 429]
