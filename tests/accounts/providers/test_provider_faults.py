"""Unreachable, slow or faulty providers: an error code in bounded time, and recovery."""

import socket
from collections.abc import Callable

import pytest
from flask import Flask

from backend.accounts.providers import browser as flow
from backend.settings import Settings
from tests.accounts.providers.browser import Browser, changed, click
from tests.patience import patient_s
from tests.stand_ins.github_server import GitHubServer
from tests.stand_ins.openid_provider import OpenIdProvider
from tests.stand_ins.sign_in_server import SignInServer

UNAVAILABLE = {"error": "provider_unavailable"}
METADATA = "/.well-known/openid-configuration"
TOKEN, EMAILS = "/login/oauth/access_token", "/api/v3/user/emails"
OPENID_PATHS = [METADATA, "/token", "/jwks", "/userinfo"]
GITHUB_PATHS = [TOKEN, "/api/v3/user", EMAILS]
FAULTS = [500, 503, 404, 429, "garbage", "nested", "huge", "list", "redirect"]


@pytest.fixture
def hasty_browser(gateway_app: Flask, provider_settings: Settings) -> Browser:
    """A browser at an app with a short provider timeout."""
    flow.configure_providers(gateway_app, provider_settings.model_copy(update={"provider_timeout_s": patient_s(0.5)}))
    return Browser(gateway_app)


def outcome(browser: Browser, provider: str, user: str) -> dict[str, str]:
    """Sign in; return the result, or the error if the sign-in does not start."""
    answer = browser.get(f"/api/v1/auth/login/{provider}")
    return answer.json if answer.is_json else browser.come_back(click(answer.headers["Location"], user))


@pytest.mark.parametrize("how", FAULTS)
@pytest.mark.parametrize("path", OPENID_PATHS)
def test_an_invalid_response_of_an_openid_provider(
    browser: Browser, university: OpenIdProvider, forget_in: Callable[[float], None], path: str, how: str | int
) -> None:
    university.tells_in_token = False
    university.failing[path] = how
    assert outcome(browser, "university", "anna") == UNAVAILABLE
    university.failing.clear()
    forget_in(11)
    assert "identity" in outcome(browser, "university", "anna")


@pytest.mark.parametrize(
    ("path", "how"),
    # A list is the valid response of this path.
    [(path, how) for path in GITHUB_PATHS for how in FAULTS if (path, how) != (EMAILS, "list")],
)
def test_an_invalid_response_of_github(browser: Browser, github: GitHubServer, path: str, how: str | int) -> None:
    github.failing[path] = how
    assert outcome(browser, "github", "octo") == UNAVAILABLE
    github.failing.clear()
    assert "identity" in outcome(browser, "github", "octo")


@pytest.mark.parametrize("how", ["slow", "trickle"])
@pytest.mark.parametrize("path", [METADATA, "/token", "/jwks"])
def test_a_slow_openid_provider(hasty_browser: Browser, university: OpenIdProvider, path: str, how: str) -> None:
    university.failing[path] = how
    assert outcome(hasty_browser, "university", "anna") == UNAVAILABLE
    # A read may be retried once; a code is never sent twice.
    assert university.times_asked(path) in ((1,) if path == "/token" else (1, 2))


@pytest.mark.parametrize("path", [TOKEN, EMAILS])
def test_a_slow_github(hasty_browser: Browser, github: GitHubServer, path: str) -> None:
    github.failing[path] = "slow"
    assert outcome(hasty_browser, "github", "octo") == UNAVAILABLE
    assert github.times_asked(path) in ((1,) if path == TOKEN else (1, 2))


@pytest.mark.parametrize(
    ("provider", "path"),
    [("university", METADATA), ("university", "/jwks"), ("github", "/api/v3/user"), ("github", EMAILS)],
)
def test_a_read_is_retried_once(
    browser: Browser, university: OpenIdProvider, github: GitHubServer, provider: str, path: str
) -> None:
    server: SignInServer = github if provider == "github" else university
    server.failing[path] = "once"
    assert "identity" in outcome(browser, provider, next(iter(server.users)))
    assert server.times_asked(path) == 2


