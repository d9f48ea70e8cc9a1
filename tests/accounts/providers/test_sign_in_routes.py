"""The routes that browsers navigate to: every outcome redirects to the browser app."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import request

from backend.accounts.providers import browser as flow
from backend.app import create_app
from backend.core.database.transaction import TransactionOpen, transaction
from backend.core.errors import Unavailable
from backend.core.process.logging import configure_logging
from backend.settings import Settings
from tests.accounts.providers.browser import FRONTEND_URL, PUBLIC_URL, Browser, click, query_of, redirect_parameters
from tests.stand_ins.github_server import GitHubServer
from tests.stand_ins.openid_provider import OpenIdProvider

LOGIN = "/api/v1/auth/login"
CALLBACK = "/api/v1/auth/callback"
COOKIE = "__Host-sign_in"
CHECKOUT = Path(__file__).resolve().parents[3]
# The client secret of the stand-ins.
SECRET = "secret-of-tests-0123456789"


def error_of(browser: Browser, path: str, **options: object) -> str:
    """Return the error code of the redirect to the browser app, after checking its request id."""
    answer = browser.get(path, **options)
    parameters = redirect_parameters(answer)
    assert parameters.pop("request_id") == answer.headers["X-Request-Id"]
    assert list(parameters) == ["error"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    return parameters["error"]


def test_the_configured_providers_are_listed(api_browser: Browser) -> None:
    answer = api_browser.get("/api/v1/auth/providers")
    assert answer.status_code == 200
    assert answer.json == {
        "items": [
            {"name": "github", "title": "GitHub", "kind": "github"},
            {"name": "university", "title": "University", "kind": "openid"},
            {"name": "college", "title": "College", "kind": "openid"},
        ]
    }


@pytest.mark.parametrize(("provider", "user"), [("university", "anna"), ("college", "anna"), ("github", "octo")])
def test_a_sign_in_redirects_to_the_browser_app(api_browser: Browser, provider: str, user: str) -> None:
    parameters = api_browser.sign_in(provider, user, next="/sets?tab=cards")
    assert parameters["next"] == "/sets?tab=cards"
    assert "code" in parameters
    assert "error" not in parameters


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_a_foreign_next_page_is_dropped(api_browser: Browser, path: str) -> None:
    assert "next" not in api_browser.sign_in("university", "anna", next=path)


def test_a_fresh_sign_in_asks_for_the_password(api_browser: Browser) -> None:
    assert query_of(api_browser.begin("university", fresh="true"))["prompt"] == "login"


def test_errors_redirect_to_the_browser_app(
    api_browser: Browser, university: OpenIdProvider, github: GitHubServer
) -> None:
    assert error_of(api_browser, f"{LOGIN}/nobody") == "unknown_provider"
    assert error_of(api_browser, f"{CALLBACK}/nobody") == "unknown_provider"
    assert error_of(api_browser, f"{CALLBACK}/university?code=a&state=b") == "sign_in_expired"
    assert error_of(api_browser, f"{LOGIN}/university?fresh=perhaps") == "invalid_input"
    cancelled = click(api_browser.begin("university"), "")
    assert error_of(api_browser, cancelled) == "sign_in_cancelled"
    university.claims = {"nonce": "another"}
    assert error_of(api_browser, click(api_browser.begin("university"), "anna")) == "sign_in_failed"
    github.addresses = []
    assert error_of(api_browser, click(api_browser.begin("github"), "octo")) == "email_not_verified"


def test_an_unavailable_provider_redirects_to_the_browser_app(api_browser: Browser, college: OpenIdProvider) -> None:
    college.failing["/.well-known/openid-configuration"] = 500
    assert error_of(api_browser, f"{LOGIN}/college") == "provider_unavailable"


@pytest.fixture
def failing_api(settings: Settings, provider_settings: Settings) -> Iterator[Callable[[Exception], Browser]]:
    """The API, with an error raised before its sign-in routes."""
    from backend.app import create_app

    def build(error: Exception) -> Browser:
        app = create_app(provider_settings)

        @app.before_request
        def fail() -> None:
            if request.path.startswith("/api/v1/auth/"):
                raise error

        return Browser(app)

    yield build
    configure_logging(settings)


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable(), "unavailable"), (ZeroDivisionError("of ours"), "internal_error")]
)
def test_internal_failures_redirect_to_the_browser_app(
    failing_api: Callable[[Exception], Browser], error: Exception, code: str
) -> None:
    browser = failing_api(error)
    assert error_of(browser, f"{LOGIN}/university") == code
    assert error_of(browser, f"{CALLBACK}/university?code=a&state=b") == code
    # Programs call this route, so its errors are not redirects.
    assert browser.get("/api/v1/auth/providers").content_type == "application/problem+json"


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example;proto=http"}]
)
def test_no_header_changes_the_redirect_uri(api_browser: Browser, headers: dict[str, str]) -> None:
    for provider in ("university", "github"):
        answer = api_browser.api.get(f"{LOGIN}/{provider}", headers=headers)
        asked = query_of(answer.headers["Location"])
        assert asked["redirect_uri"] == f"https://api.study.example/api/v1/auth/callback/{provider}"
    assert redirect_parameters(api_browser.api.get(f"{LOGIN}/nobody", headers=headers))["error"] == "unknown_provider"


def test_a_foreign_host_starts_no_sign_in(api_browser: Browser) -> None:
    answer = api_browser.api.get(f"{LOGIN}/university", headers={"Host": "evil.example"})
    assert redirect_parameters(answer)["error"] == "unknown_host"
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_is_bound_to_the_host_and_hidden_from_scripts(api_browser: Browser) -> None:
    cookie = api_browser.get(f"{LOGIN}/university").headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == COOKIE
    assert attributes == {"secure", "httponly", "samesite=lax", "path=/"}


def test_without_tls_the_cookie_has_another_name(provider_settings: Settings) -> None:
    plain = create_app(provider_settings.model_copy(update={"public_url": "http://localhost:8080"}))
    answer = Browser(plain).get(f"{LOGIN}/university", base_url="http://localhost:8080")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("sign_in=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_other_routes_set_no_cookie(api_browser: Browser) -> None:
    for path in ("/api/v1/auth/providers", "/api/v1/live", f"{LOGIN}/nobody"):
        assert "Set-Cookie" not in api_browser.get(path).headers


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
def test_prefetching_has_no_side_effects(api_browser: Browser, headers: dict[str, str]) -> None:
    callback = click(api_browser.begin("university"), "anna")
    for path in (f"{LOGIN}/university", callback):
        early = api_browser.get(path, headers=headers)
        assert early.status_code == 503
        assert "Set-Cookie" not in early.headers
    assert "code" in api_browser.come_back(callback)


def test_head_has_no_side_effects(api_browser: Browser, university: OpenIdProvider) -> None:
    callback = click(api_browser.begin("university"), "anna")
    for path in (f"{LOGIN}/university", callback):
        answer = api_browser.api.head(path, base_url=PUBLIC_URL)
        assert answer.status_code == 204
        assert "Set-Cookie" not in answer.headers
    assert university.times_asked("/token") == 0
    assert "code" in api_browser.come_back(callback)


def test_no_provider_is_called_inside_a_transaction(api: APIFlask, university: OpenIdProvider) -> None:
    with api.test_request_context(), transaction(), pytest.raises(TransactionOpen):
        flow.begin_sign_in("university", fresh=False, next_path=None, link_session_id=None)
    assert university.asked == []


@pytest.mark.usefixtures("settings")
def test_nothing_secret_is_logged(university: OpenIdProvider, college: OpenIdProvider, github: GitHubServer) -> None:
    college.claims = {"aud": "another"}
    github.failing["/api/v3/user/emails"] = "garbage"
    offered = [
        {"name": name, "title": name, "issuer": server.url, "client_id": "client-of-tests", "client_secret": SECRET}
        for name, server in (("university", university), ("college", college))
    ]
    environment = {
        **os.environ,
        "PUBLIC_URL": PUBLIC_URL,
        "FRONTEND_URL": FRONTEND_URL,
        "OIDC_PROVIDERS": json.dumps(offered),
        "GITHUB_CLIENT_ID": github.client_id,
        "GITHUB_CLIENT_SECRET": SECRET,
        "GITHUB_URL": github.url,
        "GITHUB_API_URL": github.api_url,
        "LOG_LEVEL": "DEBUG",
    }
    command = [sys.executable, "-m", "tests.accounts.providers.sign_in_loudly"]
    command += ["university:anna", "college:anna", "github:octo"]
    done = subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in (
        "/api/v1/auth/callback/github",
        "accounts.sign_in.refused provider=college",
        "accounts.provider.failed",
    ):
        assert line in done.stderr
    assert "accounts.sign_in.refused provider=university reason=other" in done.stderr
    assert "anybody" not in done.stderr
    seen = set(done.stdout.split())
    assert len(seen) == 11
    given = university.given | college.given | github.given
    secret = {SECRET, "anna@uni.example", "octo@octo.example", "Anna Muster", "Octo Cat"} | seen | given
    assert [value for value in secret if value in done.stderr] == []
