"""Paying for a package: the checkout, its page at Stripe, and the page afterwards."""

import threading
from typing import Any

import pytest

from backend.billing.types import CreditBalance
from backend.core.ids import new_id
from backend.settings import get_settings
from tests.billing.payments.conftest import CHECKOUTS, Shop
from tests.conftest import Client
from tests.patience import join
from tests.stand_ins.stripe_server import Fault


def post(client: Client, package: Any = "chf-10", key: str | None = "first") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(CHECKOUTS, json={"package": package}, headers=headers)


def read(client: Client, checkout: Any) -> Any:
    response = client.get(f"{CHECKOUTS}/{checkout['id']}")
    assert response.status_code == 200, response.text
    return response.json


def allow_question(shop: Shop) -> None:
    """Let two seconds pass for the questions to Stripe."""
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE checkouts SET asked_at = asked_at - interval '3 seconds'")


def test_a_student_pays_and_the_success_page_has_the_credits(client: Client, shop: Shop) -> None:
    response = post(client)
    made = response.json
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"{CHECKOUTS}/{made['id']}")
    assert (made["state"], made["package"], made["amount_rappen"], made["credits"]) == ("open", "chf-10", 1000, 10_000)
    session = shop.session_of(made)
    at_stripe = shop.stripe.account.get(session)
    assert made["url"] == at_stripe["url"]
    assert (at_stripe["currency"], at_stripe["amount_total"], at_stripe["mode"]) == ("chf", 1000, "payment")
    assert at_stripe["success_url"] == f"{get_settings().frontend_url}/credits/paid?checkout={made['id']}"
    assert at_stripe["cancel_url"] == f"{get_settings().frontend_url}/credits/cancelled?checkout={made['id']}"
    assert at_stripe["client_reference_id"] == str(client.user_id)
    shop.stripe.account.pay(session, "twint")
    paid = read(client, made)
    assert (paid["state"], paid["url"]) == ("paid", None)
    assert shop.balance(client.user_id) == CreditBalance(paid=10_000, free=0, held=0)
    assert read(client, made)["state"] == "paid"
    assert shop.balance(client.user_id).balance == 10_000


def test_the_same_key_gives_the_same_checkout(client: Client, shop: Shop) -> None:
    first, again = post(client), post(client)
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert "Idempotency-Replayed" not in first.headers
    assert len(shop.stripe.requests) == 1
    other = post(client, "chf-5")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert post(client, key="second").json["id"] != first.json["id"]


def test_a_key_belongs_to_its_user(client: Client, other_client: Client, shop: Shop) -> None:
    assert post(client).json["id"] != post(other_client).json["id"]


