"""Allowed Host headers, and CORS: the origins that may read responses or use cookies.

Nothing in a response is built from the Host header. Requests with an unknown host are also refused, so that a foreign
page cannot reach the server under its own name (DNS rebinding).
"""

import re
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, current_app, request
from flask_cors import CORS
from werkzeug.routing import RequestRedirect

from backend.core.errors import DomainError
from backend.settings import Settings

# Only these routes use cookies, so only here may a page of another origin send and store them. All other routes take a
# token in a header.
PATH_WITH_COOKIES = "/api/v1/auth"

_HOSTS = "ACCEPTED_HOSTS"
_ANY_HOST = "ENDPOINTS_FOR_ANY_HOST"
_ORIGINS = "ORIGINS_OF_OURS"
_PUBLIC_URL = "PUBLIC_URL"

_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_METHODS = ["GET", "HEAD", "POST", "PATCH", "DELETE"]
_REQUEST_HEADERS = [
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Range",
    "X-Request-Id",
]
_ANSWER_HEADERS = [
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
]
_PREFLIGHT_KEPT_S = 600


class UnknownHost(DomainError):
    """The Host header is not one of the API's names."""

    code = "unknown_host"
    status = 400
    texts = {
        "en": "This server does not answer under this host name. Check the address.",
        "de": "Der Server ist unter diesem Hostnamen nicht erreichbar. Prüfe die Adresse.",
        "fr": "Le serveur ne répond pas sous ce nom d’hôte. Vérifie l’adresse.",
        "it": "Il server non risponde con questo nome host. Controlla l’indirizzo.",
    }


class ForeignOrigin(DomainError):
    """A foreign page has sent the request with the user's cookies (CSRF)."""

    code = "foreign_origin"
    status = 403
    texts = {
        "en": "This request is not allowed from another site.",
        "de": "Diese Anfrage ist von einer anderen Website aus nicht erlaubt.",
        "fr": "Cette requête n’est pas autorisée depuis un autre site.",
        "it": "Questa richiesta non è consentita da un altro sito.",
    }


def configure_origins(app: Flask, settings: Settings, *, any_host: frozenset[str]) -> None:
    """Install CORS and configure ``refuse_unknown_host`` and ``require_allowed_origin``.

    ``any_host``: endpoints that accept any Host header, because probes and scrapers use IP addresses.
    """
    app.config[_HOSTS] = settings.accepted_hosts
    app.config[_ANY_HOST] = any_host
    app.config[_PUBLIC_URL] = settings.public_url
    # The documentation page is on the API's own origin.
    app.config[_ORIGINS] = frozenset({*settings.allowed_origins, settings.public_url})
    CORS(
        app,
        resources={
            rf"{re.escape(PATH_WITH_COOKIES)}/.*": {"supports_credentials": True},
            r"/.*": {"supports_credentials": False},
        },
        origins=list(settings.allowed_origins),
        methods=_METHODS,
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_ANSWER_HEADERS,
        max_age=_PREFLIGHT_KEPT_S,
        always_send=False,
    )


def public_address(path: str) -> str:
    """Return the public URL of a path. It is built from PUBLIC_URL, never from the Host header."""
    return f"{current_app.config[_PUBLIC_URL]}{path}"


def refuse_unknown_host() -> None:
    """Raise UnknownHost if the Host header is not one of our names.

    Flask's own TRUSTED_HOSTS would also refuse probes, which use IP addresses, and it is case-sensitive.
    """
    redirect = request.routing_exception
    if isinstance(redirect, RequestRedirect):
        # The router puts the Host header into the redirect. The path alone leads to the same place.
        target = urlsplit(redirect.new_url)
        redirect.new_url = urlunsplit(("", "", target.path, target.query, ""))
    if request.endpoint in current_app.config[_ANY_HOST]:
        return
    found = _HOST.fullmatch(request.headers.get("Host", ""))
    if found is None or found[1].strip("[]").lower() not in current_app.config[_HOSTS]:
        raise UnknownHost


def require_allowed_origin() -> None:
    """Raise ForeignOrigin unless the request comes from one of our pages. For routes that trust a cookie.

    Browsers name the source of such a request in Origin (RFC 6454), or at least in Sec-Fetch-Site. A client that sends
    neither is not a browser, so it cannot be tricked into sending another user's cookies.
    """
    origin = request.headers.get("Origin")
    if origin is None and "Sec-Fetch-Site" not in request.headers:
        return
    if origin not in current_app.config[_ORIGINS]:
        raise ForeignOrigin
