"""Access tokens: signed JWTs with an issuer, an audience and a type of their own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask, request
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

from backend.accounts.errors import NotSignedIn
from backend.core.http import parse_uuid
from backend.settings import Settings

_ISSUER = "hackthestudy"
_AUDIENCE = "hackthestudy-api"


def configure_tokens(app: Flask, settings: Settings) -> None:
    """Set up signing and checking of access tokens."""
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret.get_secret_value(),
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_ENCODE_ISSUER=_ISSUER,
        JWT_DECODE_ISSUER=_ISSUER,
        JWT_ENCODE_AUDIENCE=_AUDIENCE,
        JWT_DECODE_AUDIENCE=_AUDIENCE,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=settings.access_token_minutes),
    )
    JWTManager(app)


def issue_access_token(user_id: UUID, *, life: timedelta) -> str:
    """Return a signed access token for ``user_id`` that expires after ``life``."""
    token: str = create_access_token(identity=str(user_id), expires_delta=life)
    return token


def read_access_token() -> UUID:
    """Return the user id of the request's bearer token. Raises NotSignedIn."""
    # The header is read here, since the library finds no scheme but in its own spelling; RFC 9110 allows any case.
    header = request.authorization
    if header is None or header.type != "bearer" or not header.token:
        raise NotSignedIn
    try:
        claims: dict[str, Any] = decode_token(header.token)
    except (JWTExtendedException, PyJWTError):
        raise NotSignedIn from None
    user_id = parse_uuid(str(claims.get("sub", "")))
    # The library checks an expiry where there is one; a token without any would be good for ever.
    if user_id is None or "exp" not in claims or claims["type"] != "access":
        raise NotSignedIn
    return user_id