@pytest.mark.parametrize(("provider", "path"), [("university", "/token"), ("github", TOKEN)])
def test_a_code_is_sent_once(
    browser: Browser, university: OpenIdProvider, github: GitHubServer, provider: str, path: str
) -> None:
    server: SignInServer = github if provider == "github" else university
    server.failing[path] = "once"
    assert outcome(browser, provider, next(iter(server.users))) == UNAVAILABLE
    assert server.times_asked(path) == 1


def test_a_redirect_is_not_followed(browser: Browser, university: OpenIdProvider) -> None:
    university.failing["/token"] = "redirect"
    outcome(browser, "university", "anna")
    assert university.times_asked("/elsewhere") == 0


def test_an_unreachable_provider(gateway_app: Flask, provider_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        issuer = f"http://127.0.0.1:{taken.getsockname()[1]}"
    unreachable = provider_settings.oidc_providers[0].model_copy(update={"issuer": issuer})
    flow.configure_providers(gateway_app, provider_settings.model_copy(update={"oidc_providers": (unreachable,)}))
    assert outcome(Browser(gateway_app), "university", "anna") == UNAVAILABLE


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://accounts.google.com"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://uni.example/token"},
        {"token_endpoint": "javascript:alert(1)"},
        {"jwks_uri": ["https://uni.example/jwks"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://uni.example/userinfo"},
    ],
    ids=str,
)
def test_an_untrustworthy_discovery_document_is_refused(
    browser: Browser, university: OpenIdProvider, metadata: dict[str, object]
) -> None:
    university.metadata = metadata
    assert outcome(browser, "university", "anna") == UNAVAILABLE
    assert university.times_asked("/authorize") == 0


@pytest.mark.parametrize("provider", ["university", "github"])
def test_the_user_cancels(browser: Browser, provider: str) -> None:
    assert outcome(browser, provider, "") == {"error": "sign_in_cancelled"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("access_denied", "sign_in_cancelled"),
        ("server_error", "provider_unavailable"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("login_required", "sign_in_failed"),
        ("redirect_uri_mismatch", "sign_in_failed"),
        ("<script>", "sign_in_failed"),
    ],
)
def test_errors_of_a_callback(browser: Browser, said: str, code: str) -> None:
    callback = click(browser.begin("university"), "anna")
    failed = changed(callback, code=None, error=said, error_description="of\x00whatever\n kind")
    assert browser.come_back(failed) == {"error": code}
    # The error used up the sign-in.
    assert browser.come_back(callback) == {"error": "sign_in_expired"}


def test_an_error_with_a_foreign_state_is_ignored(browser: Browser) -> None:
    callback = click(browser.begin("university"), "")
    assert browser.come_back(changed(callback, state="made up")) == {"error": "sign_in_expired"}


@pytest.mark.parametrize("code", [None, "", "made up", "x" * 2001])
def test_an_invalid_code_is_refused(browser: Browser, code: str | None) -> None:
    callback = click(browser.begin("university"), "anna")
    assert browser.come_back(changed(callback, code=code)) == {"error": "sign_in_failed"}


@pytest.mark.parametrize("said", ["bad_verification_code", "incorrect_client_credentials", "slow_down"])
def test_github_errors_with_status_200(browser: Browser, github: GitHubServer, said: str) -> None:
    github.token_error = said
    assert outcome(browser, "github", "octo") == {"error": "sign_in_failed"}


def test_an_unknown_provider(browser: Browser) -> None:
    for path in ("login/nobody", "callback/nobody", "login/google"):
        assert browser.get(f"/api/v1/auth/{path}").json == {"error": "unknown_provider"}


def test_keys_are_not_used_beyond_their_age(
    browser: Browser, university: OpenIdProvider, forget_in: Callable[[float], None]
) -> None:
    assert "identity" in outcome(browser, "university", "anna")
    university.failing["/jwks"] = 500
    assert "identity" in outcome(browser, "university", "anna")
    forget_in(3601)
    assert outcome(browser, "university", "anna") == UNAVAILABLE
