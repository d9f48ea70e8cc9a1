"""Fixtures: users returning from a provider, signed-in browsers, and scripts with an API key."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask

from backend.accounts import service
from backend.accounts.types import VerifiedIdentity
from backend.core.database.transaction import transaction

AUTH = "/api/v1/auth"
KEYS = "/api/v1/users/me/api-keys"
EMAIL = "ada@example.org"


def identity(subject: str = "1", **changes: Any) -> VerifiedIdentity:
    """Google's claims about Ada."""
    said = {"provider": "google", "email": f"ada{subject}@example.org", "email_verified": True, "name": "Ada"}
    return VerifiedIdentity(subject=subject, **{**said, **changes})


@pytest.fixture
def sign_in(app: APIFlask) -> Callable[..., UUID]:
    """Sign Ada in with a provider's claims; return the user's id."""

    def enter(provider: str, subject: str, email: str | None = EMAIL, *, verified: bool = True) -> UUID:
        with app.app_context(), transaction():
            return service.sign_in(VerifiedIdentity(provider, subject, email, email_verified=verified, name="Ada"))

    return enter


@pytest.fixture
def come_back(app: APIFlask) -> Callable[..., tuple[Any, str]]:
    """Return a browser that returned from a provider, with its cookie, and the one-time code."""

    def come(said: VerifiedIdentity | None = None, *, is_fresh: bool = True) -> tuple[Any, str]:
        said = said or identity()
        with app.app_context(), transaction():
            pair = service.begin_hand_over(service.sign_in(said), said.provider, is_fresh=is_fresh)
        browser = app.test_client()
        browser.set_cookie("hand_over", pair.browser)
        return browser, pair.code

    return come


@pytest.fixture
def signed_in(come_back) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Return a signed-in browser and the token response. The refresh token is in a cookie or in the response."""

    def sign_in(
        said: VerifiedIdentity | None = None, refresh: str = "cookie", *, is_fresh: bool = True
    ) -> tuple[Any, dict[str, Any]]:
        browser, code = come_back(said, is_fresh=is_fresh)
        answer = browser.post(f"{AUTH}/token", json={"code": code, "refresh": refresh})
        assert answer.status_code == 200, answer.text
        return browser, answer.json

    return sign_in


@pytest.fixture
def script(app: APIFlask, client: Any) -> Callable[..., Any]:
    """Create a client that uses a new API key of the student with these scopes; ``key_id`` is the key's id."""

    def make(*scopes: str) -> Any:
        answer = client.post(KEYS, json={"name": "laptop", "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        made = app.test_client()
        made.token, made.user_id, made.key_id = answer.json["key"], client.user_id, answer.json["id"]
        return made

    return make
