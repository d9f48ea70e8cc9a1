"""The only place that sets cookies: for this host only, HttpOnly, and Secure if the API is reached over TLS."""

import hashlib
from datetime import timedelta
from typing import Literal

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface

from backend.settings import Settings

# Longer than a user needs on a provider's page.
_SIGN_IN_LASTS = timedelta(minutes=10)


class _SessionInterface(SecureCookieSessionInterface):
    """Signs with SHA-256 instead of Flask's SHA-1."""

    digest_method = staticmethod(hashlib.sha256)


def configure_cookies(app: Flask, settings: Settings) -> None:
    """Set up Flask's session cookie, which holds only the state of a sign-in in progress."""
    app.session_interface = _SessionInterface()
    app.config["SESSION_COOKIE_SECURE"] = settings.is_reached_by_https
    app.config["SESSION_COOKIE_NAME"] = _full_name("sign_in", secure=settings.is_reached_by_https)
    app.config["SESSION_COOKIE_PATH"] = "/"
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    # Not Strict: the provider redirects the browser back from another site.
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    # Flask rejects a cookie signed longer ago than this, even if the browser has kept it.
    app.config["PERMANENT_SESSION_LIFETIME"] = _SIGN_IN_LASTS
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False


def set_cookie(
    response: Response,
    name: str,
    value: str,
    *,
    max_age_s: int,
    same_site: Literal["Strict", "Lax"] = "Strict",
) -> None:
    """Set a cookie. Over TLS, the browser gets it under a prefixed name."""
    secure = _is_secure()
    response.set_cookie(
        _full_name(name, secure=secure),
        value,
        max_age=max_age_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite=same_site,
    )


def delete_cookie(response: Response, name: str) -> None:
    set_cookie(response, name, "", max_age_s=0)


def read_cookie(name: str) -> str | None:
    """Return a cookie's value. Browsers send it to every route, but only sign-in routes may read it."""
    return request.cookies.get(_full_name(name, secure=_is_secure()))


def _is_secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def _full_name(name: str, *, secure: bool) -> str:
    # Browsers accept a cookie with this prefix only from this host and over TLS, so no other host of the domain can
    # plant one. It requires the path /. The prefix __Secure- would allow a narrower path, but also a Domain.
    return f"__Host-{name}" if secure else name
