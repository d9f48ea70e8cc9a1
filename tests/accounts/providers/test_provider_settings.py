"""Providers come from the configuration. Invalid values are refused at boot, without quoting secrets."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from backend.accounts.providers.configured import Provider, configured_providers
from backend.core.process.log_lines import find_secrets
from backend.settings import Settings, SettingsRefused, load_settings

SECRET = "a-secret-of-the-university"
UNIVERSITY = {
    "name": "uni-bern",
    "title": "Universität Bern",
    "issuer": "https://login.uni.example/realms/study",
    "client_id": "hackthestudy",
    "client_secret": SECRET,
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Load settings from an environment with only these values."""

    def read(**values: str) -> Settings:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return read


def providers(settings: Settings) -> dict[str, Provider]:
    return configured_providers(settings)


def test_no_provider_is_configured_by_default(load) -> None:
    assert providers(load()) == {}


def test_an_incomplete_provider_is_not_offered(load) -> None:
    assert providers(load(GOOGLE_CLIENT_ID="a", GITHUB_CLIENT_SECRET="b")) == {}


def test_google_is_an_openid_connect_provider(load) -> None:
    google = providers(load(GOOGLE_CLIENT_ID="a", GOOGLE_CLIENT_SECRET="b"))["google"]
    assert (google.title, google.kind, google.issuer) == ("Google", "openid", "https://accounts.google.com")
    assert google.client_id == "a"
    assert google.client_secret.get_secret_value() == "b"
    # Google supports only the prompts "none", "consent" and "select_account".
    assert not google.reauthenticates


def test_github_is_where_the_settings_say(load) -> None:
    given = {"GITHUB_CLIENT_ID": "a", "GITHUB_CLIENT_SECRET": "b"}
    github = providers(load(**given))["github"]
    assert (github.kind, github.issuer, github.api_url) == ("github", "https://github.com", "https://api.github.com")
    addresses = {"GITHUB_URL": "https://git.uni.example/", "GITHUB_API_URL": "https://git.uni.example/api/v3/"}
    enterprise = providers(load(**given, **addresses))["github"]
    assert (enterprise.issuer, enterprise.api_url) == ("https://git.uni.example", "https://git.uni.example/api/v3")


def test_additional_providers_come_from_the_configuration(load) -> None:
    more = {**UNIVERSITY, "name": "other", "reauthenticates": False, "email_domains": ["Uni.example"]}
    found = providers(load(OIDC_PROVIDERS=json.dumps([UNIVERSITY, more])))
    assert list(found) == ["uni-bern", "other"]
    assert found["uni-bern"].issuer == UNIVERSITY["issuer"]
    assert found["uni-bern"].reauthenticates
    assert not found["other"].reauthenticates
    assert (found["uni-bern"].email_domains, found["other"].email_domains) == (frozenset(), {"uni.example"})


def test_google_and_github_verify_all_addresses(load) -> None:
    given = {f"{name}_CLIENT_{half}": "x" for name in ("GOOGLE", "GITHUB") for half in ("ID", "SECRET")}
    assert [each.email_domains for each in providers(load(**given)).values()] == [None, None]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("{", "OIDC_PROVIDERS: must be a JSON list of objects"),
        ("{}", "OIDC_PROVIDERS: must be a list of objects, each with name, title, issuer, client_id and client_secret"),
        ('["google"]', "OIDC_PROVIDERS: must be a list of objects"),
        ({"name": "google"}, "OIDC_PROVIDERS_0_NAME: google is reserved"),
        ({"name": "github"}, "OIDC_PROVIDERS_0_NAME: github is reserved"),
        ({"name": "development"}, "OIDC_PROVIDERS_0_NAME: development is reserved"),
        ({"name": "Uni Bern"}, "OIDC_PROVIDERS_0_NAME: must consist of a-z, 0-9 and single hyphens"),
        ({"name": "a/../b"}, "OIDC_PROVIDERS_0_NAME: must consist of a-z, 0-9 and single hyphens"),
        ({"name": None}, "OIDC_PROVIDERS_0_NAME: Field required"),
        ({"title": ""}, "OIDC_PROVIDERS_0_TITLE: String should have at least 1 character"),
        ({"issuer": "login.uni.example"}, "OIDC_PROVIDERS_0_ISSUER: must be an address such as https://host"),
        ({"issuer": "http://login.uni.example"}, "OIDC_PROVIDERS_0_ISSUER: must begin with https://"),
        ({"issuer": "https://login.uni.example:port"}, "OIDC_PROVIDERS_0_ISSUER: must be an address"),
        ({"issuer": "https://a:b@login.uni.example"}, "OIDC_PROVIDERS_0_ISSUER: must not contain a user name"),
        ({"issuer": "https://login.uni.example?a=b"}, "OIDC_PROVIDERS_0_ISSUER: must not contain a user name"),
        ({"client_secret": ""}, "OIDC_PROVIDERS_0_CLIENT_SECRET: "),
        (
            {"email_domains": ["@uni.example"]},
            "OIDC_PROVIDERS_0_EMAIL_DOMAINS: must be domain names such as uni.example",
        ),
        ({"email_domains": ["*.example"]}, "OIDC_PROVIDERS_0_EMAIL_DOMAINS: must be domain names such as uni.example"),
        ({"email_domains": "uni.example"}, "OIDC_PROVIDERS_0_EMAIL_DOMAINS: "),
        ({"secret": "x"}, "OIDC_PROVIDERS_0_SECRET: Extra inputs are not permitted"),
    ],
)
def test_an_invalid_configuration_is_refused(load, raw: str | dict[str, Any], line: str) -> None:
    if isinstance(raw, dict):
        entry = {name: value for name, value in {**UNIVERSITY, **raw}.items() if value is not None}
        raw = json.dumps([entry])
    with pytest.raises(SettingsRefused) as refused:
        load(OIDC_PROVIDERS=raw)
    assert line in str(refused.value)
    assert SECRET not in str(refused.value)


def test_duplicate_names_are_refused(load) -> None:
    with pytest.raises(SettingsRefused, match="OIDC_PROVIDERS: two providers have the same name"):
        load(OIDC_PROVIDERS=json.dumps([UNIVERSITY, UNIVERSITY]))


def test_a_loopback_provider_needs_no_tls(load) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        entry = {**UNIVERSITY, "issuer": f"http://{host}:9000"}
        assert load(OIDC_PROVIDERS=json.dumps([entry])).oidc_providers[0].issuer == f"http://{host}:9000"


@pytest.mark.parametrize("name", ["GITHUB_URL", "GITHUB_API_URL"])
def test_github_requires_tls(load, name: str) -> None:
    with pytest.raises(SettingsRefused, match=f"{name}: must begin with https://"):
        load(**{name: "http://git.uni.example"})
    assert load(**{name: "http://127.0.0.1:9000"})


def test_secrets_are_not_shown(load) -> None:
    settings = load(OIDC_PROVIDERS=json.dumps([UNIVERSITY]))
    assert SECRET not in repr(settings)
    assert SECRET not in repr(providers(settings))
    assert SECRET in find_secrets({"OIDC_PROVIDERS": json.dumps([UNIVERSITY])})
