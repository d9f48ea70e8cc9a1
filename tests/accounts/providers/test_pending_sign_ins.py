"""A callback is valid once, for ten minutes, in the browser that started it, for the same provider."""

import random
from typing import Any

import pytest
from flask import Flask, session

from backend.accounts.providers.pending_sign_ins import read_next_path, take_link
from tests.accounts.providers.browser import PUBLIC_URL, Browser, changed, click
from tests.stand_ins.openid_provider import OpenIdProvider

EXPIRED = {"error": "sign_in_expired"}


@pytest.fixture
def callback(browser: Browser) -> str:
    """A callback that the browser has not followed yet."""
    return click(browser.begin("university"), "anna")


def test_a_callback_is_valid_once(browser: Browser, callback: str, university: OpenIdProvider) -> None:
    assert "identity" in browser.come_back(callback)
    assert browser.come_back(callback) == EXPIRED
    assert university.times_asked("/token") == 1


def test_a_stolen_cookie_does_not_revive_a_callback(gateway_app: Flask, browser: Browser, callback: str) -> None:
    cookie = browser.api.get_cookie("__Host-sign_in", domain="api.study.example")
    assert cookie is not None
    assert "identity" in browser.come_back(callback)
    thief = Browser(gateway_app)
    thief.api.set_cookie("__Host-sign_in", cookie.value, domain="api.study.example", secure=True)
    # The provider accepts a code once.
    assert thief.come_back(callback) == {"error": "sign_in_failed"}


def test_another_browser_is_refused(gateway_app: Flask, callback: str, university: OpenIdProvider) -> None:
    another = Browser(gateway_app)
    assert another.come_back(callback) == EXPIRED
    another.begin("university")
    assert another.come_back(callback) == EXPIRED
    assert university.times_asked("/token") == 0


@pytest.mark.parametrize("state", [None, "", "made up"])
def test_a_callback_without_our_state_is_refused(browser: Browser, callback: str, state: str | None) -> None:
    assert browser.come_back(changed(callback, state=state)) == EXPIRED


def test_a_state_is_valid_only_at_its_own_provider(
    browser: Browser, callback: str, university: OpenIdProvider, college: OpenIdProvider
) -> None:
    assert browser.come_back(callback.replace("/university", "/college")) == EXPIRED
    assert browser.come_back(callback) == EXPIRED
    assert university.times_asked("/token") == college.times_asked("/token") == 0


def test_a_mix_up_of_providers_is_detected(
    browser: Browser, university: OpenIdProvider, college: OpenIdProvider
) -> None:
    # The college sent the browser to the university, to obtain the code that the university issues (RFC 9207).
    university.answer_issuer = college.url
    assert browser.come_back(click(browser.begin("university"), "anna")) == {"error": "sign_in_failed"}
    assert university.times_asked("/token") == 0


def test_a_provider_that_announces_the_iss_parameter_must_send_it(
    browser: Browser, university: OpenIdProvider, forget_in: Any
) -> None:
    university.answer_issuer = None
    assert "identity" in browser.sign_in("university", "anna")
    university.metadata = {"authorization_response_iss_parameter_supported": True}
    forget_in(3601)
    assert browser.sign_in("university", "anna") == {"error": "sign_in_failed"}


def test_a_sign_in_expires_after_ten_minutes(browser: Browser) -> None:
    late, in_time = click(browser.begin("university"), "anna"), click(browser.begin("university"), "anna")
    with browser.api.session_transaction(base_url=PUBLIC_URL) as session:
        (_, first), (_, second) = session["sign_ins"]
        first["began_at"] -= 601
        second["began_at"] -= 590
        session.modified = True
    assert browser.come_back(late) == EXPIRED
    assert "identity" in browser.come_back(in_time)


def test_several_tabs_do_not_interfere(browser: Browser) -> None:
    callbacks = [click(browser.begin("university", next=f"/sets/{tab}"), "anna") for tab in range(5)]
    paths = [browser.come_back(callback)["next_path"] for callback in reversed(callbacks)]
    assert paths == ["/sets/4", "/sets/3", "/sets/2", "/sets/1", "/sets/0"]


