"""Access tokens: accepted only if we issued them for this API, unexpired, for an existing user."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
import sqlalchemy as sa

from backend.accounts.sessions.tokens import TokenClaims, issue_refresh_token, read_refresh_token
from backend.app import create_app
from backend.settings import Settings

LOGIN = "/api/v1/auth/dev-login"
SETS = "/api/v1/study-sets"


@pytest.fixture
def claims(client) -> dict[str, Any]:
    """The claims of a valid token."""
    return jwt.decode(client.token, options={"verify_signature": False})


@pytest.fixture
def key(settings: Settings) -> str:
    return settings.jwt_secret.get_secret_value()


def status(client, token: str) -> int:
    return client.get(SETS, headers={"Authorization": f"Bearer {token}"}).status_code


def test_sign_in_returns_a_valid_token(anonymous) -> None:
    answer = anonymous.post(LOGIN, json={"email": "Student@Example.org"})
    assert answer.status_code == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 24 * 3600
    assert status(anonymous, answer.json["access_token"]) == 200


def test_development_sign_in_works_without_an_address(anonymous) -> None:
    assert anonymous.post(LOGIN, json={}).status_code == 200


def test_the_same_address_is_the_same_user(anonymous) -> None:
    first = anonymous.post(LOGIN, json={"email": "a@example.org"}).json["user_id"]
    again = anonymous.post(LOGIN, json={"email": "A@example.org"}).json["user_id"]
    other = anonymous.post(LOGIN, json={"email": "b@example.org"}).json["user_id"]
    assert first == again
    assert first != other


def test_concurrent_sign_ins_create_one_user(app, engine: sa.Engine) -> None:
    barrier, ids = threading.Barrier(5), []

    def sign_in() -> None:
        barrier.wait()
        ids.append(app.test_client().post(LOGIN, json={"email": "a@example.org"}).json["user_id"])

    threads = [threading.Thread(target=sign_in) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 5
    assert len(set(ids)) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM identities")) == 1


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.org", 3, None, "x" * 200 + "@example.org", "a@b\x00"])
def test_an_invalid_address_is_refused(anonymous, email: object) -> None:
    answer = anonymous.post(LOGIN, json={"email": email})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "email"


def test_the_development_sign_in_does_not_exist_in_production(settings: Settings) -> None:
    production = create_app(settings.model_copy(update={"environment": "production"}))
    answer = production.test_client().post(LOGIN, json={})
    assert answer.status_code == 404
    assert not any("dev-login" in rule.rule for rule in production.url_map.iter_rules())
    assert "/api/v1/auth/dev-login" not in production.spec["paths"]


def test_a_token_has_issuer_audience_subject_and_expiry(claims: dict[str, Any], client) -> None:
    assert claims["sub"] == str(client.user_id)
    assert claims["iss"] == "hackthestudy"
    assert claims["aud"] == "hackthestudy-api"
    assert claims["type"] == "access"
    assert claims["exp"] > claims["iat"]


def test_a_valid_token_is_accepted(anonymous, claims: dict[str, Any], key: str) -> None:
    assert status(anonymous, jwt.encode(claims, key, "HS256")) == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(anonymous, client, scheme: str) -> None:
    assert anonymous.get(SETS, headers={"Authorization": f"{scheme} {client.token}"}).status_code == 200


PAST = int((datetime.now(UTC) - timedelta(seconds=5)).timestamp())
FUTURE = int((datetime.now(UTC) + timedelta(days=1)).timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": PAST},
        {"nbf": FUTURE},
        {"aud": "another-api"},
        {"aud": None},
        {"iss": "somebody-else"},
        {"iss": None},
        {"type": "refresh"},
        {"sub": None},
        {"sub": "not-a-uuid"},
        {"sub": str(uuid4())},
        {"exp": None},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(anonymous, claims, key: str, changes: dict[str, Any]) -> None:
    changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    assert status(anonymous, jwt.encode(changed, key, "HS256")) == 401


def test_a_token_signed_with_another_key_is_refused(anonymous, claims: dict[str, Any], settings: Settings) -> None:
    assert status(anonymous, jwt.encode(claims, "another-key-" * 4, "HS256")) == 401
    # The cookie key does not sign tokens.
    assert status(anonymous, jwt.encode(claims, settings.flask_secret_key.get_secret_value(), "HS256")) == 401


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_with_another_algorithm_is_refused(anonymous, claims, key: str, algorithm: str) -> None:
    assert status(anonymous, jwt.encode(claims, key, algorithm)) == 401


def test_a_token_without_a_signature_is_refused(anonymous, claims: dict[str, Any]) -> None:
    unsigned = jwt.encode(claims, None, "none")
    assert status(anonymous, unsigned) == 401
    assert status(anonymous, unsigned + "c2lnbmF0dXJl") == 401


def test_a_signature_of_another_token_is_refused(anonymous, client, other_client) -> None:
    head, body, _ = client.token.split(".")
    assert status(anonymous, f"{head}.{body}.{other_client.token.split('.')[2]}") == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer a.b.c", "Bearer \u00e4", "Basic YTpi", "a.b.c"])
def test_a_header_without_a_token_is_refused(anonymous, header: str) -> None:
    answer = anonymous.get(SETS, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["code"] == "not_signed_in"


def test_a_token_outside_the_header_is_ignored(anonymous, client) -> None:
    anonymous.set_cookie("access_token_cookie", client.token)
    assert anonymous.get(SETS, query_string={"jwt": client.token}).status_code == 401


def test_the_token_of_a_deleted_user_is_refused(client, engine: sa.Engine) -> None:
    assert client.get(SETS).status_code == 200
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM users"))
    assert client.get(SETS).status_code == 401


def test_a_token_from_a_clock_that_is_ahead_is_accepted(app, client) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    ids = (client.user_id, uuid4(), uuid4())
    with app.app_context():
        token = issue_refresh_token(*ids, issued_at=ahead, expires_at=ahead + timedelta(days=1))
        assert read_refresh_token(token) == TokenClaims(*ids)


@pytest.mark.parametrize("late_s", [0, 1, 30])
def test_a_token_expires_to_the_second(anonymous, claims, key: str, late_s: int) -> None:
    ended = int(datetime.now(UTC).timestamp()) - late_s
    assert status(anonymous, jwt.encode({**claims, "exp": ended}, key, "HS256")) == 401
