"""Signing in with a provider. Browsers navigate to these addresses, so each answer leads on, an error too."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from flask.typing import ResponseReturnValue

from backend.accounts import oauth
from backend.accounts.hand_over import frontend_address, make_hand_over
from backend.accounts.pending_sign_ins import read_next_path
from backend.accounts.sign_in_schemas import ProviderAnswer, ProvidersAnswer, SignInQuery
from backend.core.errors import Unavailable
from backend.core.http import request_id
from backend.core.logging import get_logger

log = get_logger(__name__)

providers = APIBlueprint("providers", __name__, tag="Sign-in")
# Apart from the others, since its errors are redirects.
sign_in = APIBlueprint("sign_in", __name__, tag="Sign-in")

_BEGUN: dict[int | str, Any] = {302: "To the provider, or to the browser app with `error`"}
_FINISHED: dict[int | str, Any] = {302: "To the browser app, with `code` or `error`"}


@providers.get("/auth/providers")
@providers.output(ProvidersAnswer)
def list_sign_in_providers() -> ProvidersAnswer:
    """List the providers that users can sign in with."""
    return ProvidersAnswer(items=[ProviderAnswer.model_validate(provider) for provider in oauth.list_providers()])


@sign_in.get("/auth/login/<provider>")
@sign_in.input(SignInQuery, location="query", arg_name="query")
@sign_in.doc(responses=_BEGUN, extensions={"x-leads-on": True})
def begin_sign_in(provider: str, query: SignInQuery) -> ResponseReturnValue:
    """Send the browser to a provider."""
    return oauth.begin_sign_in(provider, fresh=query.fresh, next_path=read_next_path(query.next))


@sign_in.get("/auth/callback/<provider>")
@sign_in.doc(responses=_FINISHED, extensions={"x-leads-on": True})
def finish_sign_in(provider: str) -> ResponseReturnValue:
    """Take the browser back from a provider."""
    finished = oauth.finish_sign_in(provider)
    return make_hand_over(finished.identity, next_path=finished.next_path)


@sign_in.before_request
def leave_the_session_alone() -> ResponseReturnValue | None:
    """Begin and end nothing for those who only look: what they were answered could overtake a real sign-in."""
    if _is_too_early():
        # A browser throws away what it fetched too early when that is an error, and asks again when it is wanted.
        raise Unavailable
    return Response(status=204) if request.method == "HEAD" else None


@sign_in.after_request
def lead_on(response: Response) -> Response:
    """Turn an error into a redirect to the browser app, which has a sentence for its code."""
    problem = response.get_json(silent=True) if response.mimetype == "application/problem+json" else None
    if problem is None or _is_too_early():
        return response
    log.info("accounts.sign_in.ended", code=problem["code"])
    address = frontend_address(error=problem["code"], request_id=request_id())
    return Response(status=302, headers={"Location": address})


def _is_too_early() -> bool:
    """Tell whether a browser asks for a page that its user has not opened yet."""
    return "prefetch" in request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