def test_the_oldest_sign_ins_are_dropped(browser: Browser) -> None:
    callbacks = [click(browser.begin("university"), "anna") for _ in range(7)]
    outcomes = ["identity" in browser.come_back(callback) for callback in callbacks]
    assert outcomes == [False, False, True, True, True, True, True]


def test_the_cookie_stays_small(browser: Browser) -> None:
    # Text that compresses badly, but is the same in each run.
    chance, printable = random.Random(7), "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "/\\?")
    for _ in range(6):
        path = "/" + "".join(chance.choices(printable, k=499))
        browser.begin("university", next=path)
        cookie = browser.api.get_cookie("__Host-sign_in", domain="api.study.example")
        assert cookie is not None
        assert len(cookie.value) < 3_900
    assert "identity" in browser.sign_in("university", "anna", next="/sets")


def test_the_cookie_is_deleted_when_nothing_is_pending(browser: Browser, callback: str) -> None:
    browser.come_back(callback)
    assert browser.api.get_cookie("__Host-sign_in", domain="api.study.example") is None


@pytest.mark.parametrize(
    "path",
    ["/", "/sets", "/sets/0190?tab=cards&q=a//b", "/a-b_c~d.e/%C3%A4%20", "/sets#top", "/" + "a" * 499],
)
def test_a_path_of_the_browser_app_is_accepted(path: str) -> None:
    assert read_next_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "sets",
        "//evil.example",
        "///evil.example",
        "/..//evil.example",
        "/a//b",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\b",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/sets\r\nSet-Cookie: a=b",
        "/sets\x00",
        " /sets",
        "/sets ",
        "/sets\u2028",
        "/ä",
        "/sets?a=\\",
        "/" + "a" * 500,
    ],
)
def test_any_other_path_is_dropped(path: str) -> None:
    assert read_next_path(path) is None


@pytest.fixture
def rewrite(gateway_app: Flask, browser: Browser):
    """Change the browser's cookie, as another release may have written it."""

    def write(change) -> None:
        with browser.api.session_transaction(base_url=PUBLIC_URL) as kept:
            change(kept)
            kept.modified = True

    return write


def test_fields_of_a_newer_release_are_ignored(browser: Browser, callback: str, rewrite) -> None:
    rewrite(lambda kept: kept["sign_ins"][0][1].update(surprise=1))
    assert "identity" in browser.come_back(callback)


@pytest.mark.parametrize("name", ["provider", "verifier", "nonce", "fresh", "next_path", "link", "began_at"])
@pytest.mark.parametrize("odd", [True, False], ids=["odd", "missing"])
def test_a_malformed_sign_in_counts_as_expired(browser: Browser, callback: str, rewrite, name: str, odd: bool) -> None:
    rewrite(lambda kept: kept["sign_ins"][0][1].update({name: []}) if odd else kept["sign_ins"][0][1].pop(name))
    assert browser.come_back(callback) == EXPIRED


@pytest.mark.parametrize("odd", [None, 1, "x", {}, [1], [[]], [["state"]], [["state", None]], [[1, {}]]], ids=repr)
def test_a_malformed_cookie_is_replaced(browser: Browser, callback: str, rewrite, odd: object) -> None:
    rewrite(lambda kept: kept.update(sign_ins=odd))
    assert browser.come_back(callback) == EXPIRED
    assert "identity" in browser.sign_in("university", "anna")


NO_ID = "018f0000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "odd",
    [
        *(None, 1, [], ["x"], ["x", "y"], [1, 2**40], [NO_ID, 2**40], ["no id", "github", 2**40]),
        *([NO_ID, "github", 0], [NO_ID, "github", "x"], [NO_ID, "college", 2**40]),
    ],
    ids=repr,
)
def test_a_malformed_link_permission_is_ignored(gateway_app: Flask, odd: object) -> None:
    with gateway_app.test_request_context(base_url=PUBLIC_URL):
        session["link"] = odd
        assert take_link("github") is None
        session["link"] = [NO_ID, "github", 2**40]
        assert str(take_link("github")) == NO_ID
