"""What is signed wrongly, or says something wrong, proves nothing."""

import time
from typing import Any

import pytest

from tests.accounts.providers.browser import Browser
from tests.stand_ins.openid_provider import OpenIdProvider

REFUSED = {"error": "sign_in_failed"}


@pytest.mark.parametrize("signature", ["none", "client_secret", "public_key", "foreign"])
def test_a_signature_that_anybody_can_make_is_refused(
    browser: Browser, university: OpenIdProvider, signature: str
) -> None:
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
        # Two parties, and the token does not say to which of them it was issued; or it says, to the other.
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
def test_a_token_that_says_something_else_is_refused(
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


def test_two_parties_are_fine_if_it_was_issued_to_us(browser: Browser, university: OpenIdProvider) -> None:
    university.claims = {"aud": [university.client_id, "another-client"], "azp": university.client_id}
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"


@pytest.mark.parametrize("seconds", [-30, 30])
def test_clocks_may_differ_a_little(browser: Browser, university: OpenIdProvider, seconds: int) -> None:
    now = int(time.time())
    university.claims = {"exp": now + seconds, "iat": now + seconds}
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"


@pytest.mark.parametrize("text", [None, "", "a.b", "a.b.c", "x" * 200_000, 7, {"a": 1}], ids=lambda text: str(text)[:9])
def test_what_is_no_token_is_refused(browser: Browser, university: OpenIdProvider, text: object) -> None:
    university.id_token = text
    assert browser.sign_in("university", "anna") == REFUSED


def test_keys_are_read_once(browser: Browser, university: OpenIdProvider) -> None:
    for _ in range(3):
        browser.sign_in("university", "anna")
    assert university.times_asked("/jwks") == 1
    assert university.times_asked("/.well-known/openid-configuration") == 1


def test_new_keys_are_found(browser: Browser, university: OpenIdProvider, forget_in: Any) -> None:
    browser.sign_in("university", "anna")
    forget_in(61)
    university.rotate_keys()
    assert browser.sign_in("university", "anna")["identity"]["subject"] == "anna"
    assert university.times_asked("/jwks") == 2


def test_a_key_that_is_not_listed_makes_nobody_read_again_and_again(
    browser: Browser, university: OpenIdProvider
) -> None:
    university.lists_keys = False
    for _ in range(3):
        assert browser.sign_in("university", "anna") == REFUSED
    assert university.times_asked("/jwks") == 1


def test_the_documents_are_read_again_after_an_hour(
    browser: Browser, university: OpenIdProvider, forget_in: Any
) -> None:
    browser.sign_in("university", "anna")
    forget_in(3601)
    browser.sign_in("university", "anna")
    assert university.times_asked("/jwks") == 2
    assert university.times_asked("/.well-known/openid-configuration") == 2
