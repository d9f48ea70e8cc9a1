"""Signing in with a provider. Browsers navigate to these routes, so every response redirects, errors included."""

from typing import Any
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Flask, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue

from backend.accounts.providers import browser, pending_sign_ins
from backend.accounts.providers.errors import SignInExpired
from backend.accounts.providers.pending_sign_ins import read_next_path
from backend.accounts.sessions.sessions import require_fresh_sign_in
from backend.accounts.sign_in import hand_over, identities
from backend.accounts.sign_in.schemas import LinkRequest, LinkResponse, ProviderList, ProviderResponse, SignInQuery
from backend.accounts.sign_in.token_schemas import HAND_OVER_COOKIE
from backend.core.database.transaction import transaction
from backend.core.errors import Unavailable
from backend.core.process.logging import get_logger
from backend.core.web.cookies import set_cookie
from backend.core.web.http import request_id
from backend.core.web.origins import PATH_WITH_COOKIES, public_address, require_allowed_origin
from backend.settings import Settings

log = get_logger(__name__)

_FRONTEND_KEY = "FRONTEND_URL"

providers = APIBlueprint("providers", __name__, tag="Sign-in")
# A blueprint of its own, because its errors are redirects.
sign_in = APIBlueprint("sign_in", __name__, tag="Sign-in")

_BEGUN: dict[int | str, Any] = {302: "To the provider, or to the browser app with `error`"}
_FINISHED: dict[int | str, Any] = {302: "To the browser app, with `code`, `linked` or `error`"}


def configure_sign_in(app: Flask, settings: Settings) -> None:
    app.config[_FRONTEND_KEY] = settings.frontend_url


@providers.get("/auth/providers")
@providers.output(ProviderList)
def list_sign_in_providers() -> ProviderList:
    """List the providers that users can sign in with."""
    return ProviderList(items=[ProviderResponse.model_validate(provider) for provider in browser.list_providers()])


@providers.post("/auth/links")
@providers.input(LinkRequest, arg_name="body")
@providers.output(LinkResponse)
@providers.doc(responses={403: "Needs a fresh sign-in", 404: "No such provider"})
def allow_link(body: LinkRequest) -> LinkResponse:
    """Start linking another sign-in method. Navigate this browser to the returned `url`."""
    require_allowed_origin()
    browser.check_provider(body.provider)
    with transaction():
        require_fresh_sign_in(g.caller)
    pending_sign_ins.allow_link(g.caller.session_id, body.provider)
    query = urlencode({"link": "true", "next": body.next})
    return LinkResponse(url=public_address(f"{PATH_WITH_COOKIES}/login/{body.provider}?{query}"))


@sign_in.get("/auth/login/<provider>")
@sign_in.input(SignInQuery, location="query", arg_name="query")
@sign_in.doc(responses=_BEGUN, extensions={"x-leads-on": True})
def begin_sign_in(provider: str, query: SignInQuery) -> ResponseReturnValue:
    """Redirect the browser to a provider."""
    link_session_id = None
    if query.link:
        # The permission to link is in this browser's cookie. An attacker who sends a victim to this URL cannot link
        # the victim's identity to the attacker's account.
        link_session_id = pending_sign_ins.take_link(provider)
        if link_session_id is None:
            raise SignInExpired
    return browser.begin_sign_in(
        provider, fresh=query.fresh, next_path=read_next_path(query.next), link_session_id=link_session_id
    )


@sign_in.get("/auth/callback/<provider>")
@sign_in.doc(responses=_FINISHED, extensions={"x-leads-on": True})
def finish_sign_in(provider: str) -> ResponseReturnValue:
    """Finish a sign-in: the provider redirects the browser here."""
    finished = browser.finish_sign_in(provider)
    if finished.link_session_id is not None:
        with transaction():
            identities.link_to_session(finished.link_session_id, finished.identity)
        return redirect(_frontend_address(linked=provider, next=finished.next_path))
    with transaction():
        user_id = identities.sign_in(finished.identity)
        pair = hand_over.begin_hand_over(user_id, provider, is_fresh=finished.is_fresh)
    response = Response(status=302, headers={"Location": _frontend_address(code=pair.code, next=finished.next_path)})
    life_s = int(hand_over.CODE_LIFE.total_seconds())
    set_cookie(response, HAND_OVER_COOKIE, pair.browser, max_age_s=life_s)
    return response


def _frontend_address(**parameters: str | None) -> str:
    """Return the URL of the browser app's callback page. Parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{current_app.config[_FRONTEND_KEY]}/auth-callback?{urlencode(given)}"


@sign_in.before_request
def ignore_prefetch_and_head() -> ResponseReturnValue | None:
    """Answer prefetch and HEAD requests without side effects, so that they cannot disturb a real sign-in."""
    if _is_prefetch():
        # Browsers discard a prefetched error, and request the page again on navigation.
        raise Unavailable
    return Response(status=204) if request.method == "HEAD" else None


@sign_in.after_request
def redirect_errors(response: Response) -> Response:
    """Turn an error into a redirect to the browser app, which shows a message for its code."""
    problem = response.get_json(silent=True) if response.mimetype == "application/problem+json" else None
    if problem is None or _is_prefetch():
        return response
    log.info("accounts.sign_in.ended", code=problem["code"])
    address = _frontend_address(error=problem["code"], request_id=request_id())
    return Response(status=302, headers={"Location": address})


def _is_prefetch() -> bool:
    return "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