def test_the_same_key_at_the_same_time_makes_one_session(client: Client, shop: Shop) -> None:
    responses: list[Any] = []
    threads = [threading.Thread(target=lambda: responses.append(post(client))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert {each.status_code for each in responses} <= {201, 503}
    assert post(client).status_code == 201
    assert len(shop.rows("SELECT id FROM checkouts")) == 1
    assert len(shop.stripe.account.objects("checkout.session", livemode=False)) == 1


def test_a_key_is_required(client: Client, shop: Shop) -> None:
    response = post(client, key=None)
    assert (response.status_code, response.json["code"]) == (400, "idempotency_key_missing")
    assert (post(client, key="x" * 256).status_code, shop.stripe.requests) == (400, [])


def test_an_unknown_package_is_refused_with_the_known_ones(client: Client, shop: Shop) -> None:
    response = post(client, "chf-7")
    assert (response.status_code, response.json["code"]) == (422, "unknown_package")
    assert "chf-5, chf-10, chf-25, chf-50" in response.json["detail"]
    assert response.json["errors"][0]["field"] == "package"
    assert shop.rows("SELECT 1 FROM checkouts") == []


def test_ten_checkouts_may_be_open(client: Client, other_client: Client, shop: Shop) -> None:
    for number in range(10):
        last = shop.start(client, key=f"key {number}")
    response = post(client)
    assert (response.status_code, response.json["code"]) == (409, "too_many_open_checkouts")
    assert post(other_client).status_code == 201
    shop.stripe.account.pay(shop.session_of(last))
    read(client, last)
    assert post(client).status_code == 201


@pytest.mark.parametrize("do", ["cut", "server_error", "rate_limit", "lose_response"])
def test_a_checkout_survives_that_stripe_is_unreachable(client: Client, shop: Shop, do: str) -> None:
    shop.stripe.set_faults(Fault(do, times=9))
    response = post(client)
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    shop.stripe.set_faults()
    made = post(client)
    assert (made.status_code, made.json["state"]) == (201, "open")
    assert made.json["url"]
    assert len(shop.stripe.account.objects("checkout.session", livemode=False)) == 1


def test_a_user_may_change_their_language_before_they_try_again(client: Client, shop: Shop) -> None:
    shop.stripe.set_faults(Fault("lose_response", times=9))
    assert post(client).status_code == 503
    shop.stripe.set_faults()
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET language = 'it'")
    made = post(client)
    assert (made.status_code, made.json["state"]) == (201, "open")
    session = shop.session_of(made.json)
    assert shop.stripe.account.get(session)["locale"] == "it"
    shop.stripe.account.pay(session)
    assert read(client, made.json)["state"] == "paid"


def test_a_wrong_key_of_ours_is_not_the_users_fault(client: Client, shop: Shop) -> None:
    shop.stripe.api.keys.clear()
    response = post(client)
    assert (response.status_code, response.json["code"]) == (503, "payments_misconfigured")


def test_an_address_that_stripe_rejects_is_left_out(client: Client, shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET email = 'anna@localhost', email_verified = true")
    made = shop.start(client)
    assert shop.stripe.account.get(shop.session_of(made))["customer_email"] is None


def test_a_checkout_belongs_to_its_user(client: Client, other_client: Client, shop: Shop) -> None:
    made = shop.start(client)
    assert other_client.get(f"{CHECKOUTS}/{made['id']}").status_code == 404
    assert client.get(f"{CHECKOUTS}/{new_id()}").status_code == 404
    assert client.get(f"{CHECKOUTS}/{made['id']}").status_code == 200


def test_stripe_is_asked_at_most_every_two_seconds(client: Client, shop: Shop) -> None:
    made = shop.start(client)
    asked = len(shop.stripe.requests)
    for _ in range(5):
        assert read(client, made)["state"] == "open"
    assert len(shop.stripe.requests) == asked + 1
    allow_question(shop)
    read(client, made)
    assert len(shop.stripe.requests) == asked + 2


def test_the_success_page_does_without_stripe(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    [checkout] = shop.rows("SELECT id FROM checkouts")
    shop.stripe.set_faults(Fault("server_error", times=9))
    assert read(client, {"id": checkout.id})["state"] == "open"
    shop.stripe.set_faults()
    allow_question(shop)
    assert read(client, {"id": checkout.id})["state"] == "paid"
    assert session


def test_an_expired_checkout_is_shown_as_such(client: Client, shop: Shop) -> None:
    made = shop.start(client)
    shop.stripe.account.expire(shop.session_of(made))
    assert read(client, made)["state"] == "expired"
    assert shop.balance(client.user_id).balance == 0


def test_a_delayed_payment_is_waited_for(client: Client, shop: Shop) -> None:
    made = shop.start(client)
    session = shop.session_of(made)
    shop.stripe.account.pay_later(session)
    assert read(client, made)["state"] == "open"
    assert shop.balance(client.user_id).balance == 0
    shop.stripe.account.confirm_payment(session)
    allow_question(shop)
    assert read(client, made)["state"] == "paid"
    assert shop.balance(client.user_id).balance == 10_000


def test_a_delayed_payment_may_fail(client: Client, shop: Shop) -> None:
    made = shop.start(client)
    session = shop.session_of(made)
    shop.stripe.account.pay_later(session)
    shop.stripe.account.fail_payment(session)
    assert read(client, made)["state"] == "failed"
    assert shop.balance(client.user_id).balance == 0


def test_automatic_tax_is_included_in_the_price(client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_TAX", "automatic")
    get_settings.cache_clear()
    made = shop.start(client, "chf-50")
    shop.stripe.account.pay(shop.session_of(made))
    assert read(client, made)["state"] == "paid"
    [payment] = client.get("/api/v1/billing/payments").json["items"]
    assert (payment["amount_rappen"], payment["tax_rappen"]) == (5000, 375)
    assert shop.balance(client.user_id).balance == 50_000


def test_payments_are_listed_with_their_state(client: Client, other_client: Client, shop: Shop) -> None:
    for number, method in enumerate(["card", "twint", "paypal"]):
        session, events = shop.buy(client, "chf-5", method, key=f"key {number}")
        shop.deliver(*events)
        shop.work()
    first = client.get("/api/v1/billing/payments?limit=2").json
    rest = client.get(f"/api/v1/billing/payments?limit=2&cursor={first['next_cursor']}").json
    items = [*first["items"], *rest["items"]]
    assert [each["method"] for each in items] == ["paypal", "twint", "card"]
    assert (rest["next_cursor"], {each["state"] for each in items}) == (None, {"paid"})
    assert items[0]["receipt_url"].startswith("https://pay.stripe.com/receipts/")
    intent = shop.intent_of(session)
    for amount, state in ((200, "partly_refunded"), (300, "refunded")):
        shop.deliver(*shop.stripe.account.refund(intent, amount))
        shop.work()
        newest = client.get("/api/v1/billing/payments").json["items"][0]
        assert newest["state"] == state
    assert newest["refunded_rappen"] == 500
    assert other_client.get("/api/v1/billing/payments").json["items"] == []


def test_without_keys_there_are_no_payments(client: Client) -> None:
    assert (post(client).status_code, post(client).json["code"]) == (404, "billing_off")
    assert client.post("/api/v1/payment/webhook", data=b"{}").status_code == 404
    assert client.get("/api/v1/billing/payments").json["items"] == []
