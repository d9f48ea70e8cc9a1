"""How many requests one may make: by class of route, for each user, or for each address of who is not signed in.

Answers tell what is left in ``RateLimit`` and ``RateLimit-Policy`` (IETF draft-ietf-httpapi-ratelimit-headers-11).
Reasons and numbers: docs/decisions/0015-rate-limits.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from flask import Flask, Response, current_app, g, request

from backend.core.errors import DomainError
from backend.core.web.client_address import address_block, client_address
from backend.core.web.rate_counter import Limit, RateCounter, Window
from backend.settings import Settings

_EXTENSION = "rate_limits"
_READING = frozenset({"GET", "HEAD"})


class RouteClass(StrEnum):
    """What a route costs us, by which its requests are limited."""

    SIGN_IN = "sign-in"
    UPLOAD = "upload"
    RUN = "run"
    READ = "read"
    WRITE = "write"


class TooManyRequests(DomainError):
    """The user, or her address, has made as many requests as a class of routes allows in a while."""

    code = "too_many_requests"
    status = 429
    texts = {
        "en": "Too many requests. Please try again in {seconds} s.",
        "de": "Zu viele Anfragen. Bitte versuche es in {seconds} s noch einmal.",
        "fr": "Trop de requêtes. Réessaie dans {seconds} s.",
        "it": "Troppe richieste. Riprova tra {seconds} s.",
    }

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.retry_after_s = seconds


@dataclass(frozen=True, slots=True)
class RouteClasses:
    """Which class a route has.

    Args:
        named: By endpoint, where the method alone does not tell.
        unlimited: Endpoints that are not limited, each with the reason.
        sign_in_under: What the paths of signing in begin with.
    """

    named: Mapping[str, RouteClass]
    unlimited: Mapping[str, str]
    sign_in_under: str

    def list_named(self, route_class: RouteClass) -> frozenset[str]:
        """Return the endpoints that are named as of this class."""
        return frozenset(endpoint for endpoint, named in self.named.items() if named is route_class)

    def find(self, endpoint: str | None, path: str, method: str) -> RouteClass | None:
        """Return the class; None of what is not limited. A route that nobody has named is limited too."""
        # A browser asks with OPTIONS what it may send, and Flask answers without any work of ours.
        if endpoint is None or endpoint in self.unlimited or method == "OPTIONS":
            return None
        if endpoint in self.named:
            return self.named[endpoint]
        if path.startswith(self.sign_in_under):
            return RouteClass.SIGN_IN
        return RouteClass.READ if method in _READING else RouteClass.WRITE


class _Counted(NamedTuple):
    policy: str
    limit: Limit
    window: Window

    @property
    def seconds(self) -> int:
        """Whole seconds until the end of the window, which the headers tell and Retry-After too."""
        return max(math.ceil(self.window.ends_in_s), 1)


class RateLimits:
    """The hooks of an app; see ``configure_rate_limits``."""

    def __init__(self, settings: Settings, classes: RouteClasses) -> None:
        self._classes = classes
        self._counter = RateCounter(settings.broker_url)
        self._of_address = Limit(settings.rate_limit_address)
        self._of_user = {each: Limit(getattr(settings, f"rate_limit_{each.name.lower()}")) for each in RouteClass}

    def limit_sign_in(self) -> None:
        """Count a request of signing in for its address. Raises TooManyRequests."""
        if self._find_class() is RouteClass.SIGN_IN:
            self._count_address(RouteClass.SIGN_IN)

    def limit_user(self) -> None:
        """Count a request for the user, or for the address of who is not signed in. Raises TooManyRequests."""
        route_class = self._find_class()
        if route_class is None:
            return
        user_id = g.get("user_id")
        if user_id is not None:
            self.count_user(route_class, user_id)
        elif not _counted():
            self._count_address(route_class)

    def finish(self, response: Response) -> Response:
        """Tell what is left; count for its address what was refused before it was counted, such as a wrong token."""
        route_class = self._find_class()
        if route_class is None:
            return response
        if not _counted():
            try:
                self._count_address(route_class)
            except TooManyRequests as error:
                _refuse(response, error)
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{each.policy}";q={each.limit.amount};w={each.limit.window_s}' for each in _counted()
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{each.policy}";r={each.window.remaining};t={each.seconds}' for each in _counted()
        )
        return response

    def count_user(self, route_class: RouteClass, user_id: UUID) -> None:
        """Count this request for the user. Raises TooManyRequests."""
        self._count(route_class.value, self._of_user[route_class], str(user_id))

    def _count_address(self, route_class: RouteClass) -> None:
        self._count(f"{route_class.value}-address", self._of_address, address_block(client_address()))

    def _count(self, policy: str, limit: Limit, whose: str) -> None:
        counted = _Counted(policy, limit, self._counter.count(limit, policy, whose))
        _counted().append(counted)
        if not counted.window.allowed:
            raise TooManyRequests(counted.seconds)

    def _find_class(self) -> RouteClass | None:
        rule = request.url_rule.rule if request.url_rule is not None else ""
        return self._classes.find(request.endpoint, rule, request.method)


def configure_rate_limits(app: Flask, settings: Settings, classes: RouteClasses) -> RateLimits:
    """Limit the requests of signing in and tell what is left of all limits.

    Call it before the hook that authenticates is installed; after that one, the app installs ``limit_user``.
    """
    rate_limits = RateLimits(settings, classes)
    app.extensions[_EXTENSION] = rate_limits
    app.before_request(rate_limits.limit_sign_in)
    app.after_request(rate_limits.finish)
    return rate_limits


def limit_sign_in_of(user_id: UUID) -> None:
    """Count this request of signing in for a user too, whom only its body or cookie names. Raises TooManyRequests.

    It asks Redis, so no transaction may be open.
    """
    rate_limits: RateLimits = current_app.extensions[_EXTENSION]
    rate_limits.count_user(RouteClass.SIGN_IN, user_id)


def _counted() -> list[_Counted]:
    found: list[_Counted] = g.setdefault("rate_limits_counted", [])
    return found


def _refuse(response: Response, error: TooManyRequests) -> None:
    """Make the answer that refuses something else one that refuses for the limit; its other headers stay."""
    refusal = current_app.make_response(current_app.handle_user_exception(error))
    response.status_code = refusal.status_code
    response.set_data(refusal.get_data())
    for name in ("Content-Type", "Content-Language", "Retry-After"):
        if name in refusal.headers:
            response.headers[name] = refusal.headers[name]
    response.headers.pop("WWW-Authenticate", None)
