"""A browser that signs in with a provider."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.patience import HANG_S

PUBLIC_URL = "https://api.study.example"
FRONTEND_URL = "https://study.example"


class Browser:
    """A client that keeps the API's cookies and submits the pages of providers."""

    def __init__(self, app: Flask) -> None:
        self.api: FlaskClient = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET request to the API, over HTTPS by default."""
        return self.api.get(path, base_url=options.pop("base_url", PUBLIC_URL), **options)

    def begin(self, provider: str, **query: str) -> str:
        """Start a sign-in at the API; return the provider's URL that it redirects to."""
        answer = self.get(f"/api/v1/auth/login/{provider}", query_string=query)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, callback: str) -> dict[str, Any]:
        """Call the API's callback; return its JSON, or the parameters of the redirect to the browser app."""
        answer = self.get(callback)
        return answer.json if answer.is_json else redirect_parameters(answer)

    def sign_in(self, provider: str, user: str, **query: str) -> dict[str, Any]:
        """Sign in; return the result as in ``come_back``."""
        return self.come_back(click(self.begin(provider, **query), user))


def click(page: str, user: str, *, field: str = "user") -> str:
    """Choose a user on a provider's page; return path and query of the callback. An empty user cancels."""
    requests.get(page, timeout=HANG_S).raise_for_status()
    answer = requests.post(page, data={field: user}, timeout=HANG_S, allow_redirects=False)
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}" == PUBLIC_URL
    return f"{back.path}?{back.query}"


def redirect_parameters(answer: TestResponse) -> dict[str, str]:
    """Return the parameters of the redirect to the browser app."""
    assert answer.status_code == 302, answer.text
    place, _, query = answer.headers["Location"].partition("?")
    assert place == f"{FRONTEND_URL}/auth-callback"
    return dict(parse_qsl(query, keep_blank_values=True))


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def changed(address: str, **changes: str | None) -> str:
    """Return the URL with changed query parameters; None removes one."""
    query: dict[str, str | None] = {**query_of(address), **changes}
    given = {name: value for name, value in query.items() if value is not None}
    return urlsplit(address)._replace(query=urlencode(given)).geturl()
