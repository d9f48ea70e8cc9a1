"""What an ID token must be to be believed (OpenID Connect Core 1.0, section 3.1.3.7)."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

# How far the provider's clock may be from ours.
LEEWAY_S = 60

# Asymmetric ones alone: neither "none", nor what our client secret or the public key as a secret could have signed.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_KEY_TYPES = frozenset({"RSA", "EC"})


class IdTokenRefused(Exception):
    """The token does not prove who signs in; ``reason`` is one word or two, without anything that was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyUnknown(IdTokenRefused):
    """No key of the list has the token's name of a key: the provider may have new ones."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token must say: who issued it, for whom, and in answer to which question."""

    issuer: str
    client_id: str
    nonce: str


def read_id_token(raw: object, jwks: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """Return the claims of a token once all of them have been checked. Raises IdTokenRefused.

    ``jwks`` is the provider's list of keys as it was read (RFC 7517).
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
    # A token for several parties says which of them asked for it; one that was issued to another is not for us.
    is_for_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if is_for_several else expected.client_id) != expected.client_id:
        raise IdTokenRefused("azp")
    return claims


def is_recent(claims: Mapping[str, Any], since: int) -> bool:
    """Tell whether the token says that the user has given her password since then (in seconds since 1970)."""
    told = claims.get("auth_time")
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    # JSON as Python reads it has an Infinity, which is later than any time.
    return is_number and math.isfinite(cast(float, told)) and cast(float, told) >= since - LEEWAY_S


def _import_keys(jwks: Mapping[str, Any]) -> KeySet:
    listed = jwks.get("keys")
    keys: list[Key] = []
    for key in listed if isinstance(listed, list) else ():
        # What cannot be read is for others than us (RFC 7517, section 5); a shared secret has no place in the list.
        if isinstance(key, dict) and key.get("kty") in _KEY_TYPES:
            with suppress(JoseError, ValueError, KeyError, TypeError):
                keys.append(JWKRegistry.import_key(key))
    return KeySet(keys)
