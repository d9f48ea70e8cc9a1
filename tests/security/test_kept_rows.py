"""Rows that requests leave behind are bounded for each user: sessions, and responses stored for idempotency."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts.sessions import sessions
from backend.core.hashing import lock_number
from backend.core.web import idempotency
from tests.conftest import Client
from tests.patience import HANG_S, wait_for

SETS = "/api/v1/study-sets"


def test_kept_answers_are_bounded_by_their_bytes(
    client: Client, other_client: Client, monkeypatch: pytest.MonkeyPatch, engine: sa.Engine
) -> None:
    monkeypatch.setattr(idempotency, "_MAX_KEPT_BYTES", 300)

    def make(who: Client, key: str | None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return who.post(SETS, json={"title": "Botany"}, headers=headers)

    made = [make(client, f"key-{number}") for number in range(5)]
    refused = made[-1]
    assert made[0].status_code == 201
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_stored_responses")
    # Stored responses are still replayed, and requests without a key or by other users still succeed.
    assert make(client, "key-0").json == made[0].json
    assert make(client, None).status_code == 201
    assert make(other_client, "key-0").status_code == 201
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM idempotency_keys WHERE key <> 'key-0'")
    assert make(client, "key-9").status_code == 201


def test_a_user_has_at_most_a_hundred_sessions(
    app: APIFlask, client: Client, other_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sessions.MAX_SESSIONS == 100
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    devices = [client, *(app.test_client().sign_in("student@example.org") for _ in range(3))]
    # The least recently used session has ended; other users' sessions have not.
    assert [device.get(SETS).status_code for device in devices] == [401, 200, 200, 200]
    assert len(devices[-1].get("/api/v1/users/me/sessions").json["items"]) == 3
    assert other_client.get(SETS).status_code == 200


def test_writes_wait_only_for_the_users_own_quota_lock(
    app: APIFlask, client: Client, other_client: Client, engine: sa.Engine
) -> None:
    mine, others = client.make_study_set(), other_client.make_study_set()

    def write(who: Client, study_set: str) -> int:
        body = {"front": "What divides?", "back": "A cell."}
        return who.post(f"{SETS}/{study_set}/flashcards", json=body).status_code

    def is_waiting() -> bool:
        with engine.connect() as connection:
            waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
            current = "(SELECT oid FROM pg_database WHERE datname = current_database())"
            return connection.exec_driver_sql(waiting + current).first() is not None

    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(write(client, mine)))
    with engine.begin() as connection:
        number = lock_number("quota", "storage", client.user_id)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
        thread.start()
        wait_for("the other transaction", lambda: bool(done) or is_waiting())
        assert done == []
        assert write(other_client, others) == 201
    thread.join(HANG_S)
    assert done == [201]
