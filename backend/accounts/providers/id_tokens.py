"""ID token validation (OpenID Connect Core 1.0, section 3.1.3.7)."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

# Allowed clock difference to the provider.
LEEWAY_S = 60

# Asymmetric only: excludes "none", and HMAC with our client secret or with the public key used as a secret.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_KEY_TYPES = frozenset({"RSA", "EC"})


class IdTokenRefused(Exception):
    """The token is invalid. ``reason`` is safe to log: it never contains anything the provider sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyUnknown(IdTokenRefused):
    """The key id is not in the JWKS; the provider may have rotated its keys."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Claims that the token must have."""

    issuer: str
    client_id: str
    nonce: str


def read_id_token(raw: object, jwks: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """Validate a token and return its claims. Raises IdTokenRefused.

    ``jwks`` is the provider's JWK set as fetched (RFC 7517).
    """
    if not isinstance(raw, str):
        raise IdTokenRefused("no id_token")
    registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(raw, key=_import_keys(jwks), registry=registry).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": expected.issuer},
            aud={"essential": True, "value": expected.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True},
        ).validate(claims)
    except InvalidKeyIdError:
        raise KeyUnknown("unknown key") from None
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        claim = getattr(error, "claim", "")
        raise IdTokenRefused(f"{type(error).__name__} {claim}".strip()) from None
    if claims["nonce"] != expected.nonce:
        raise IdTokenRefused("nonce")
    # With several audiences, azp must name us: it is the client that the token was issued to.
    is_for_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if is_for_several else expected.client_id) != expected.client_id:
        raise IdTokenRefused("azp")
    return claims


def is_recent(claims: Mapping[str, Any], since: int) -> bool:
    """Tell whether ``auth_time`` shows that the user authenticated after ``since`` (a Unix timestamp in seconds)."""
    auth_time = claims.get("auth_time")
    is_number = isinstance(auth_time, int | float) and not isinstance(auth_time, bool)
    # Python's JSON parser accepts Infinity, which is later than any time.
    return is_number and math.isfinite(cast(float, auth_time)) and cast(float, auth_time) >= since - LEEWAY_S


def _import_keys(jwks: Mapping[str, Any]) -> KeySet:
    listed = jwks.get("keys")
    keys: list[Key] = []
    for key in listed if isinstance(listed, list) else ():
        # Keys that we cannot read are ignored (RFC 7517, section 5). Symmetric keys are never accepted from a JWKS.
        if isinstance(key, dict) and key.get("kty") in _KEY_TYPES:
            with suppress(JoseError, ValueError, KeyError, TypeError):
                keys.append(JWKRegistry.import_key(key))
    return KeySet(keys)
