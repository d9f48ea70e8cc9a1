"""Sign-ins that a browser has begun, kept in the browser: in Flask's signed session cookie.

Each is there until its callback or for ten minutes, whichever comes first. What is in the cookie (verifier, nonce) is
worth nothing without the provider's code and our client secret; that it is signed binds a sign-in to this browser.
"""

import json
import re
import time
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import session

from backend.accounts.types import PendingSignIn
from backend.core.web.http import parse_uuid

LIFE_S = 600

_KEY = "sign_ins"
_LINK = "link"
_MOST = 5
# Browsers drop a cookie of over 4,096 bytes; base64 and the signature make a third more of this.
_LARGEST_CHARS = 2_600

# A path of the browser app: no host, by no trick known to browsers ("//", "/\", a tab in between).
_PATH = re.compile(r"/(?:[\x21-\x2e\x30-\x3e\x40-\x5b\x5d-\x7e]|/(?!/))*(?:\?[\x21-\x5b\x5d-\x7e]*)?")
_LONGEST_PATH = 500


def read_next_path(text: str) -> str | None:
    """Return the path if it leads to a page of the browser app and nowhere else, or None."""
    is_path = len(text) <= _LONGEST_PATH and _PATH.fullmatch(text) and not text.startswith("//")
    return text if is_path else None


def allow_link(session_id: UUID, provider: str) -> None:
    """Let this browser, and no other, begin one sign-in with the provider to link an identity to the session's user."""
    session[_LINK] = [str(session_id), provider, int(time.time())]


def take_link(provider: str) -> UUID | None:
    """Return the session that a link to the provider was allowed for in this browser lately, once; else None.

    The provider is compared because any page can send this browser to another one while the permission lasts.
    """
    match session.pop(_LINK, None):
        case [str(session_id), allowed, int(allowed_at)] if allowed == provider and allowed_at > time.time() - LIFE_S:
            return parse_uuid(session_id)
    return None


def remember(state: str, pending: PendingSignIn) -> None:
    """Keep a sign-in under its state; the oldest give way to it."""
    kept = [*_alive(), (state, asdict(pending))][-_MOST:]
    while len(kept) > 1 and len(json.dumps(kept)) > _LARGEST_CHARS:
        del kept[0]
    session[_KEY] = kept


def take(state: str) -> PendingSignIn | None:
    """Return the sign-in that this browser began with the state, once; None for any other."""
    alive = _alive()
    found = next((pending for name, pending in alive if name == state), None)
    kept = [entry for entry in alive if entry[0] != state]
    if kept:
        session[_KEY] = kept
    else:
        # Flask deletes the cookie of an empty session.
        session.pop(_KEY, None)
    return _read(found) if found is not None else None


def _alive() -> list[tuple[str, dict[str, Any]]]:
    """Return what was begun lately. What makes no sense is left out: another release may have written the cookie."""
    oldest, kept, alive = time.time() - LIFE_S, session.get(_KEY), []
    for entry in kept if isinstance(kept, list) else ():
        match entry:
            case [str(state), {"began_at": int(began_at)} as pending] if began_at > oldest:
                alive.append((state, pending))
    return alive


def _read(found: dict[str, Any]) -> PendingSignIn | None:
    """Return a sign-in without what only a newer release knows of it; None where something is missing or odd."""
    match found:
        case {
            "provider": str(provider),
            "verifier": str(verifier),
            "nonce": str(nonce),
            "fresh": bool(fresh),
            "next_path": (str() | None) as next_path,
            "link": (str() | None) as link,
            "began_at": int(began_at),
        }:
            return PendingSignIn(provider, verifier, nonce, fresh, next_path, link, began_at)
    return None
