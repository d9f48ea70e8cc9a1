"""Cookies are HttpOnly and for this host only, and Secure if the API is reached over TLS."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from apiflask import APIFlask
from flask import Response, session
from flask.testing import FlaskClient

from backend.core.web.cookies import configure_cookies, delete_cookie, read_cookie, set_cookie
from backend.settings import Settings

PATH = "/api/v1/auth"


@pytest.fixture
def client_of(settings: Settings):
    """Return a client of an app with cookies, for a public URL."""

    def build(public_url: str) -> FlaskClient:
        app = APIFlask("hackthestudy-tests")
        app.config["SECRET_KEY"] = settings.flask_secret_key.get_secret_value()
        configure_cookies(app, settings.model_copy(update={"public_url": public_url}))

        @app.get(f"{PATH}/set")
        def set_them() -> Response:
            response = Response()
            set_cookie(response, "refresh", "token", max_age_s=60)
            set_cookie(response, "browser", "id", max_age_s=60, same_site="Lax")
            return response

        @app.get(f"{PATH}/read")
        def read_them() -> list[str | None]:
            return [read_cookie("refresh"), read_cookie("browser"), read_cookie("other")]

        @app.get(f"{PATH}/delete")
        def delete_them() -> Response:
            response = Response()
            delete_cookie(response, "refresh")
            delete_cookie(response, "browser")
            return response

        @app.get(f"{PATH}/begin")
        def begin() -> str:
            session.permanent = True
            session["state"] = "x"
            return ""

        return app.test_client()

    return build


def parts(header: str) -> set[str]:
    """Return the parts of a Set-Cookie header without its expiry."""
    return {part for part in header.split("; ") if not part.startswith(("Expires=", "Max-Age="))}


def test_cookies_over_tls(client_of) -> None:
    refresh, browser = client_of("https://api.study.example").get(f"{PATH}/set").headers.getlist("Set-Cookie")
    assert parts(refresh) == {"__Host-refresh=token", "Secure", "HttpOnly", "Path=/", "SameSite=Strict"}
    assert parts(browser) == {"__Host-browser=id", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert "Max-Age=60" in refresh


def test_cookies_without_tls(client_of) -> None:
    refresh, browser = client_of("http://localhost:8080").get(f"{PATH}/set").headers.getlist("Set-Cookie")
    assert parts(refresh) == {"refresh=token", "HttpOnly", "Path=/", "SameSite=Strict"}
    assert parts(browser) == {"browser=id", "HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.parametrize("url", ["https://api.study.example", "http://localhost:8080"])
def test_a_cookie_is_read_until_it_is_deleted(client_of, url: str) -> None:
    client = client_of(url)
    client.get(f"{PATH}/set", base_url=url)
    assert client.get(f"{PATH}/read", base_url=url).json == ["token", "id", None]
    client.get(f"{PATH}/delete", base_url=url)
    assert client.get(f"{PATH}/read", base_url=url).json == [None, None, None]


def test_a_cookie_without_the_prefix_is_not_read_over_tls(client_of) -> None:
    client = client_of("https://api.study.example")
    answer = client.get(f"{PATH}/read", headers={"Cookie": "refresh=planted; browser=planted"})
    assert answer.json == [None, None, None]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.study.example", {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}),
        ("http://localhost:8080", {"HttpOnly", "Path=/", "SameSite=Lax"}),
    ],
)
def test_the_cookie_with_the_state_of_a_sign_in(client_of, url: str, expected: set[str]) -> None:
    (header,) = client_of(url).get(f"{PATH}/begin").headers.getlist("Set-Cookie")
    assert header.startswith("__Host-sign_in=" if url.startswith("https") else "sign_in=")
    assert {part for part in parts(header) if "sign_in=" not in part} == expected
    assert "Domain" not in header


def test_the_state_of_a_sign_in_is_signed_and_expires(client_of) -> None:
    (header,) = client_of("http://localhost:8080").get(f"{PATH}/begin").headers.getlist("Set-Cookie")
    ends = parsedate_to_datetime(header.split("Expires=")[1].split(";")[0])
    assert timedelta(minutes=9) < ends - datetime.now(UTC) <= timedelta(minutes=10)
    signature = header.split(";")[0].rsplit(".", 1)[1]
    # In base64 without padding, the 32 bytes of SHA-256 take 43 characters.
    assert len(signature) == 43
