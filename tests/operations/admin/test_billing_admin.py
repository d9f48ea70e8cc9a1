"""Administrators adjust credits: with a fresh sign-in, a reason, a ticket and a key, below a daily ceiling."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from backend.settings import get_settings
from tests.operations.admin.conftest import ADMIN
from tests.patience import join

pytestmark = pytest.mark.usefixtures("stripe")


def adjust(admin: Any, user_id: Any, amount: int, key: str | None = "k", **changes: Any) -> Any:
    body = {"amount": amount, "reason": "goodwill", "ticket": 4711, **changes}
    headers = {} if key is None else {"Idempotency-Key": key}
    return admin.post(f"{ADMIN}/users/{user_id}/credits/adjustments", json=body, headers=headers)


def balance_of(admin: Any, user_id: Any) -> dict[str, Any]:
    return admin.get(f"{ADMIN}/users/{user_id}/credits").json["balance"]


@pytest.fixture
def ceiling(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the daily ceiling in CHF."""

    def set_ceiling(chf: int) -> None:
        monkeypatch.setenv("ADMIN_DAILY_CHF", str(chf))
        get_settings.cache_clear()

    return set_ceiling


def test_goodwill_credits_are_a_free_lot(admin, client, logged) -> None:
    answer = adjust(admin, client.user_id, 1500)
    assert answer.status_code == 201, answer.text
    assert answer.json["balance"] == {
        "balance": 1500,
        "paid": 0,
        "free": 1500,
        "held": 0,
        "available": 1500,
        "is_frozen": False,
    }
    assert answer.headers["Location"] == f"{ADMIN}/users/{client.user_id}/credits"
    (row,) = logged()
    assert (row.action, row.actor_id, row.subject_user_id) == ("credits.adjusted", admin.user_id, client.user_id)
    assert row.data == {"adjustment": answer.json["id"], "credits": 1500, "reason": "goodwill", "ticket": 4711}
    view = admin.get(f"{ADMIN}/users/{client.user_id}/credits").json
    assert [(lot["source"], lot["amount"], lot["balance"]) for lot in view["lots"]] == [("goodwill", 1500, 1500)]
    assert [(entry["kind"], entry["amount"]) for entry in view["entries"]] == [("granted", 1500)]
    assert admin.get(f"{ADMIN}/users/{client.user_id}").json["credits"] == answer.json["balance"]


def test_credits_are_removed_free_ones_first(admin, client, buy, logged) -> None:
    buy(client, "chf-5")
    adjust(admin, client.user_id, 300)
    answer = adjust(admin, client.user_id, -1000, "down", reason="abuse")
    assert answer.status_code == 201, answer.text
    assert (answer.json["balance"]["free"], answer.json["balance"]["paid"]) == (0, 4300)
    entries = admin.get(f"{ADMIN}/users/{client.user_id}/credits?limit=2").json["entries"]
    assert [(entry["kind"], entry["amount"], entry["lot_source"]) for entry in entries] == [
        ("adjusted", -700, "purchase"),
        ("adjusted", -300, "goodwill"),
    ]
    assert [row.data["credits"] for row in logged() if row.action == "credits.adjusted"] == [300, -1000]


def test_no_more_is_removed_than_the_user_has(admin, client, logged) -> None:
    adjust(admin, client.user_id, 300)
    answer = adjust(admin, client.user_id, -301, "down")
    assert (answer.status_code, answer.json["code"]) == (402, "insufficient_credits")
    assert (answer.json["required"], answer.json["available"]) == (301, 300)
    assert len(logged()) == 1


def test_the_same_key_adjusts_once(admin, client, logged) -> None:
    first, second = adjust(admin, client.user_id, 100), adjust(admin, client.user_id, 100)
    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    other = adjust(admin, client.user_id, 200)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert len(logged()) == 1
    assert balance_of(admin, client.user_id)["balance"] == 100


