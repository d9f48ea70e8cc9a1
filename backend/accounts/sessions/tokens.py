"""Access and refresh tokens: signed JWTs with an issuer, an audience, a type and a key id.

The key must sign nothing else, because the library treats a token without a type as an access token. During key
rotation, ``JWT_SECRET_PREVIOUS`` still verifies old tokens, so that users stay signed in.
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
_CLOCK_LEEWAY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The claims of a valid token."""

    user_id: UUID
    session_id: UUID
    token_id: UUID


def configure_tokens(app: Flask, settings: Settings) -> None:
    app.config.update(
        JWT_ALGORITHM="HS256",
        # We do not use the library's cookies, and its random CSRF claim would make equal refresh tokens differ.
        JWT_COOKIE_CSRF_PROTECT=False,
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_ENCODE_ISSUER=_ISSUER,
        JWT_DECODE_ISSUER=_ISSUER,
        JWT_ENCODE_AUDIENCE=_AUDIENCE,
        JWT_DECODE_AUDIENCE=_AUDIENCE,
        # A token may be issued by the clock of the database or of another container, ahead of ours. The expiry is
        # still checked to the second, in _read.
        JWT_DECODE_LEEWAY=_CLOCK_LEEWAY,
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
    def verification_key(header: dict[str, Any], _claims: object) -> str:
        # Without a known key id, use the current key: the previous release set no key id.
        return keys.get(header.get("kid", ""), current)


def _key_id(secret: str) -> str:
    """Return a key id that reveals nothing about the key."""
    return hashlib.sha256(b"hackthestudy key id\n" + secret.encode()).hexdigest()[:12]


def issue_access_token(user_id: UUID, session_id: UUID, *, life: timedelta) -> str:
    """Return an access token that expires after ``life``."""
    token: str = create_access_token(
        identity=str(user_id), expires_delta=life, additional_claims={_SESSION: str(session_id)}
    )
    return token


def issue_refresh_token(
    user_id: UUID, session_id: UUID, token_id: UUID, *, issued_at: datetime, expires_at: datetime
) -> str:
    """Return the refresh token with this id. Deterministic: equal arguments give exactly the same token."""
    claims = {_SESSION: str(session_id), "jti": str(token_id), "iat": issued_at, "nbf": issued_at, "exp": expires_at}
    token: str = create_refresh_token(identity=str(user_id), additional_claims=claims)
    return token


def read_access_token(token: str) -> TokenClaims | None:
    """Return the claims of an access token, or None if it is not ours, has expired or is of another type."""
    return _read(token, "access")


def read_refresh_token(token: str) -> TokenClaims | None:
    """Return the claims of a refresh token, or None; see ``read_access_token``."""
    return _read(token, "refresh")


def _read(token: str, kind: str) -> TokenClaims | None:
    try:
        claims: dict[str, Any] = decode_token(token)
    except (JWTExtendedException, PyJWTError):
        return None
    ids = [parse_uuid(str(claims.get(name) or "")) for name in ("sub", _SESSION, "jti")]
    user_id, session_id, token_id = ids
    if user_id is None or session_id is None or token_id is None or claims["type"] != kind:
        return None
    # The library checks the expiry only if there is one, and with leeway; a token without one would never expire.
    if "exp" not in claims or int(claims["exp"]) <= now().timestamp():
        return None
    return TokenClaims(user_id, session_id, token_id)
