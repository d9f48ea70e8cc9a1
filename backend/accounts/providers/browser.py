"""The browser side of a sign-in: redirect, callback, and the cookie that holds the state between them."""

import time
from typing import cast
from uuid import UUID

from flask import Flask, current_app, redirect, request
from flask.typing import ResponseReturnValue

from backend.accounts.providers import pending_sign_ins
from backend.accounts.providers.configured import Provider
from backend.accounts.providers.errors import SignInExpired
from backend.accounts.providers.oauth import OAuthGateway
from backend.accounts.types import PendingSignIn, SignIn
from backend.settings import Settings

_EXTENSION = "oauth_gateway"


def configure_providers(app: Flask, settings: Settings) -> None:
    app.extensions[_EXTENSION] = OAuthGateway(settings)


def list_providers() -> list[Provider]:
    """Return the configured providers in display order."""
    return list(_gateway().providers.values())


def check_provider(name: str) -> None:
    """Raise UnknownProvider unless a provider of this name is configured."""
    _gateway().get_provider(name)


def begin_sign_in(
    name: str, *, fresh: bool, next_path: str | None, link_session_id: UUID | None
) -> ResponseReturnValue:
    """Return the redirect to the provider, and store in the browser's cookie what the callback must match.

    ``fresh`` tells the provider to ask for the password again. Raises UnknownProvider and ProviderUnavailable.
    """
    provider = _gateway().get_provider(name)
    begun = _gateway().start(provider, fresh=fresh)
    link = str(link_session_id) if link_session_id else None
    pending = PendingSignIn(provider.name, begun.verifier, begun.nonce, fresh, next_path, link, int(time.time()))
    pending_sign_ins.remember(begun.state, pending)
    return redirect(begun.address)


def finish_sign_in(name: str) -> SignIn:
    """Validate the callback in the current request and return the confirmed sign-in.

    Raises UnknownProvider, SignInExpired (this browser did not start the sign-in), SignInCancelled, SignInFailed,
    EmailNotVerified and ProviderUnavailable.
    """
    provider = _gateway().get_provider(name)
    # Checked before anything else: a callback is valid once, and only in the browser that started the sign-in.
    pending = pending_sign_ins.take(request.args.get("state", ""))
    if pending is None or pending.provider != provider.name:
        raise SignInExpired
    identity = _gateway().finish(provider, pending, request.args)
    link_session_id = UUID(pending.link) if pending.link else None
    return SignIn(identity, pending.next_path, pending.fresh, link_session_id)


def _gateway() -> OAuthGateway:
    return cast(OAuthGateway, current_app.extensions[_EXTENSION])
