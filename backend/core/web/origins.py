"""Under which names the API answers, and to which other origins a browser may hand its answers.

Nothing in an answer is built from the Host header, so that a foreign name cannot lead anybody astray; besides,
requests under such a name are refused, which keeps pages of others from reaching a server by a name of their own
(DNS rebinding).
"""

import re
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, current_app, request
from flask_cors import CORS
from werkzeug.routing import RequestRedirect

from backend.core.errors import DomainError
from backend.settings import Settings

# Only here does a browser send and store our cookies for a page of another origin, since only here are they looked
# at. Everywhere else the caller shows a token in a header.
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
    """The request names a host under which the API is not reached."""

    code = "unknown_host"
    status = 400
    texts = {
        "en": "The server is not known under this name.",
        "de": "Unter diesem Namen ist der Server nicht bekannt.",
        "fr": "Le serveur n’est pas connu sous ce nom.",
        "it": "Il server non è conosciuto con questo nome.",
    }


class ForeignOrigin(DomainError):
    """A page of somebody else has sent the request, in the name of whoever looks at it."""

    code = "foreign_origin"
    status = 403
    texts = {
        "en": "This request may not come from another site.",
        "de": "Diese Anfrage darf nicht von einer anderen Website kommen.",
        "fr": "Cette requête ne peut pas venir d’un autre site.",
        "it": "Questa richiesta non può arrivare da un altro sito.",
    }


def configure_origins(app: Flask, settings: Settings, *, any_host: frozenset[str]) -> None:
    """Install CORS, and what ``refuse_unknown_host`` and ``require_allowed_origin`` go by.

    ``any_host`` names the endpoints that answer under every name: probes and scrapers use addresses.
    """
    app.config[_HOSTS] = settings.accepted_hosts
    app.config[_ANY_HOST] = any_host
    app.config[_PUBLIC_URL] = settings.public_url
    # The page of the documentation is on the API's own origin.
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
    """Return where a path of the API is reached from outside: never by what a Host header says."""
    return f"{current_app.config[_PUBLIC_URL]}{path}"


def refuse_unknown_host() -> None:
    """Let pass what asks under one of our names. Raises UnknownHost.

    Flask's own TRUSTED_HOSTS would refuse probes as well, which ask by address, and tells upper case from lower.
    """
    redirect = request.routing_exception
    if isinstance(redirect, RequestRedirect):
        # The router writes the name that was asked for into its answer; the path alone leads to the same place.
        target = urlsplit(redirect.new_url)
        redirect.new_url = urlunsplit(("", "", target.path, target.query, ""))
    if request.endpoint in current_app.config[_ANY_HOST]:
        return
    found = _HOST.fullmatch(request.headers.get("Host", ""))
    if found is None or found[1].strip("[]").lower() not in current_app.config[_HOSTS]:
        raise UnknownHost


def require_allowed_origin() -> None:
    """For routes that trust a cookie and change something: only pages of ours may call. Raises ForeignOrigin.

    A browser says where such a request comes from, in Origin (RFC 6454) or at least in Sec-Fetch-Site. Who sends
    neither is no browser, and has nobody's cookies but its own.
    """
    origin = request.headers.get("Origin")
    if origin is None and "Sec-Fetch-Site" not in request.headers:
        return
    if origin not in current_app.config[_ORIGINS]:
        raise ForeignOrigin
