"""Administrators refund payments through Stripe: once, whatever breaks on the way."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from backend.settings import get_settings
from tests import credits
from tests.operations.admin.conftest import ADMIN
from tests.patience import join, wait_for
from tests.stand_ins.stripe_server import Fault, StripeStandIn, sign

SECRET = credits.KEYS["STRIPE_WEBHOOK_SECRET"]


def refund(admin: Any, payment_id: str, amount: int | None = None, key: str | None = "k", **changes: Any) -> Any:
    body = {"reason": "own_wish", "ticket": 4711, **changes}
    if amount is not None:
        body["amount_rappen"] = amount
    headers = {} if key is None else {"Idempotency-Key": key}
    return admin.post(f"{ADMIN}/payments/{payment_id}/refunds", json=body, headers=headers)


def balance_of(admin: Any, user_id: Any) -> int:
    return int(admin.get(f"{ADMIN}/users/{user_id}/credits").json["balance"]["balance"])


def refunds_at(stripe: StripeStandIn) -> list[int]:
    return sorted(each["amount"] for each in stripe.account.objects("refund", livemode=False))


def money_rows(logged: Any) -> list[Any]:
    return [row for row in logged() if row.action.startswith("refund.")]


def test_part_of_a_payment_is_refunded_and_booked(admin, client, buy, stripe, logged) -> None:
    payment_id = buy(client)
    answer = refund(admin, payment_id, 300)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{ADMIN}/users/{client.user_id}/payments"
    (made,) = stripe.account.objects("refund", livemode=False)
    assert answer.json == {
        "stripe_id": made["id"],
        "payment_id": payment_id,
        "amount_rappen": 300,
        "status": "succeeded",
        "is_booked": True,
    }
    assert made["reason"] == "requested_by_customer"
    requested, done = money_rows(logged)
    assert (requested.action, done.action) == ("refund.requested", "refund.made")
    assert requested.subject_user_id == done.subject_user_id == client.user_id
    assert requested.data == {
        "request": made["metadata"]["request"],
        "payment": payment_id,
        "amount_rappen": 300,
        "is_rest": False,
        "reason": "own_wish",
        "ticket": 4711,
    }
    assert (done.data["status"], done.data["booked"]) == ("succeeded", True)
    assert balance_of(admin, client.user_id) == 7000
    (payment,) = admin.get(f"{ADMIN}/users/{client.user_id}/payments").json["items"]
    assert (payment["state"], payment["refunded_rappen"], payment["refundable_rappen"]) == ("partly_refunded", 300, 700)
    assert not {"payer_name", "payer_email", "payer_country", "receipt_url"} & set(payment)


def test_the_webhook_of_the_refund_changes_nothing_more(app, admin, client, buy, stripe, run_pending_jobs) -> None:
    payment_id = buy(client)
    refund(admin, payment_id, 300)
    events = [each for each in stripe.account.events if "refund" in each["type"]]
    assert len(events) == 2
    for event in events:
        webhook = sign(event, SECRET)
        sent = app.test_client().post("/api/v1/payment/webhook", data=webhook.body, headers=webhook.headers)
        assert sent.status_code == 204
    run_pending_jobs()
    assert balance_of(admin, client.user_id) == 7000


def test_without_an_amount_the_rest_is_refunded(admin, client, buy, stripe) -> None:
    payment_id = buy(client)
    refund(admin, payment_id, 300, "first")
    assert refund(admin, payment_id, None, "rest").json["amount_rappen"] == 700
    assert refunds_at(stripe) == [300, 700]
    assert balance_of(admin, client.user_id) == 0
    (payment,) = admin.get(f"{ADMIN}/users/{client.user_id}/payments").json["items"]
    assert (payment["state"], payment["refundable_rappen"]) == ("refunded", 0)


@pytest.mark.parametrize("amount", [701, None])
def test_no_more_is_refunded_than_is_left(admin, client, buy, stripe, logged, amount: int | None) -> None:
    payment_id = buy(client)
    refund(admin, payment_id, 300 if amount else 1000, "first")
    answer = refund(admin, payment_id, amount, "second")
    assert (answer.status_code, answer.json["code"]) == (409, "refund_too_large")
    assert answer.json["refundable_rappen"] == (700 if amount else 0)
    assert len(refunds_at(stripe)) == 1
    assert len(money_rows(logged)) == 2


def test_the_same_key_refunds_once(admin, client, buy, stripe, logged) -> None:
    payment_id = buy(client)
    first, second = refund(admin, payment_id, 300), refund(admin, payment_id, 300)
    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert refunds_at(stripe) == [300]
    assert len(money_rows(logged)) == 2
    for changed in (
        refund(admin, payment_id, 301),
        refund(admin, payment_id),
        refund(admin, payment_id, 300, ticket=1),
    ):
        assert (changed.status_code, changed.json["code"]) == (422, "idempotency_key_reused")
    assert refund(admin, payment_id, 300, key=None).json["code"] == "idempotency_key_missing"


def test_a_repeated_key_finds_its_refund_after_stripe_has_forgotten_the_key(admin, client, buy, stripe) -> None:
    payment_id = buy(client)
    first = refund(admin, payment_id, 300)
    stripe.api.forget_keys()
    assert refund(admin, payment_id, 300).json == first.json
    assert refunds_at(stripe) == [300]


def test_a_request_without_an_outcome_counts_again_when_it_is_repeated_a_day_later(
    admin, client, buy, stripe, age_log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_DAILY_CHF", "10")
    get_settings.cache_clear()
    payment_id, other_id = buy(client), buy(client)
    stripe.set_faults(Fault("server_error", times=2, method="POST", path="/v1/refunds"))
    assert refund(admin, payment_id, 600).status_code == 503
    stripe.set_faults()
    age_log()
    assert refund(admin, other_id, 600, "other").status_code == 201
    assert refund(admin, payment_id, 600).json["code"] == "daily_ceiling_reached"
    age_log()
    assert refund(admin, payment_id, 600).status_code == 201
    assert refund(admin, other_id, 401, "third").json["code"] == "refund_too_large"
    assert refund(admin, other_id, 400, "third").status_code == 201
    assert refunds_at(stripe) == [400, 600, 600]


def test_two_requests_with_one_key_at_the_same_time_refund_once(admin, app, client, buy, stripe) -> None:
    payment_id = buy(client)
    answers: list[int] = []

    def give() -> None:
        mine = app.test_client()
        mine.user_id, mine.token = admin.user_id, admin.token
        answers.append(refund(mine, payment_id, 300).status_code)

    def posted() -> bool:
        return any(each["method"] == "POST" and each["path"] == "/v1/refunds" for each in stripe.requests)

    stripe.set_faults(Fault("hold", method="POST", path="/v1/refunds"))
    thread = threading.Thread(target=give)
    thread.start()
    wait_for("the first request reaches Stripe", posted)
    # Stripe does not have the refund yet, and is asked for it with the same key.
    assert refund(admin, payment_id, 300).status_code == 503
    stripe.release()
    join(thread)
    assert answers == [201]
    assert refunds_at(stripe) == [300]


@pytest.mark.parametrize("do", ["server_error", "rate_limit", "cut", "lose_response"])
def test_after_a_failure_at_stripe_the_same_key_refunds_once(admin, client, buy, stripe, logged, do: str) -> None:
    payment_id = buy(client)
    stripe.set_faults(Fault(do, times=2, method="POST", path="/v1/refunds"))
    answer = refund(admin, payment_id, 300)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert [row.action for row in money_rows(logged)] == ["refund.requested"]
    stripe.set_faults()
    again = refund(admin, payment_id, 300)
    assert again.status_code == 201, again.text
    assert refunds_at(stripe) == [300]
    assert balance_of(admin, client.user_id) == 7000


def test_a_crash_after_the_refund_is_repaired_by_the_same_key(admin, client, buy, stripe, crash_on, logged) -> None:
    payment_id = buy(client)
    crash_on("refunds", times=1)
    assert refund(admin, payment_id, 300).status_code == 500
    assert refunds_at(stripe) == [300]
    assert balance_of(admin, client.user_id) == 10_000
    assert refund(admin, payment_id, 300).status_code == 201
    assert refunds_at(stripe) == [300]
    assert balance_of(admin, client.user_id) == 7000


def test_what_cannot_be_audited_is_not_refunded(admin, client, buy, stripe, crash_on) -> None:
    payment_id = buy(client)
    crash_on("admin_actions", times=1)
    assert refund(admin, payment_id, 300).status_code == 500
    assert refunds_at(stripe) == []


def test_a_refusal_by_stripe_is_recorded_and_does_not_count(admin, client, buy, stripe, logged, monkeypatch) -> None:
    monkeypatch.setenv("ADMIN_DAILY_CHF", "10")
    get_settings.cache_clear()
    payment_id, other_id = buy(client), buy(client)
    # Somebody refunds it in Stripe's dashboard, and the webhook is still on its way.
    intent = next(
        each["stripe_payment_intent_id"]
        for each in admin.get(f"{ADMIN}/users/{client.user_id}/payments").json["items"]
        if each["id"] == payment_id
    )
    stripe.account.refund(intent)
    for _ in range(2):
        answer = refund(admin, payment_id)
        assert (answer.status_code, answer.json["code"]) == (409, "refund_refused")
        assert "charge_already_refunded" in answer.json["detail"]
    requested, refused = money_rows(logged)
    assert (refused.action, refused.data["code"]) == ("refund.refused", "charge_already_refunded")
    assert refused.data["request"] == requested.data["request"]
    assert refund(admin, other_id, 1000, "other").status_code == 201


def test_refunds_and_grants_share_the_ceiling(admin, client, buy, logged, stripe, monkeypatch) -> None:
    monkeypatch.setenv("ADMIN_DAILY_CHF", "10")
    get_settings.cache_clear()
    payment_id = buy(client)
    adjustments = f"{ADMIN}/users/{client.user_id}/credits/adjustments"
    wish = {"amount": 4000, "reason": "fault", "ticket": 1}
    assert admin.post(adjustments, json=wish, headers={"Idempotency-Key": "a"}).status_code == 201
    answer = refund(admin, payment_id, 601)
    assert (answer.status_code, answer.json["code"]) == (409, "daily_ceiling_reached")
    assert answer.json["ceiling_left_rappen"] == 600
    assert refund(admin, payment_id, 600).status_code == 201
    one = {**wish, "amount": 1}
    assert admin.post(adjustments, json=one, headers={"Idempotency-Key": "b"}).json["code"] == "daily_ceiling_reached"
    # The refund that was made can still be repeated.
    assert refund(admin, payment_id, 600).status_code == 201
    assert refunds_at(stripe) == [600]


def test_concurrent_refunds_stay_below_the_ceiling_and_the_payment(
    admin, app, client, buy, stripe, monkeypatch
) -> None:
    monkeypatch.setenv("ADMIN_DAILY_CHF", "10")
    get_settings.cache_clear()
    payments = [buy(client), buy(client)]
    answers: list[int] = []
    start = threading.Barrier(4)

    def give(number: int) -> None:
        mine = app.test_client()
        mine.user_id, mine.token = admin.user_id, admin.token
        start.wait()
        answers.append(refund(mine, payments[number % 2], 600, str(number)).status_code)

    threads = [threading.Thread(target=give, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert sorted(answers) == [201, 409, 409, 409]
    assert refunds_at(stripe) == [600]


def test_nobody_refunds_their_own_payment(admin, buy, stripe, logged) -> None:
    answer = refund(admin, buy(admin))
    assert (answer.status_code, answer.json["code"]) == (409, "own_money")
    assert refunds_at(stripe) == []
    assert money_rows(logged) == []


def test_a_deleted_user_still_gets_their_money_back(admin, client, buy, stripe, run_pending_jobs, logged) -> None:
    payment_id = buy(client)
    assert client.delete("/api/v1/users/me?confirm=erase-everything").status_code == 202
    run_pending_jobs()
    assert refund(admin, payment_id).status_code == 201
    assert refunds_at(stripe) == [1000]
    assert balance_of(admin, client.user_id) == 0


def test_a_refund_of_a_disputed_payment_is_refused(admin, client, buy, stripe, engine: sa.Engine) -> None:
    payment_id = buy(client)
    with engine.connect() as connection:
        intent = connection.execute(sa.text("SELECT stripe_payment_intent_id FROM payments")).scalar_one()
    stripe.account.dispute(intent)
    answer = refund(admin, payment_id)
    assert (answer.status_code, answer.json["code"]) == (409, "refund_refused")
    assert "charge_disputed" in answer.json["detail"]


def test_a_refund_without_billing_is_refused(admin, client, buy, monkeypatch) -> None:
    payment_id = buy(client)
    for name in credits.KEYS:
        monkeypatch.delenv(name)
    get_settings.cache_clear()
    answer = refund(admin, payment_id)
    assert (answer.status_code, answer.json["code"]) == (404, "billing_off")
