"""The one place that sets cookies: for this host alone, out of reach of scripts, over TLS where there is TLS."""

import hashlib
from datetime import timedelta
from typing import Literal

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface

from backend.settings import Settings

# Longer than anybody needs at a provider's page.
_SIGN_IN_LASTS = timedelta(minutes=10)


class _SessionInterface(SecureCookieSessionInterface):
    """Flask's own, which would sign with SHA-1."""

    digest_method = staticmethod(hashlib.sha256)


def configure_cookies(app: Flask, settings: Settings) -> None:
    """Set up Flask's session cookie, which holds the state of a sign-in that is under way and nothing else."""
    app.session_interface = _SessionInterface()
    app.config["SESSION_COOKIE_SECURE"] = settings.is_reached_by_https
    app.config["SESSION_COOKIE_NAME"] = _full_name("sign_in", secure=settings.is_reached_by_https)
    app.config["SESSION_COOKIE_PATH"] = "/"
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    # Not Strict: the provider sends the browser back from another site.
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    # Flask takes no cookie that was signed longer ago than this, whatever the browser has kept.
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
    """Set a cookie; the browser gets it under a prefixed name where it is reached over TLS."""
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
    """Make the browser forget a cookie."""
    set_cookie(response, name, "", max_age_s=0)


def read_cookie(name: str) -> str | None:
    """Return what the browser has sent of a cookie. Every route is sent it: only those that sign in may ask."""
    return request.cookies.get(_full_name(name, secure=_is_secure()))


def _is_secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def _full_name(name: str, *, secure: bool) -> str:
    # A browser takes a cookie with this prefix from this very host over TLS only, so that no other host of the domain
    # can plant one. Its price is the path /: __Secure- would allow a narrow one, but a Domain as well.
    return f"__Host-{name}" if secure else name
