"""Access and refresh tokens: signed JWTs with an issuer, an audience, a type and the id of their key.

The key signs nothing else: the library takes a token without a type for an access token. While the key is being
changed, ``JWT_SECRET_PREVIOUS`` goes on checking what it signed, so that nobody is signed out.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

from backend.core.clock import now
from backend.core.web.http import parse_uuid
from backend.settings import Settings

_ISSUER = "hackthestudy"
_AUDIENCE = "hackthestudy-api"
_SESSION = "sid"
_CLOCKS_DIFFER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a valid token says: for whom it speaks, by which session, and its own id."""

    user_id: UUID
    session_id: UUID
    token_id: UUID


def configure_tokens(app: Flask, settings: Settings) -> None:
    """Set up signing and checking of tokens."""
    app.config.update(
        JWT_ALGORITHM="HS256",
        # The library's own cookies are not used; a random claim would make the same refresh token differ.
        JWT_COOKIE_CSRF_PROTECT=False,
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_ENCODE_ISSUER=_ISSUER,
        JWT_DECODE_ISSUER=_ISSUER,
        JWT_ENCODE_AUDIENCE=_AUDIENCE,
        JWT_DECODE_AUDIENCE=_AUDIENCE,
        # A token begins at the clock of the database or of another container, which may be ahead of this one's. Our
        # own expiry is checked to the second all the same, in _read.
        JWT_DECODE_LEEWAY=_CLOCKS_DIFFER,
    )
    current = settings.jwt_secret.get_secret_value()
    keys = {_key_id(current): current}
    if settings.jwt_secret_previous is not None:
        previous = settings.jwt_secret_previous.get_secret_value()
        keys[_key_id(previous)] = previous
    manager = JWTManager(app)

    @manager.encode_key_loader
    def signing_key(_identity: object) -> str:
        return current

    @manager.additional_headers_loader
    def header(_identity: object) -> dict[str, str]:
        return {"kid": _key_id(current)}

    @manager.decode_key_loader
    def checking_key(header: dict[str, Any], _claims: object) -> str:
        # A key that nobody names is the current one: the release before this one named none.
        return keys.get(header.get("kid", ""), current)


def _key_id(secret: str) -> str:
    """Return a name for a key that tells nothing of it."""
    return hashlib.sha256(b"hackthestudy key id\n" + secret.encode()).hexdigest()[:12]


def issue_access_token(user_id: UUID, session_id: UUID, *, life: timedelta) -> str:
    """Return a signed access token of a session that expires after ``life``."""
    token: str = create_access_token(
        identity=str(user_id), expires_delta=life, additional_claims={_SESSION: str(session_id)}
    )
    return token


def issue_refresh_token(
    user_id: UUID, session_id: UUID, token_id: UUID, *, issued_at: datetime, expires_at: datetime
) -> str:
    """Return the refresh token with this id. The same arguments give the same token, to the last character."""
    claims = {_SESSION: str(session_id), "jti": str(token_id), "iat": issued_at, "nbf": issued_at, "exp": expires_at}
    token: str = create_refresh_token(identity=str(user_id), additional_claims=claims)
    return token


def read_access_token(token: str) -> Spoken | None:
    """Return what an access token says, or None when it is not ours, not valid any more, or of another type."""
    return _read(token, "access")


def read_refresh_token(token: str) -> Spoken | None:
    """Return what a refresh token says, or None; see ``read_access_token``."""
    return _read(token, "refresh")


def _read(token: str, kind: str) -> Spoken | None:
    try:
        claims: dict[str, Any] = decode_token(token)
    except (JWTExtendedException, PyJWTError):
        return None
    ids = [parse_uuid(str(claims.get(name) or "")) for name in ("sub", _SESSION, "jti")]
    user_id, session_id, token_id = ids
    if user_id is None or session_id is None or token_id is None or claims["type"] != kind:
        return None
    # A token without an expiry would be good for ever; the library checks it only where there is one, and laxly.
    if "exp" not in claims or int(claims["exp"]) <= now().timestamp():
        return None
    return Spoken(user_id, session_id, token_id)
