"""No route except the public ones accepts a bad token: each kind of bad token is tried on every route.

tests/architecture/test_permissions.py covers another user's good token, and
tests/operations/admin/test_admin_refusals.py covers non-administrators on administration routes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask import request

from backend.accounts.errors import NotSignedIn
from backend.accounts.sessions.tokens import read_access_token
from backend.app import create_app
from backend.settings import Settings
from tests.architecture.test_routes import unguarded

# The key is long enough for the algorithm in use, but too short for another one that is tried here.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")

Claims = dict[str, Any]

LOGIN = "/api/v1/auth/dev-login"
KEYS = "/api/v1/users/me/api-keys"
SEEDED = "/api/v1/seeded"
TWO_DAYS_S = 2 * 24 * 60 * 60
ERASE = "UPDATE users SET erasing_at = now(), email = NULL, name = NULL, picture_url = NULL WHERE id = :id"
# Claims that make a token bad although it has a valid signature. None removes a claim.
CLAIMS: dict[str, Callable[[Claims], Claims]] = {
    "token that has expired": lambda good: {name: good[name] - TWO_DAYS_S for name in ("iat", "nbf", "exp")},
    "token that is not valid yet": lambda good: {name: good[name] + TWO_DAYS_S for name in ("nbf", "exp")},
    "token without an end": lambda _good: {"exp": None},
    "token for another service": lambda _good: {"aud": "somebody-else"},
    "token of a session that does not exist": lambda _good: {"sid": "018f0000-0000-7000-8000-000000000000"},
    "token of another user's session": lambda _good: {"sub": "018f0000-0000-7000-8000-000000000000"},
}
# Statements that revoke the access of a token or an API key without changing it.
TAKEN_AWAY = {
    "token of a session that has ended": "UPDATE sessions SET ended_at = now(), end_reason = 'x' WHERE user_id = :id",
    "token of a session that has expired": "UPDATE sessions SET expires_at = now() WHERE user_id = :id",
    "token of a disabled user": "UPDATE users SET disabled_at = now() WHERE id = :id",
    "token of a user being erased": ERASE,
    "key that was revoked": "UPDATE api_keys SET revoked_at = now() WHERE user_id = :id",
    "key that has expired": "UPDATE api_keys SET expires_at = now() WHERE user_id = :id",
    "key of a disabled user": "UPDATE users SET disabled_at = now() WHERE id = :id",
    "key of a user being erased": ERASE,
}


@pytest.fixture(scope="module")
def make_app(settings: Settings) -> Callable[[], APIFlask]:
    """Build an app with rate limits too high to be reached."""
    return lambda: create_app(settings.model_copy(update={"rate_limit_address": "1000000/minute"}))


def sign(claims: Claims, key: str | None, header: Mapping[str, str], algorithm: str = "HS256") -> str:
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers=dict(header))


def opens(app: APIFlask, token: str) -> bool:
    answer = app.test_client().get("/api/v1/study-sets", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def forged(app: APIFlask, settings: Settings) -> dict[str, str]:
    """Return tokens that were never good. Each differs from a good one only as its name says."""
    login = app.test_client().post(LOGIN, json={"email": "student@example.org"}).json
    good, secret = login["access_token"], settings.jwt_secret.get_secret_value()
    claims = jwt.decode(good, options={"verify_signature": False})
    # If the header still had it, the library would take the algorithm from there.
    header = {"kid": jwt.get_unverified_header(good)["kid"]}
    assert opens(app, sign(claims, secret, header))
    return {
        **{kind: sign({**claims, **alter(claims)}, secret, header) for kind, alter in CLAIMS.items()},
        "token signed with another key": sign(claims, secret[::-1], header),
        "token signed with an unknown key": sign(claims, secret[::-1], {"kid": "000000000000"}),
        "token signed with another algorithm": sign(claims, secret, header, "HS512"),
        "token that is not signed": sign(claims, None, header, "none"),
        "refresh token": login["refresh_token"],
    }


def taken_away(app: APIFlask, engine: sa.Engine) -> dict[str, str]:
    """Return tokens and API keys that have just stopped being good."""
    tokens: dict[str, str] = {}
    for number, (kind, statement) in enumerate(TAKEN_AWAY.items()):
        client = app.test_client().sign_in(f"{number}@example.org")
        made = client.post(KEYS, json={"name": "laptop", "scopes": ["read", "write"]}).json
        tokens[kind] = made["key"] if kind.startswith("key") else client.token
        assert opens(app, tokens[kind])
        with engine.begin() as connection:
            assert connection.execute(sa.text(statement), {"id": client.user_id}).rowcount == 1
    return tokens


def test_every_route_refuses_every_bad_token(app: APIFlask, make_app, settings: Settings, engine: sa.Engine) -> None:
    tokens = {"no token": None, **forged(app, settings), **taken_away(app, engine)}
    wide = make_app()
    found = {kind: unguarded(wide, token) for kind, token in tokens.items()}
    assert {kind: routes for kind, routes in found.items() if routes} == {}


def test_a_route_that_checks_only_the_signature_is_reported(
    app: APIFlask, make_app, settings: Settings, engine: sa.Engine
) -> None:
    seeded = make_app()
    seeded.get(SEEDED, endpoint="seeded")(lambda: "open")
    hooks = seeded.before_request_funcs[None]
    authenticate = next(hook for hook in hooks if hook.__name__ == "authenticate")

    def careless() -> object:
        if request.endpoint != "seeded":
            return authenticate()
        if request.authorization is None or read_access_token(str(request.authorization.token)) is None:
            raise NotSignedIn
        return None

    hooks[hooks.index(authenticate)] = careless
    open_to = [f"{method} {SEEDED} answers an unauthenticated caller with 200" for method in ("GET", "HEAD")]
    ended = taken_away(app, engine)["token of a session that has ended"]
    assert unguarded(seeded, ended) == open_to
    assert unguarded(seeded, forged(app, settings)["token signed with another key"]) == []
