"""Cookies: HttpOnly always, Secure wherever the API is reached by https, with the prefix that browsers hold them to."""

from typing import Literal

from flask import Response, request

from backend.settings import get_settings


def cookie_name(name: str, path: str) -> str:
    """Return the name with the prefix by which a browser insists on Secure, and on the host where the path allows it.

    Source: RFC 6265bis, 4.1.3.
    """
    if not get_settings().is_public_https:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def set_cookie(
    response: Response, name: str, value: str, *, path: str, max_age_s: int, same_site: Literal["Lax", "Strict"]
) -> None:
    """Put a cookie onto the answer; ``max_age_s`` of 0 takes it away."""
    response.set_cookie(
        cookie_name(name, path),
        value,
        max_age=max_age_s,
        path=path,
        secure=get_settings().is_public_https,
        httponly=True,
        samesite=same_site,
    )


def read_cookie(name: str, *, path: str) -> str | None:
    """Return the value of a cookie that the request brings, or None."""
    return request.cookies.get(cookie_name(name, path))
