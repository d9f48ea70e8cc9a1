"""Creating, listing and revoking API keys: shown once, stored as a hash, limited, and managed only with a session."""

import hashlib
import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from backend.accounts.api_keys.api_keys import MAX_KEYS
from backend.accounts.api_keys.key_format import API_KEY_PATTERN, is_well_formed, make_key

KEYS = "/api/v1/users/me/api-keys"
ACTIVITY = "/api/v1/users/me/activity"


def make(client, **body: Any):
    return client.post(KEYS, json={"name": "laptop", **body})


def history(client, kind: str) -> list[dict[str, Any]]:
    return [item["data"] for item in client.get(ACTIVITY, query_string={"kind": kind}).json["items"]]


def test_a_key_is_shown_once(client) -> None:
    made = make(client)
    assert made.status_code == 201
    assert re.fullmatch(API_KEY_PATTERN, made.json["key"])
    assert made.json["key"].startswith(made.json["prefix"])
    assert len(made.json["prefix"]) == 10
    assert made.json["scopes"] == ["read"]
    shown = {name: value for name, value in made.json.items() if name != "key"}
    listed = client.get(KEYS)
    assert listed.json == {"items": [shown]}
    assert made.json["key"] not in listed.text


def test_only_the_hash_is_stored_even_with_an_idempotency_key(client, engine: sa.Engine) -> None:
    answer = client.post(KEYS, json={"name": "laptop"}, headers={"Idempotency-Key": "k1"})
    key = answer.json["key"]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM idempotency_keys")) == 0
        kept = connection.scalar(sa.text("SELECT encode(key_hash, 'hex') FROM api_keys"))
        assert kept == hashlib.sha256(key.encode()).hexdigest()
        for table in sa.inspect(connection).get_table_names():
            found = sa.text(f'SELECT count(*) FROM "{table}" AS whole WHERE whole::text LIKE :key')
            assert connection.scalar(found, {"key": f"%{key}%"}) == 0, table


def test_every_call_creates_another_key(client) -> None:
    headers = {"Idempotency-Key": "k1"}
    keys = {client.post(KEYS, json={"name": "laptop"}, headers=headers).json["key"] for _ in range(2)}
    assert len(keys) == 2


@pytest.mark.parametrize(("body", "days"), [({}, 365), ({"expires_in_days": 1}, 1), ({"expires_in_days": 730}, 730)])
def test_a_key_expires(client, body: dict[str, int], days: int) -> None:
    made = make(client, **body).json
    created, expires = (datetime.fromisoformat(made[name]) for name in ("created_at", "expires_at"))
    assert timedelta(0) <= expires - created - timedelta(days=days) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"scopes": ["read", "write", "read"]}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 731}, "expires_in_days"),
        ({"expires_in_days": None}, "expires_in_days"),
        ({"key": "hts_mine"}, "key"),
    ],
)
def test_an_invalid_key_request_is_refused(client, body: dict[str, Any], field: str) -> None:
    answer = make(client, **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_scopes_are_returned_in_order_without_duplicates(client) -> None:
    assert make(client, scopes=["write", "read"]).json["scopes"] == ["read", "write"]
    assert make(client, scopes=["write", "write"]).json["scopes"] == ["write"]


def test_creating_a_key_needs_a_fresh_sign_in(client, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sessions SET authenticated_at = now() - interval '10 minutes 1 second'"))
    answer = make(client)
    assert (answer.status_code, answer.json["code"]) == (403, "fresh_sign_in_needed")
    assert client.get(KEYS).json == {"items": []}


def test_revoking_a_key_needs_no_fresh_sign_in(client, engine: sa.Engine) -> None:
    made = make(client).json
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sessions SET authenticated_at = now() - interval '1 day'"))
    assert client.delete(f"{KEYS}/{made['id']}").status_code == 204


def test_a_revoked_key_is_not_listed_and_cannot_be_revoked_again(client) -> None:
    first, second = make(client, name="first").json, make(client, name="second").json
    assert [key["name"] for key in client.get(KEYS).json["items"]] == ["second", "first"]
    assert client.delete(f"{KEYS}/{first['id']}").status_code == 204
    assert [key["id"] for key in client.get(KEYS).json["items"]] == [second["id"]]
    assert client.delete(f"{KEYS}/{first['id']}").status_code == 404
    assert len(history(client, "api_key_revoked")) == 1


def test_activities_identify_keys_by_prefix(client) -> None:
    made = make(client, scopes=["read", "write"]).json
    client.delete(f"{KEYS}/{made['id']}")
    named = {"api_key_id": made["id"], "name": "laptop", "prefix": made["prefix"]}
    assert history(client, "api_key_created") == [{**named, "scopes": ["read", "write"]}]
    assert history(client, "api_key_revoked") == [named]


def fill(client, engine: sa.Engine, count: int) -> None:
    """Insert ``count`` keys of the user directly."""
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes, expires_at)"
                " SELECT gen_random_uuid(), :user_id, 'old', 'hts_x', sha256(number::text::bytea), ARRAY['read'],"
                " now() + interval '1 day' FROM generate_series(1, :count) AS number"
            ),
            {"user_id": client.user_id, "count": count},
        )


def test_a_user_has_at_most_twenty_keys(client, other_client, engine: sa.Engine) -> None:
    fill(client, engine, MAX_KEYS - 1)
    last = make(client).json
    answer = make(client)
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_api_keys")
    assert "20" in answer.json["detail"]
    assert make(other_client).status_code == 201
    client.delete(f"{KEYS}/{last['id']}")
    assert make(client).status_code == 201


def test_expired_keys_do_not_count(client, engine: sa.Engine) -> None:
    fill(client, engine, MAX_KEYS)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE api_keys SET expires_at = now()"))
    assert make(client).status_code == 201
    assert len(client.get(KEYS).json["items"]) == MAX_KEYS + 1


def test_old_keys_are_deleted(client, engine: sa.Engine) -> None:
    fill(client, engine, 3)
    with engine.begin() as connection:
        set_expiry = sa.text("UPDATE api_keys SET expires_at = now() - :age ::interval WHERE key_hash = sha256(:key)")
        connection.execute(set_expiry, {"age": "31 days", "key": b"1"})
        connection.execute(set_expiry, {"age": "29 days", "key": b"2"})
        connection.execute(
            sa.text("UPDATE api_keys SET revoked_at = now() - interval '31 days' WHERE key_hash = sha256('3')")
        )
    make(client)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM api_keys")) == 2


def test_the_limit_holds_for_concurrent_requests(app, client, engine: sa.Engine) -> None:
    fill(client, engine, MAX_KEYS - 2)
    barrier, statuses = threading.Barrier(5), []

    def run() -> None:
        each = app.test_client()
        each.token = client.token
        barrier.wait()
        statuses.append(make(each).status_code)

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 201, 409, 409, 409]


def test_keys_are_unique_and_the_checksum_finds_a_typo() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert is_well_formed(key)
        wrong = key[:20] + ("a" if key[20] != "a" else "b") + key[21:]
        assert not is_well_formed(wrong)
    assert not is_well_formed("hts_")
    assert not is_well_formed(make_key() + "\n")


def test_the_key_format_is_stable() -> None:
    # Secret scanners rely on the format, and keys in use must stay valid.
    assert is_well_formed("hts_" + "0123456789" * 4 + "abc" + "22PHJP")
