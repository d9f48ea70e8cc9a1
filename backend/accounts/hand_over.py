"""From the provider's word to a signed-in user: the browser goes back to the browser app with a one-time code."""

from urllib.parse import urlencode

from flask import current_app, redirect
from werkzeug.wrappers import Response

from backend.accounts.providers import VerifiedIdentity

FRONTEND_KEY = "FRONTEND_URL"


def frontend_address(**parameters: str | None) -> str:
    """Return the page of the browser app that a sign-in ends at, with the parameters that have a value."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{current_app.config[FRONTEND_KEY]}/auth-callback?{urlencode(given)}"


def make_hand_over(identity: VerifiedIdentity, *, next_path: str | None) -> Response:
    """Return the redirect that ends a sign-in."""
    return redirect(frontend_address(code="", next=next_path))
