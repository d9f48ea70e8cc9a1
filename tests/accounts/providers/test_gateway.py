"""Signing in with each provider, and which of its claims are used."""

import oidc_provider_mock
import pytest
from flask import Flask
from pydantic import SecretStr

from backend.accounts.providers import browser as flow
from backend.identity_providers import OidcProvider
from backend.settings import Settings
from tests.accounts.providers.browser import Browser, changed, click, query_of
from tests.stand_ins.github_server import GitHubServer
from tests.stand_ins.openid_provider import OpenIdProvider


def test_an_openid_connect_identity_is_read(browser: Browser) -> None:
    assert browser.sign_in("university", "anna", next="/sets") == {
        "identity": {
            "provider": "university",
            "subject": "anna",
            "email": "anna@uni.example",
            "email_verified": True,
            "name": "Anna Muster",
            "picture_url": None,
            "language": "fr",
        },
        "next_path": "/sets",
        "is_fresh": False,
        "link_session_id": None,
    }


def test_a_github_identity_is_read(browser: Browser) -> None:
    assert browser.sign_in("github", "octo")["identity"] == {
        "provider": "github",
        "subject": "583231",
        "email": "octo@octo.example",
        "email_verified": True,
        "name": "Octo Cat",
        "picture_url": "https://avatars.example/u/583231",
        "language": None,
    }


def test_an_independent_provider_implementation_works(gateway_app: Flask, provider_settings: Settings) -> None:
    ada = oidc_provider_mock.User(sub="ada", claims={"email": "ada@college.example", "email_verified": True})
    with oidc_provider_mock.run_server_in_thread(user_claims=[ada], require_nonce=True) as server:
        secret = SecretStr("any-secret-will-do")
        issuer = f"http://localhost:{server.server_port}"
        given = OidcProvider(
            name="other",
            title="Other",
            issuer=issuer,
            client_id="study",
            client_secret=secret,
            email_domains=("college.example",),
        )
        flow.configure_providers(gateway_app, provider_settings.model_copy(update={"oidc_providers": (given,)}))
        browser = Browser(gateway_app)
        page = browser.begin("other")
        identity = browser.come_back(click(page, "ada", field="sub"))["identity"]
        assert (identity["subject"], identity["email"], identity["email_verified"]) == (
            "ada",
            "ada@college.example",
            True,
        )
        assert browser.come_back(click(browser.begin("other"), "deny", field="action")) == {"error": "sign_in_expired"}


def test_the_authorization_request_is_bound_to_the_browser(browser: Browser, university: OpenIdProvider) -> None:
    first, second = query_of(browser.begin("university")), query_of(browser.begin("university"))
    assert first["response_type"] == "code"
    assert first["client_id"] == university.client_id
    assert first["scope"].split() == ["openid", "email", "profile"]
    assert first["redirect_uri"] == "https://api.study.example/api/v1/auth/callback/university"
    assert first["code_challenge_method"] == "S256"
    assert len(first["code_challenge"]) == 43
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 32
        assert first[name] != second[name]
    assert "prompt" not in first


def test_github_also_gets_pkce(browser: Browser, github: GitHubServer) -> None:
    asked = query_of(browser.begin("github"))
    assert asked["scope"].split() == ["read:user", "user:email"]
    assert asked["code_challenge_method"] == "S256"
    assert "nonce" not in asked
    assert github.asked == []


@pytest.mark.parametrize("provider", ["university", "github"])
def test_a_wrong_verifier_is_refused_by_the_provider(browser: Browser, provider: str) -> None:
    # An attacker has replaced the challenge in the authorization URL.
    page = changed(browser.begin(provider), code_challenge="x" * 43)
    user = "octo" if provider == "github" else "anna"
    assert browser.come_back(click(page, user)) == {"error": "sign_in_failed"}


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_the_client_secret_is_sent_by_a_supported_method(
    browser: Browser, university: OpenIdProvider, way: str
) -> None:
    university.metadata = {"token_endpoint_auth_methods_supported": [way]}
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"
    assert university.secret_sent_by == way