def test_a_key_is_required(admin, client, logged) -> None:
    answer = adjust(admin, client.user_id, 100, key=None)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
    assert adjust(admin, client.user_id, 100, key="x" * 256).json["code"] == "invalid_idempotency_key"
    assert logged() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": 1.5},
        {"amount": 10**12},
        {"reason": "because she asked"},
        {"ticket": None},
        {"ticket": 0},
        {"ticket": "4711"},
        {"amount": True},
        {"amount": "5"},
        {"note": "Anna"},
    ],
)
def test_a_malformed_adjustment_is_refused(admin, client, logged, changes: dict[str, Any]) -> None:
    body = {"amount": 100, "reason": "goodwill", "ticket": 1, **changes}
    answer = admin.post(
        f"{ADMIN}/users/{client.user_id}/credits/adjustments", json=body, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 422, answer.text
    assert logged() == []


def test_a_ticket_and_a_reason_are_required(admin, client) -> None:
    answer = admin.post(
        f"{ADMIN}/users/{client.user_id}/credits/adjustments", json={"amount": 1}, headers={"Idempotency-Key": "k"}
    )
    assert {error["field"] for error in answer.json["errors"]} == {"reason", "ticket"}


def test_a_fresh_sign_in_is_required(admin, client, buy, stale, logged) -> None:
    payment_id = buy(client)
    stale(admin)
    refund = admin.post(
        f"{ADMIN}/payments/{payment_id}/refunds",
        json={"reason": "fault", "ticket": 1},
        headers={"Idempotency-Key": "k"},
    )
    for answer in (adjust(admin, client.user_id, 100), refund):
        assert (answer.status_code, answer.json["code"]) == (403, "fresh_sign_in_needed")
    assert logged() == []
    assert balance_of(admin, client.user_id)["balance"] == 10_000


def test_nobody_adjusts_their_own_credits(admin, logged) -> None:
    answer = adjust(admin, admin.user_id, 100)
    assert (answer.status_code, answer.json["code"]) == (409, "own_money")
    assert logged() == []


def test_a_deleted_user_gets_nothing_but_can_be_viewed(admin, client, buy, run_pending_jobs) -> None:
    buy(client)
    assert client.delete("/api/v1/users/me?confirm=erase-everything").status_code == 202
    run_pending_jobs()
    answer = adjust(admin, client.user_id, 100)
    assert (answer.status_code, answer.json["code"]) == (409, "user_leaving")
    assert balance_of(admin, client.user_id)["paid"] == 10_000
    payments = admin.get(f"{ADMIN}/users/{client.user_id}/payments").json["items"]
    assert [payment["amount_rappen"] for payment in payments] == [1000]


def test_the_ceiling_bounds_what_one_administrator_gives_in_a_day(
    admin, app, client, ceiling, engine: sa.Engine, logged
) -> None:
    ceiling(2)
    assert adjust(admin, client.user_id, 1500, "1").status_code == 201
    refused = adjust(admin, client.user_id, 501, "2")
    assert (refused.status_code, refused.json["code"]) == (409, "daily_ceiling_reached")
    assert (refused.json["ceiling_rappen"], refused.json["ceiling_left_rappen"]) == (200, 50)
    # Removing credits neither counts nor makes room.
    assert adjust(admin, client.user_id, -1000, "3").status_code == 201
    assert adjust(admin, client.user_id, 501, "4").status_code == 409
    assert adjust(admin, client.user_id, 500, "5").status_code == 201
    assert adjust(admin, client.user_id, 1, "6").status_code == 409
    assert [row.data["credits"] for row in logged()] == [1500, -1000, 500]
    other = app.test_client().sign_in("second-admin@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": other.user_id})
    assert adjust(other, client.user_id, 2000).status_code == 201


def test_the_ceiling_covers_24_hours(admin, client, ceiling, age_log) -> None:
    ceiling(1)
    assert adjust(admin, client.user_id, 1000, "1").status_code == 201
    age_log()
    assert adjust(admin, client.user_id, 1000, "2").status_code == 201


def test_two_concurrent_grants_cannot_both_take_the_rest(admin, client, other_client, ceiling, app) -> None:
    ceiling(1)
    answers: list[int] = []
    start = threading.Barrier(4)

    def give(user_id: Any, key: str) -> None:
        mine = app.test_client()
        mine.user_id, mine.token = admin.user_id, admin.token
        start.wait()
        answers.append(adjust(mine, user_id, 1000, key).status_code)

    users = [client.user_id, other_client.user_id] * 2
    threads = [threading.Thread(target=give, args=(user, str(number))) for number, user in enumerate(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert sorted(answers) == [201, 409, 409, 409]


def test_what_cannot_be_audited_is_not_granted(admin, client, crash_on) -> None:
    crash_on("admin_actions", times=1)
    assert adjust(admin, client.user_id, 100).status_code == 500
    assert balance_of(admin, client.user_id)["balance"] == 0
    assert adjust(admin, client.user_id, 100).status_code == 201


def test_entries_are_paged(admin, client) -> None:
    for number in range(3):
        adjust(admin, client.user_id, number + 1, str(number))
    path = f"{ADMIN}/users/{client.user_id}/credits"
    first = admin.get(f"{path}?limit=2").json
    second = admin.get(path, query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    assert [entry["amount"] for entry in first["entries"] + second["entries"]] == [3, 2, 1]
    assert second["next_cursor"] is None


def test_without_billing_nothing_is_given(admin, client, monkeypatch: pytest.MonkeyPatch, logged: Callable) -> None:
    for name in ("STRIPE_API_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)
    get_settings.cache_clear()
    answer = adjust(admin, client.user_id, 100)
    assert (answer.status_code, answer.json["code"]) == (404, "billing_off")
    assert logged() == []
    assert balance_of(admin, client.user_id)["balance"] == 0
