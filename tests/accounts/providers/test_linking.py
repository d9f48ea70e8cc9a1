"""Linking another identity while signed in: only in the browser that started it."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.accounts.providers.browser import FRONTEND_URL, PUBLIC_URL, Browser, click, redirect_parameters

AUTH = "/api/v1/auth"
ME = "/api/v1/users/me"


@pytest.fixture(autouse=True)
def empty_tables(app) -> None:
    """Start each test without users."""


def enter(browser: Browser, provider: str, user: str, **query: str) -> dict[str, str]:
    """Sign in and get tokens; return the Authorization header."""
    back = browser.sign_in(provider, user, fresh="true", **query)
    answer = post(browser, f"{AUTH}/token", {"code": back["code"]})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def post(browser: Browser, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    sent = {"Origin": FRONTEND_URL, **(headers or {})}
    return browser.api.post(path, json=body, headers=sent, base_url=PUBLIC_URL)


def allow(browser: Browser, provider: str, headers: dict[str, str]) -> str:
    """Request permission to link; return the path and query to navigate to."""
    answer = post(browser, f"{AUTH}/links", {"provider": provider, "next": "/settings"}, headers)
    assert answer.status_code == 200, answer.text
    assert answer.json["url"].startswith(f"{PUBLIC_URL}{AUTH}/login/{provider}?")
    return answer.json["url"].removeprefix(PUBLIC_URL)


def providers_of(browser: Browser, headers: dict[str, str]) -> list[str]:
    found = browser.get(f"{ME}/identities", headers=headers).json["items"]
    return [each["provider"] for each in found]


def test_a_linked_identity_signs_in_the_same_user(api_browser: Browser, api) -> None:
    anna = enter(api_browser, "university", "anna")
    page = api_browser.get(allow(api_browser, "github", anna)).headers["Location"]
    assert api_browser.come_back(click(page, "octo")) == {"linked": "github", "next": "/settings"}
    assert providers_of(api_browser, anna) == ["university", "github"]
    by_github = enter(Browser(api), "github", "octo")
    assert providers_of(api_browser, by_github) == ["university", "github"]


def test_a_victim_cannot_be_tricked_into_linking_to_an_attackers_account(api_browser: Browser, api) -> None:
    # An attacker requests a link and sends the victim to its URL. Without the check, the victim's identity would be
    # linked to the attacker's account.
    attacker, victim = api_browser, Browser(api)
    address = allow(attacker, "github", enter(attacker, "university", "anna"))
    assert redirect_parameters(victim.get(address))["error"] == "sign_in_expired"


def test_a_link_is_allowed_once(api_browser: Browser) -> None:
    address = allow(api_browser, "github", enter(api_browser, "university", "anna"))
    assert "github" not in api_browser.get(address).headers["Location"].partition("?")[0]
    assert redirect_parameters(api_browser.get(address))["error"] == "sign_in_expired"


def test_a_link_is_allowed_only_with_its_provider(api_browser: Browser) -> None:
    # Any page can navigate the browser to another one while the permission lasts.
    anna = enter(api_browser, "university", "anna")
    address = allow(api_browser, "github", anna)
    assert redirect_parameters(api_browser.get(address.replace("/github", "/college")))["error"] == "sign_in_expired"
    assert redirect_parameters(api_browser.get(address))["error"] == "sign_in_expired"
    page = api_browser.get(allow(api_browser, "github", anna)).headers["Location"]
    assert api_browser.come_back(click(page, "octo")) == {"linked": "github", "next": "/settings"}


def test_an_identity_of_another_user_is_not_moved(api_browser: Browser, api) -> None:
    enter(Browser(api), "github", "octo")
    anna = enter(api_browser, "university", "anna")
    page = api_browser.get(allow(api_browser, "github", anna)).headers["Location"]
    assert api_browser.come_back(click(page, "octo"))["error"] == "identity_taken"
    assert providers_of(api_browser, anna) == ["university"]


def test_a_session_that_ended_meanwhile_links_nothing(api_browser: Browser) -> None:
    anna = enter(api_browser, "university", "anna")
    page = api_browser.get(allow(api_browser, "github", anna)).headers["Location"]
    post(api_browser, f"{AUTH}/logout-everywhere", {}, anna)
    assert api_browser.come_back(click(page, "octo"))["error"] == "not_signed_in"


def test_linking_needs_a_fresh_sign_in_and_an_allowed_origin(api_browser: Browser, engine: sa.Engine) -> None:
    anna = enter(api_browser, "university", "anna")
    foreign = post(api_browser, f"{AUTH}/links", {"provider": "github"}, {**anna, "Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json["code"]) == (403, "foreign_origin")
    unknown = post(api_browser, f"{AUTH}/links", {"provider": "nobody"}, anna)
    assert (unknown.status_code, unknown.json["code"]) == (404, "unknown_provider")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sessions SET authenticated_at = NULL"))
    stale = post(api_browser, f"{AUTH}/links", {"provider": "github"}, anna)
    assert (stale.status_code, stale.json["code"]) == (403, "fresh_sign_in_needed")


def test_the_browser_app_is_told_about_a_disabled_account(api_browser: Browser, engine: sa.Engine) -> None:
    enter(api_browser, "university", "anna")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now()"))
    assert api_browser.sign_in("university", "anna")["error"] == "account_disabled"


def test_a_sign_in_continues_at_the_requested_page(api_browser: Browser) -> None:
    assert api_browser.sign_in("university", "anna", next="/sets/7?tab=cards")["next"] == "/sets/7?tab=cards"
    assert "next" not in api_browser.sign_in("university", "anna", next="//evil.example")