def test_a_wrong_client_secret_fails_the_sign_in(
    browser: Browser, university: OpenIdProvider, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in (university, github):
        monkeypatch.setattr(server, "client_secret", "another")
    assert browser.sign_in("university", "anna") == {"error": "sign_in_failed"}
    assert browser.sign_in("github", "octo") == {"error": "sign_in_failed"}


def test_claims_missing_from_the_token_come_from_userinfo(browser: Browser, university: OpenIdProvider) -> None:
    university.tells_in_token = False
    identity = browser.sign_in("university", "anna")["identity"]
    assert (identity["email"], identity["email_verified"], identity["name"]) == (
        "anna@uni.example",
        True,
        "Anna Muster",
    )


def test_userinfo_is_not_requested_without_need(browser: Browser, university: OpenIdProvider) -> None:
    browser.sign_in("university", "anna")
    assert university.times_asked("/userinfo") == 0


def test_userinfo_of_another_subject_is_refused(browser: Browser, university: OpenIdProvider) -> None:
    university.tells_in_token = False
    university.users["anna"]["sub"] = "berta"
    assert browser.sign_in("university", "anna") == {"error": "sign_in_failed"}


def test_a_provider_without_userinfo_gives_no_address(browser: Browser, university: OpenIdProvider) -> None:
    university.tells_in_token = False
    university.metadata = {"userinfo_endpoint": None}
    identity = browser.sign_in("university", "anna")["identity"]
    assert (identity["email"], identity["email_verified"]) == (None, False)


@pytest.mark.parametrize(
    ("said", "is_verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False), ("yes", False)],
)
def test_an_address_is_verified_if_the_provider_says_so(
    browser: Browser, university: OpenIdProvider, said: object, is_verified: bool
) -> None:
    university.claims = {"email_verified": said}
    assert browser.sign_in("university", "anna")["identity"]["email_verified"] is is_verified


@pytest.mark.parametrize(
    ("claim", "said", "field", "taken"),
    [
        ("email", "no address", "email", None),
        ("email", "a@b\x00.example", "email", None),
        ("email", ["anna@uni.example"], "email", None),
        ("email", "a" * 300 + "@uni.example", "email", None),
        ("name", "  Anna\n\x00 \u202eMuster ", "name", "Anna Muster"),
        ("name", "A" * 300, "name", "A" * 200),
        ("name", {"first": "Anna"}, "name", None),
        ("name", " ", "name", None),
        ("picture", "https://pictures.example/anna.png", "picture_url", "https://pictures.example/anna.png"),
        ("picture", "http://pictures.example/anna.png", "picture_url", None),
        ("picture", "javascript:alert(1)", "picture_url", None),
        ("picture", "https://pictures.example/" + "a" * 2000, "picture_url", None),
        ("locale", "de-CH", "language", "de"),
        ("locale", "IT", "language", "it"),
        ("locale", "es", "language", None),
        ("locale", 7, "language", None),
    ],
)
def test_an_invalid_claim_is_ignored(
    browser: Browser, university: OpenIdProvider, claim: str, said: object, field: str, taken: str | None
) -> None:
    university.claims = {claim: said}
    assert browser.sign_in("university", "anna")["identity"][field] == taken


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [{"email": "a@octo.example", "primary": True, "verified": False}],
        [{"email": "a@octo.example", "primary": False, "verified": True}],
        [{"email": "a@octo.example", "primary": "true", "verified": "true"}],
        ["a@octo.example"],
    ],
)
def test_github_needs_a_primary_and_verified_address(
    browser: Browser, github: GitHubServer, addresses: list[object]
) -> None:
    github.addresses = addresses
    assert browser.sign_in("github", "octo") == {"error": "email_not_verified"}


def test_githubs_own_error_for_an_unverified_address(browser: Browser, github: GitHubServer) -> None:
    github.token_error = "unverified_user_email"
    assert browser.sign_in("github", "octo") == {"error": "email_not_verified"}


@pytest.mark.parametrize("number", [None, "583231", True, 0, -1, 1.5])
def test_github_needs_a_numeric_id(browser: Browser, github: GitHubServer, number: object) -> None:
    github.users["octo"]["id"] = number
    assert browser.sign_in("github", "octo") == {"error": "provider_unavailable"}


def test_a_github_user_without_a_name_gets_the_login(browser: Browser, github: GitHubServer) -> None:
    github.users["octo"]["name"] = None
    assert browser.sign_in("github", "octo")["identity"]["name"] == "octo"


class TestFresh:
    def test_the_provider_is_told_to_prompt(self, browser: Browser) -> None:
        asked = query_of(browser.begin("university", fresh="true"))
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")

    @pytest.mark.parametrize("provider", ["college", "github"])
    def test_a_provider_without_support_shows_the_account_chooser(self, browser: Browser, provider: str) -> None:
        asked = query_of(browser.begin(provider, fresh="true"))
        assert asked["prompt"] == "select_account"
        assert "max_age" not in asked

    @pytest.mark.parametrize(("provider", "user"), [("university", "anna"), ("college", "anna"), ("github", "octo")])
    def test_a_fresh_sign_in_succeeds(self, browser: Browser, provider: str, user: str) -> None:
        assert "identity" in browser.sign_in(provider, user, fresh="true")

    @pytest.mark.parametrize("claimed", [None, "now", True, {}, float("inf"), float("nan")])
    def test_the_provider_must_report_the_authentication_time(
        self, browser: Browser, university: OpenIdProvider, claimed: object
    ) -> None:
        university.claims = {"auth_time": claimed}
        assert browser.sign_in("university", "anna", fresh="true") == {"error": "sign_in_failed"}
        assert "identity" in browser.sign_in("university", "anna")

    def test_an_earlier_authentication_is_not_enough(self, browser: Browser, university: OpenIdProvider) -> None:
        university.authenticated_ago_s = 90
        assert browser.sign_in("university", "anna", fresh="true") == {"error": "sign_in_failed"}
        assert "identity" in browser.sign_in("university", "anna")


@pytest.mark.parametrize(
    ("email", "is_verified"),
    [
        ("root@UNI.example", True),
        ("root@study.example", False),
        ("root@sub.uni.example", False),
        ("root@evil-uni.example", False),
        ("root@uni.example.evil.example", False),
    ],
)
def test_a_provider_verifies_only_addresses_of_its_domains(
    browser: Browser, university: OpenIdProvider, email: str, is_verified: bool
) -> None:
    university.claims = {"email": email, "email_verified": True}
    assert browser.sign_in("university", "anna")["identity"]["email_verified"] is is_verified


def test_a_provider_without_domains_verifies_no_address(browser: Browser, college: OpenIdProvider) -> None:
    college.claims = {"email": "root@study.example", "email_verified": True}
    assert browser.sign_in("college", next(iter(college.users)))["identity"]["email_verified"] is False
