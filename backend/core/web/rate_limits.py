"""Rate limits per route class, keyed by user, or by client address for anonymous requests.

Responses carry ``RateLimit`` and ``RateLimit-Policy`` (IETF draft-ietf-httpapi-ratelimit-headers-11).
Reasons and figures: docs/decisions/0015-rate-limits.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from flask import Flask, Response, current_app, g, request

from backend.core.errors import DomainError
from backend.core.web.client_address import address_block, client_address, ipv6_site
from backend.core.web.rate_counter import Limit, RateCounter, Window
from backend.settings import Settings

_EXTENSION = "rate_limits"
_READING = frozenset({"GET", "HEAD"})
# Of an IPv6 site (/48), which has 65,536 networks with a limit each, so many limits can sign in at once. More than one,
# so that one network cannot lock the others of its site out.
_NETWORKS_PER_SITE = 8


class RouteClass(StrEnum):
    """Routes of one class cost about the same and share a limit."""

    SIGN_IN = "sign-in"
    UPLOAD = "upload"
    RUN = "run"
    READ = "read"
    WRITE = "write"


class TooManyRequests(DomainError):
    """A limit is used up; ``seconds`` until its window ends."""

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
    """Maps routes to classes.

    Args:
        named: The class by endpoint, where method and path do not tell it.
        unlimited: The reason by endpoint that is not limited.
        sign_in_under: Prefix of the paths that sign users in.
        limited_by_view: The reason by endpoint whose view decides by its own proof whether a request counts.
    """

    named: Mapping[str, RouteClass]
    unlimited: Mapping[str, str]
    sign_in_under: str
    limited_by_view: Mapping[str, str] = field(default_factory=dict)

    def list_named(self, route_class: RouteClass) -> frozenset[str]:
        """Return the endpoints that rooms declare as this class."""
        return frozenset(endpoint for endpoint, named in self.named.items() if named is route_class)

    def find(self, endpoint: str | None, path: str, method: str) -> RouteClass | None:
        """Return the class, or None if the route is not limited. A route that is not named anywhere is limited."""
        # Flask answers OPTIONS by itself, at no cost.
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
        """Whole seconds until the window ends, for RateLimit and Retry-After."""
        return max(math.ceil(self.window.ends_in_s), 1)


class RateLimits:
    """The hooks of an app, installed by ``configure_rate_limits``."""

    def __init__(self, settings: Settings, classes: RouteClasses) -> None:
        self._classes = classes
        self._counter = RateCounter(settings.broker_url)
        self._of_address = Limit(settings.rate_limit_address)
        self._of_site = Limit(settings.rate_limit_address, times=_NETWORKS_PER_SITE)
        self._of_user = {each: Limit(getattr(settings, f"rate_limit_{each.name.lower()}")) for each in RouteClass}

    def limit_sign_in(self) -> None:
        """Count a sign-in request for its address. Raises TooManyRequests."""
        if self._find_class() is not RouteClass.SIGN_IN:
            return
        self._count_address(RouteClass.SIGN_IN)
        site = ipv6_site(client_address())
        if site is not None:
            self._count(f"{RouteClass.SIGN_IN.value}-site", self._of_site, site)

    def limit_user(self) -> None:
        """Count a request for the user, or for the address if it is anonymous. Raises TooManyRequests.

        An anonymous request that its view limits is not counted yet.
        """
        route_class = self._find_class()
        if route_class is None:
            return
        user_id = g.get("user_id")
        if user_id is not None:
            self.count_user(route_class, user_id)
        elif not self._is_limited_by_view():
            self.limit_address()

    def limit_address(self) -> None:
        """Count a request for its address, unless it is counted already. Raises TooManyRequests."""
        route_class = self._find_class()
        if route_class is not None and not _counted():
            self._count_address(route_class)

    def finish(self, response: Response) -> Response:
        """Add the headers. A request refused before it was counted (such as a wrong token) counts for its address.

        That includes a request that its view refused without counting it. One that its view let in has no headers.
        """
        route_class = self._find_class()
        if route_class is None:
            return response
        if not _counted():
            if self._is_limited_by_view() and response.status_code < HTTPStatus.BAD_REQUEST:
                return response
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

    def _is_limited_by_view(self) -> bool:
        return request.endpoint in self._classes.limited_by_view

    def _find_class(self) -> RouteClass | None:
        rule = request.url_rule.rule if request.url_rule is not None else ""
        return self._classes.find(request.endpoint, rule, request.method)


def configure_rate_limits(app: Flask, settings: Settings, classes: RouteClasses) -> RateLimits:
    """Install the limits on signing in and the headers.

    Call it before the hook that authenticates is installed. After that hook, the app installs ``limit_user``.
    """
    rate_limits = RateLimits(settings, classes)
    app.extensions[_EXTENSION] = rate_limits
    app.before_request(rate_limits.limit_sign_in)
    app.after_request(rate_limits.finish)
    return rate_limits


def limit_sign_in_of(user_id: UUID) -> None:
    """Count this sign-in request also for the user named by its body or cookie. Raises TooManyRequests.

    It calls Redis, so no transaction may be open.
    """
    rate_limits: RateLimits = current_app.extensions[_EXTENSION]
    rate_limits.count_user(RouteClass.SIGN_IN, user_id)


def limit_address_of_request() -> None:
    """Count this request for its address: its view (``limited_by_view``) has found no proof. Raises TooManyRequests.

    It calls Redis, so no transaction may be open.
    """
    rate_limits: RateLimits = current_app.extensions[_EXTENSION]
    rate_limits.limit_address()


def _counted() -> list[_Counted]:
    found: list[_Counted] = g.setdefault("rate_limits_counted", [])
    return found


def _refuse(response: Response, error: TooManyRequests) -> None:
    """Turn a response that refuses for another reason into a 429. Its other headers stay."""
    refusal = current_app.make_response(current_app.handle_user_exception(error))
    response.status_code = refusal.status_code
    response.set_data(refusal.get_data())
    for name in ("Content-Type", "Content-Language", "Retry-After"):
        if name in refusal.headers:
            response.headers[name] = refusal.headers[name]
    response.headers.pop("WWW-Authenticate", None)
