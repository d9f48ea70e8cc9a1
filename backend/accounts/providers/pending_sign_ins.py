"""Sign-ins in progress, stored in the browser's signed session cookie (Flask).

Each is kept until its callback, at most ten minutes. The contents (verifier, nonce) are useless without the provider's
code and our client secret. The cookie binds a sign-in to the browser that started it.
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
_MAX_PENDING = 5
# Browsers drop cookies over 4,096 bytes; base64 and the signature add a third to this.
_MAX_JSON_CHARS = 2_600

# A path of the browser app. Rejects every form that browsers read as another host ("//", "/\", a tab in between).
_PATH = re.compile(r"/(?:[\x21-\x2e\x30-\x3e\x40-\x5b\x5d-\x7e]|/(?!/))*(?:\?[\x21-\x5b\x5d-\x7e]*)?")
_MAX_PATH_CHARS = 500


def read_next_path(text: str) -> str | None:
    """Return the path if it is a page of the browser app, otherwise None. Prevents open redirects."""
    is_path = len(text) <= _MAX_PATH_CHARS and _PATH.fullmatch(text) and not text.startswith("//")
    return text if is_path else None


def allow_link(session_id: UUID, provider: str) -> None:
    """Allow this browser to start one sign-in with the provider that links its identity to the session's user."""
    session[_LINK] = [str(session_id), provider, int(time.time())]


def take_link(provider: str) -> UUID | None:
    """Consume this browser's permission to link and return its session; None if there is none or it has expired.

    The provider must match, because any page can navigate this browser to another one while the permission lasts.
    """
    match session.pop(_LINK, None):
        case [str(session_id), allowed, int(allowed_at)] if allowed == provider and allowed_at > time.time() - LIFE_S:
            return parse_uuid(session_id)
    return None


def remember(state: str, pending: PendingSignIn) -> None:
    """Store a sign-in under its state, dropping the oldest ones if there are too many or the cookie grows too large."""
    kept = [*_alive(), (state, asdict(pending))][-_MAX_PENDING:]
    while len(kept) > 1 and len(json.dumps(kept)) > _MAX_JSON_CHARS:
        del kept[0]
    session[_KEY] = kept


def take(state: str) -> PendingSignIn | None:
    """Remove and return the sign-in with this state; None if this browser has none."""
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
    """Return unexpired sign-ins. Skips malformed entries, because another release may have written the cookie."""
    oldest, kept, alive = time.time() - LIFE_S, session.get(_KEY), []
    for entry in kept if isinstance(kept, list) else ():
        match entry:
            case [str(state), {"began_at": int(began_at)} as pending] if began_at > oldest:
                alive.append((state, pending))
    return alive


def _read(found: dict[str, Any]) -> PendingSignIn | None:
    """Parse a stored sign-in, ignoring fields of newer releases; None if a field is missing or malformed."""
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
