"""ID tokens with a wrong signature or wrong claims are refused."""

import time
from typing import Any

import pytest

from tests.accounts.providers.browser import Browser
from tests.stand_ins.openid_provider import OpenIdProvider

REFUSED = {"error": "sign_in_failed"}


@pytest.mark.parametrize("signature", ["none", "client_secret", "public_key", "foreign"])
def test_a_forgeable_signature_is_refused(browser: Browser, university: OpenIdProvider, signature: str) -> None:
    university.signature = signature
    assert browser.sign_in("university", "anna") == REFUSED


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://accounts.google.com"},
        {"iss": "{issuer}/"},
        {"iss": None},
        {"iss": ["{issuer}"]},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": []},
        {"aud": None},
        # Several audiences, and the authorized party (azp) is missing or is another client.
        {"aud": ["{client}", "another-client"]},
        {"aud": ["{client}", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "of another sign-in, for instance"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": ["x"]},
        {"exp": "{earlier}"},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("nan")},
        {"iat": "{later}"},
        {"iat": None},
        {"nbf": "{later}"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 256},
        {"sub": "a\x00b"},
        {"sub": "änna"},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(
    browser: Browser, university: OpenIdProvider, claims: dict[str, Any]
) -> None:
    known = {"{issuer}": university.url, "{client}": university.client_id}
    moments = {"{earlier}": int(time.time()) - 3600, "{later}": int(time.time()) + 3600}

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        if value in moments:
            return moments[value]
        for name, text in known.items():
            value = value.replace(name, text) if isinstance(value, str) else value
        return value

    university.claims = {name: filled(value) for name, value in claims.items()}
    assert browser.sign_in("university", "anna") == REFUSED


def test_several_audiences_are_accepted_if_we_are_the_authorized_party(
    browser: Browser, university: OpenIdProvider
) -> None:
    university.claims = {"aud": [university.client_id, "another-client"], "azp": university.client_id}
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"


@pytest.mark.parametrize("seconds", [-30, 30])
def test_small_clock_differences_are_accepted(browser: Browser, university: OpenIdProvider, seconds: int) -> None:
    now = int(time.time())
    university.claims = {"exp": now + seconds, "iat": now + seconds}
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"


@pytest.mark.parametrize("text", [None, "", "a.b", "a.b.c", "x" * 200_000, 7, {"a": 1}], ids=lambda text: str(text)[:9])
def test_a_malformed_token_is_refused(browser: Browser, university: OpenIdProvider, text: object) -> None:
    university.id_token = text
    assert browser.sign_in("university", "anna") == REFUSED


def test_keys_are_fetched_once(browser: Browser, university: OpenIdProvider) -> None:
    for _ in range(3):
        browser.sign_in("university", "anna")
    assert university.times_asked("/jwks") == 1
    assert university.times_asked("/.well-known/openid-configuration") == 1


def test_rotated_keys_are_fetched(browser: Browser, university: OpenIdProvider, forget_in: Any) -> None:
    browser.sign_in("university", "anna")
    forget_in(61)
    university.rotate_keys()
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"
    assert university.times_asked("/jwks") == 2


def test_an_unlisted_key_does_not_refetch_the_keys_repeatedly(browser: Browser, university: OpenIdProvider) -> None:
    university.lists_keys = False
    for _ in range(3):
        assert browser.sign_in("university", "anna") == REFUSED
    assert university.times_asked("/jwks") == 1


def test_documents_are_fetched_again_after_an_hour(
    browser: Browser, university: OpenIdProvider, forget_in: Any
) -> None:
    browser.sign_in("university", "anna")
    forget_in(3601)
    browser.sign_in("university", "anna")
    assert university.times_asked("/jwks") == 2
    assert university.times_asked("/.well-known/openid-configuration") == 2
