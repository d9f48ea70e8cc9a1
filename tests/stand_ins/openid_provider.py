"""An OpenID Connect provider on loopback that can be told to misbehave in what it signs and returns."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from flask import Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.stand_ins.sign_in_server import SignInServer

_LIFE_S = 300
_SIGNED = object()


class OpenIdProvider(SignInServer):
    """Signs in the users in ``users`` (claims by subject) with a click; the issuer is ``url``.

    ``claims`` replaces claims of the ID token (None removes one), ``metadata`` those of the discovery document.
    ``signature`` is how the token is signed: ``right``, ``none``, ``client_secret`` and ``public_key`` (as HS256 with
    these as secrets), or ``foreign`` (another key under the right name). ``id_token`` is returned instead of a signed
    one. If ``tells_in_token`` is off, claims about the user are only at ``/userinfo``.
    """

    title = "University"

    def __init__(self) -> None:
        self._first_key = RSAKey.generate_key(2048, {"kid": "first"})
        self._foreign_key = RSAKey.generate_key(2048, {"kid": "first"})
        super().__init__()
        self.app.get("/.well-known/openid-configuration")(self._tell_metadata)
        self.app.get("/jwks")(self._tell_keys)
        self.app.post("/token")(self._give_tokens)
        self.app.get("/userinfo")(self._tell_user)

    def reset(self) -> None:
        super().reset()
        self.users = {
            "anna": {"email": "anna@uni.example", "email_verified": True, "name": "Anna Muster", "locale": "fr-CH"},
        }
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.signature = "right"
        self.answer_issuer = self.url
        self.id_token: object = _SIGNED
        self.secret_sent_by = ""
        self.lists_keys = True
        self.tells_in_token = True
        self.authenticated_ago_s = 0
        self._key = self._first_key
        self._tokens: dict[str, str] = {}

    def rotate_keys(self) -> None:
        """Sign with a new key from now on, and list no other."""
        self._key = RSAKey.generate_key(2048, {"kid": f"{self._key.kid}-next"})

    def sign(self, claims: dict[str, Any]) -> str:
        """Return an ID token, signed according to ``signature``."""
        if self.signature in ("right", "foreign"):
            key = self._key if self.signature == "right" else self._foreign_key
            return jwt.encode({"alg": "RS256", "kid": str(self._key.kid)}, claims, key)
        algorithm = "none" if self.signature == "none" else "HS256"
        text = _encoded({"alg": algorithm, "kid": self._key.kid}) + b"." + _encoded(claims)
        secret = {
            "client_secret": self.client_secret.encode(),
            "public_key": self._key.as_pem(private=False),
        }.get(self.signature)
        signature = hmac.digest(secret, text, hashlib.sha256) if secret else b""
        return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def _tell_metadata(self) -> Response:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.metadata,
        }
        return jsonify({name: value for name, value in document.items() if value is not None})

    def _tell_keys(self) -> Response:
        strange = {"kty": "AKP", "kid": "after-quantum", "alg": "ML-DSA-44", "pub": "AAAA"}
        return jsonify({"keys": [strange, self._key.as_dict(private=False)] if self.lists_keys else [strange]})

    def _give_tokens(self) -> Any:
        given, form = request.authorization, request.form
        sent = (given.username, given.password) if given else (form.get("client_id"), form.get("client_secret"))
        self.secret_sent_by = "client_secret_basic" if given else "client_secret_post"
        if sent != (self.client_id, self.client_secret):
            return jsonify(error="invalid_client"), 401
        asked = self.redeem_code()
        if asked is None:
            return jsonify(error="invalid_grant", error_description="The code is not good."), 400
        subject, now = asked["user"], int(time.time())
        access_token = f"access-of-{subject}-{len(self._tokens)}"
        self._tokens[access_token] = subject
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": self.client_id,
            "exp": now + _LIFE_S,
            "iat": now,
            "nonce": asked.get("nonce"),
            "auth_time": now - self.authenticated_ago_s,
            **(self.users[subject] if self.tells_in_token else {}),
            **self.claims,
        }
        id_token = self.sign({name: value for name, value in claims.items() if value is not None})
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": _LIFE_S}
        self.given |= {access_token, id_token}
        answer["id_token"] = id_token if self.id_token is _SIGNED else self.id_token
        return jsonify(answer)

    def _tell_user(self) -> Any:
        subject = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if subject is None:
            return jsonify(error="invalid_token"), 401
        return jsonify({"sub": subject, **self.users[subject], **self.claims})


def _encoded(content: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")
