"""Signing in with a provider as a browser does it: redirects, callbacks, and what its cookie keeps between them."""

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
    """Make the configured providers known to ``app``."""
    app.extensions[_EXTENSION] = OAuthGateway(settings)


def list_providers() -> list[Provider]:
    """Return the configured providers in the order in which they are offered."""
    return list(_gateway().providers.values())


def check_provider(name: str) -> None:
    """Raise UnknownProvider unless a provider of this name is configured."""
    _gateway().get_provider(name)


def begin_sign_in(
    name: str, *, fresh: bool, next_path: str | None, link_session_id: UUID | None
) -> ResponseReturnValue:
    """Return the redirect to the provider's page. The browser's cookie keeps what the callback must match.

    ``fresh`` asks the provider to ask for the password again. Raises UnknownProvider and ProviderUnavailable.
    """
    provider = _gateway().get_provider(name)
    begun = _gateway().start(provider, fresh=fresh)
    link = str(link_session_id) if link_session_id else None
    pending = PendingSignIn(provider.name, begun.verifier, begun.nonce, fresh, next_path, link, int(time.time()))
    pending_sign_ins.remember(begun.state, pending)
    return redirect(begun.address)


def finish_sign_in(name: str) -> SignIn:
    """Return who the provider says has signed in, from the callback that is being answered.

    Raises UnknownProvider, SignInExpired (this browser awaits no such callback), SignInCancelled, SignInFailed,
    EmailNotVerified and ProviderUnavailable.
    """
    provider = _gateway().get_provider(name)
    # First of all, and whatever else it says: a callback counts once, and only in the browser that asked for it.
    pending = pending_sign_ins.take(request.args.get("state", ""))
    if pending is None or pending.provider != provider.name:
        raise SignInExpired
    identity = _gateway().finish(provider, pending, request.args)
    link_session_id = UUID(pending.link) if pending.link else None
    return SignIn(identity, pending.next_path, pending.fresh, link_session_id)


def _gateway() -> OAuthGateway:
    return cast(OAuthGateway, current_app.extensions[_EXTENSION])
