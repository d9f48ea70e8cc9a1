"""What an API key grants, and what it never does."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from backend.accounts.api_keys.key_format import make_key

KEYS = "/api/v1/users/me/api-keys"
SETS = "/api/v1/study-sets"
ME = "/api/v1/users/me"


def change(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        assert connection.execute(sa.text(statement)).rowcount == 1


def refused(answer) -> str:
    """Return the error code of a 401 or 403."""
    assert answer.status_code in (401, 403), answer.text
    return answer.json["code"]


def test_the_read_scope_cannot_write(client, script: Callable) -> None:
    study_set = client.make_study_set()
    reader = script("read")
    assert reader.get(f"{SETS}/{study_set}").status_code == 200
    assert reader.head(f"{SETS}/{study_set}").status_code == 200
    assert reader.get(ME).json["id"] == str(client.user_id)
    assert refused(reader.post(SETS, json={"title": "Mine"})) == "not_allowed"
    assert refused(reader.patch(f"{SETS}/{study_set}", json={"title": "Mine"})) == "not_allowed"
    assert refused(reader.delete(f"{SETS}/{study_set}")) == "not_allowed"
    assert len(client.get(SETS).json["items"]) == 1


def test_the_write_scope_cannot_read(script: Callable) -> None:
    writer = script("write")
    made = writer.post(SETS, json={"title": "Mine"})
    assert made.status_code == 201
    assert refused(writer.get(f"{SETS}/{made.json['id']}")) == "not_allowed"
    assert writer.delete(f"{SETS}/{made.json['id']}").status_code == 204


def test_a_key_reads_only_data_of_its_user(other_client, script: Callable) -> None:
    assert script("read", "write").get(f"{SETS}/{other_client.make_study_set()}").status_code == 404


# Operations on account security.
CLOSED = [
    ("POST", KEYS, {"name": "another"}),
    ("DELETE", f"{KEYS}/{{key_id}}", None),
    ("DELETE", "/api/v1/users/me/sessions/{session_id}", None),
    ("DELETE", "/api/v1/users/me/identities/{identity_id}", None),
    ("POST", "/api/v1/auth/logout-everywhere", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CLOSED, ids=[f"{each[0]} {each[1]}" for each in CLOSED])
def test_a_key_cannot_change_account_security(client, script, method: str, path: str, body) -> None:
    everything = script("read", "write")
    ids = {
        "key_id": everything.key_id,
        "session_id": client.get(f"{ME}/sessions").json["items"][0]["id"],
        "identity_id": client.get(f"{ME}/identities").json["items"][0]["id"],
    }
    assert refused(everything.open(path.format(**ids), method=method, json=body)) == "not_allowed"
    assert everything.get(SETS).status_code == client.get(SETS).status_code == 200
    assert len(client.get(KEYS).json["items"]) == 1


def test_an_administrators_key_administers_nothing(app, client, script: Callable, engine: sa.Engine) -> None:
    change(engine, "UPDATE users SET role = 'admin'")
    key = script("read", "write")
    with app.test_request_context(headers={"Authorization": f"Bearer {key.token}"}):
        from backend.accounts.service import get_caller
        from backend.core.database.transaction import transaction

        with transaction():
            caller = get_caller()
    assert (caller.is_admin, caller.session_id) == (False, None)
    assert str(caller.api_key_id) == key.key_id


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        ("UPDATE api_keys SET expires_at = now()", "UPDATE api_keys SET expires_at = now() + interval '1 day'"),
        ("UPDATE api_keys SET revoked_at = now()", "UPDATE api_keys SET revoked_at = NULL"),
        ("UPDATE users SET disabled_at = now()", "UPDATE users SET disabled_at = NULL"),
        (
            "UPDATE users SET erasing_at = now(), email = NULL, name = NULL, picture_url = NULL",
            # Leaving cannot be undone.
            None,
        ),
    ],
    ids=["expired", "revoked", "disabled", "leaving"],
)
def test_access_ends_immediately(script: Callable, engine: sa.Engine, statement: str, after: str | None) -> None:
    reader = script("read")
    assert reader.get(SETS).status_code == 200
    change(engine, statement)
    answer = reader.get(SETS)
    assert refused(answer) == "not_signed_in"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    # Nothing else caused the refusal.
    if after is not None:
        change(engine, after)
        assert reader.get(SETS).status_code == 200


def test_revoking_ends_access_and_signing_out_everywhere_does_not(client, script: Callable) -> None:
    first, second = script("read"), script("read")
    assert client.delete(f"{KEYS}/{first.key_id}").status_code == 204
    assert refused(first.get(SETS)) == "not_signed_in"
    assert client.post("/api/v1/auth/logout-everywhere").status_code == 204
    assert second.get(SETS).status_code == 200


def test_an_unknown_or_malformed_key_is_refused(anonymous, script: Callable) -> None:
    key = script("read").token
    for token in (make_key(), key[:-1], key + "x", key.lower(), "hts_", "hts_\u00e4", f"HTS_{key[4:]}", key[4:]):
        assert refused(anonymous.get(SETS, headers={"Authorization": f"Bearer {token}"})) == "not_signed_in"
    assert anonymous.get(SETS, headers={"Authorization": f"bearer {key}"}).status_code == 200
    assert anonymous.get(SETS, query_string={"key": key}).status_code == 401


def last_used(client) -> str | None:
    return client.get(KEYS).json["items"][0]["last_used_at"]


def test_last_use_is_recorded_to_the_minute(client, script: Callable, engine: sa.Engine) -> None:
    reader = script("read")
    assert last_used(client) is None
    assert refused(reader.post(SETS, json={"title": "Mine"})) == "not_allowed"
    assert last_used(client) is None
    reader.get(SETS)
    first = last_used(client)
    assert first is not None
    reader.get(SETS)
    assert last_used(client) == first
    change(engine, "UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
    reader.get(SETS)
    assert last_used(client) > first
