"""The gateway to Stripe, over HTTP to a Stripe on loopback."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask

from backend.billing.stripe_gateway import (
    API_VERSION,
    StripeGateway,
    StripeRefused,
    StripeUnavailable,
)
from backend.billing.stripe_objects import CheckoutAtStripe, StripeCheckout
from backend.core.database.transaction import TransactionOpen, transaction
from tests.patience import HANG_S, join, patient_s, promised, wait_for
from tests.stand_ins.stripe_api import LIVE_KEY, TEST_KEY
from tests.stand_ins.stripe_server import Fault, StripeStandIn

EMAIL = "anna.secret@example.org"


@pytest.fixture
def stand_in() -> Iterator[StripeStandIn]:
    with StripeStandIn() as server:
        yield server


@pytest.fixture
def gateway(stand_in: StripeStandIn) -> StripeGateway:
    return StripeGateway(TEST_KEY, base_url=stand_in.url, timeout_s=HANG_S)


def buy(gateway: StripeGateway, key: str = "attempt-1", **changes: Any) -> CheckoutAtStripe:
    wanted = {
        "package_name": "10,000 credits",
        "amount": 1000,
        "client_reference_id": "user-1",
        "metadata": {"checkout_id": "c-1", "user_id": "user-1"},
        "customer_email": EMAIL,
        "locale": "de",
        "success_url": "https://example.org/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://example.org/prices",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "automatic_tax": False,
        "idempotency_key": key,
        **changes,
    }
    return gateway.create_checkout(**wanted)


def pay(
    stand_in: StripeStandIn, gateway: StripeGateway, method: str = "twint", key: str = "attempt-1"
) -> StripeCheckout:
    made = buy(gateway, key)
    stand_in.account.pay(made.id, method)
    return gateway.read_checkout(made.id)


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


def test_a_checkout_is_created_in_francs_with_our_version(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    made = buy(gateway, expires_at=expires_at)
    stored = stand_in.account.get(made.id)
    assert (made.url, made.expires_at) == (stored["url"], expires_at)
    assert (stored["currency"], stored["amount_total"], stored["ui_mode"]) == ("chf", 1000, "hosted_page")
    assert (stored["adaptive_pricing"], stored["locale"]) == ({"enabled": False}, "de")
    assert (stored["client_reference_id"], stored["customer_email"]) == ("user-1", EMAIL)
    assert stored["payment_method_types"] == ["card", "twint", "paypal"]
    (request,) = stand_in.requests
    assert (request["version"], request["idempotency_key"]) == (API_VERSION, "attempt-1")
    assert "payment_method_types" not in request["form"]


@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_a_paid_checkout_is_read_with_its_payment(stand_in: StripeStandIn, gateway: StripeGateway, method: str) -> None:
    made = buy(gateway)
    before = gateway.read_checkout(made.id)
    assert (before.status, before.payment_status, before.payment_intent, before.charge) == (
        "open",
        "unpaid",
        None,
        None,
    )
    stand_in.account.pay(made.id, method, name="Anna Muster", email=EMAIL, country="CH")
    paid = gateway.read_checkout(made.id)
    assert (paid.status, paid.payment_status, paid.mode, paid.livemode) == ("complete", "paid", "payment", False)
    assert (paid.amount_total, paid.amount_tax, paid.currency) == (1000, 0, "chf")
    assert (paid.client_reference_id, paid.metadata) == ("user-1", {"checkout_id": "c-1", "user_id": "user-1"})
    assert (paid.payer_name, paid.payer_email, paid.payer_country) == ("Anna Muster", EMAIL, "CH")
    assert paid.method == method
    assert paid.payment_intent is not None
    assert paid.charge is not None
    charge = stand_in.account.get(paid.charge)
    assert (charge["payment_intent"], charge["receipt_url"]) == (paid.payment_intent, paid.receipt_url)
    assert stand_in.account.get(paid.payment_intent)["metadata"] == paid.metadata
    assert gateway.find_checkouts(payment_intent=paid.payment_intent) == (paid,)


def test_tax_is_included_in_the_price(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    made = buy(gateway, automatic_tax=True)
    stand_in.account.pay(made.id)
    paid = gateway.read_checkout(made.id)
    assert (paid.amount_total, paid.amount_tax) == (1000, 75)


def test_a_live_key_makes_live_checkouts(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    live = StripeGateway(LIVE_KEY, base_url=stand_in.url)
    made = buy(live)
    assert live.read_checkout(made.id).livemode
    with pytest.raises(StripeRefused) as refused:
        gateway.read_checkout(made.id)
    assert refused.value.code == "resource_missing"


def test_the_same_key_gives_the_same_checkout(gateway: StripeGateway) -> None:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    assert buy(gateway, expires_at=expires_at) == buy(gateway, expires_at=expires_at)
    with pytest.raises(StripeRefused) as refused:
        buy(gateway, expires_at=expires_at, amount=2500)
    assert refused.value.code == "idempotency_error"


@pytest.mark.parametrize("fault", ["lose_response", "cut", "server_error"])
def test_a_request_is_repeated_with_the_same_key(stand_in: StripeStandIn, gateway: StripeGateway, fault: str) -> None:
    stand_in.set_faults(Fault(fault))
    made = buy(gateway)
    assert [each["idempotency_key"] for each in stand_in.requests] == ["attempt-1", "attempt-1"]
    assert [each.id for each in gateway.list_checkouts(long_ago())] == [made.id]


def test_a_lost_response_is_replayed_to_a_later_attempt(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    stand_in.set_faults(Fault("lose_response", times=2))
    with pytest.raises(StripeUnavailable):
        buy(gateway, expires_at=expires_at)
    made = buy(gateway, expires_at=expires_at)
    assert [each.id for each in gateway.list_checkouts(long_ago())] == [made.id]


@pytest.mark.parametrize("fault", ["cut", "server_error", "lose_response"])
def test_an_unavailable_stripe_is_tried_twice(stand_in: StripeStandIn, gateway: StripeGateway, fault: str) -> None:
    stand_in.set_faults(Fault(fault, times=100))
    with pytest.raises(StripeUnavailable) as unavailable:
        buy(gateway)
    assert len(stand_in.requests) == 2
    assert unavailable.value.retry_after_s is None


def test_a_slow_stripe_times_out(stand_in: StripeStandIn) -> None:
    hasty = StripeGateway(TEST_KEY, base_url=stand_in.url, timeout_s=patient_s(0.2))
    stand_in.set_faults(Fault("hold", times=100))
    with promised("giving up on Stripe", 5.0), pytest.raises(StripeUnavailable):
        hasty.read_checkout("cs_test_1")
    assert len(stand_in.requests) == 2


def test_a_stripe_that_does_not_listen_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(StripeUnavailable):
        StripeGateway(TEST_KEY, base_url=f"http://127.0.0.1:{port}").read_refund("re_1")


def test_a_key_that_is_still_in_use_is_a_reason_to_retry(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    stand_in.set_faults(Fault("hold"))
    made: list[CheckoutAtStripe] = []
    first = threading.Thread(target=lambda: made.append(buy(gateway, expires_at=expires_at)))
    first.start()
    wait_for("the first request", lambda: stand_in.requests)
    with pytest.raises(StripeUnavailable):
        buy(gateway, expires_at=expires_at)
    stand_in.release()
    join(first)
    assert buy(gateway, expires_at=expires_at) == made[0]


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), (None, None), ("soon", None)])
def test_a_rate_limit_says_when_to_retry(
    stand_in: StripeStandIn, gateway: StripeGateway, header: str | None, seconds: float | None
) -> None:
    stand_in.set_faults(Fault("rate_limit", retry_after=header))
    with pytest.raises(StripeUnavailable) as limited:
        buy(gateway)
    assert limited.value.retry_after_s == seconds
    assert len(stand_in.requests) == 1


def test_errors_name_no_key_and_no_address(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    stranger = StripeGateway("sk_test_of_nobody_1234", base_url=stand_in.url)
    with pytest.raises(StripeRefused) as unauthorized:
        buy(stranger)
    with pytest.raises(StripeRefused) as refused:
        buy(gateway, customer_email="anna.secret")
    assert (unauthorized.value.code, refused.value.code) == ("authentication_failed", "email_invalid")
    assert "customer_email" in refused.value.message
    for error in (unauthorized.value, refused.value):
        told = f"{error!s} {error!r} {error.args}"
        assert "1234" not in told
        assert "anna" not in told
        assert error.__suppress_context__


def test_refunds_are_created_once_and_followed(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    paid = pay(stand_in, gateway)
    stand_in.account.refunds_start_as = "pending"

    def refund() -> Any:
        return gateway.create_refund(
            payment_intent=paid.payment_intent or "",
            amount=300,
            reason="requested_by_customer",
            metadata={"ticket": "7"},
            idempotency_key="refund-1",
        )

    made = refund()
    assert refund() == made
    assert (made.status, made.amount, made.currency, made.reason) == ("pending", 300, "chf", "requested_by_customer")
    assert (made.payment_intent, made.charge, made.metadata) == (paid.payment_intent, paid.charge, {"ticket": "7"})
    for status in ("succeeded", "failed", "teleported"):
        stand_in.account.finish_refund(made.id, status)
        assert gateway.read_refund(made.id).status == status
    with pytest.raises(StripeRefused) as refused:
        gateway.create_refund(
            payment_intent=paid.payment_intent or "", amount=1001, reason=None, metadata={}, idempotency_key="refund-2"
        )
    assert refused.value.code == "amount_too_large"


def test_refunds_and_disputes_are_listed_by_payment_and_time(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    first, second = (pay(stand_in, gateway, key=key) for key in ("attempt-1", "attempt-2"))
    for paid in (first, second):
        stand_in.account.refund(paid.payment_intent or "", 100)
        stand_in.account.dispute(paid.payment_intent or "", 200)
    stand_in.account.ahead_s = 1000
    later = datetime.now(UTC) + timedelta(seconds=900)
    stand_in.account.refund(second.payment_intent or "", 50)
    assert [each.amount for each in gateway.list_refunds(payment_intent=second.payment_intent)] == [50, 100]
    assert [each.amount for each in gateway.list_refunds(since=later)] == [50]
    assert len(gateway.list_refunds(since=long_ago())) == 3
    assert [each.payment_intent for each in gateway.list_disputes(since=long_ago())] == [
        second.payment_intent,
        first.payment_intent,
    ]
    assert len(gateway.list_disputes(payment_intent=first.payment_intent)) == 1
    assert gateway.list_disputes(since=later) == ()


def test_a_dispute_tells_what_the_bank_holds(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    paid = pay(stand_in, gateway, "card")
    opened = stand_in.account.dispute(paid.payment_intent or "", inquiry=True)
    dispute_id = opened[0]["data"]["object"]["id"]

    def state() -> tuple[str, int, int]:
        dispute = gateway.read_dispute(dispute_id)
        assert (dispute.payment_intent, dispute.charge, dispute.amount) == (paid.payment_intent, paid.charge, 1000)
        return dispute.status, dispute.net, dispute.fees

    assert state() == ("warning_needs_response", 0, 0)
    stand_in.account.escalate(dispute_id)
    assert state() == ("needs_response", -1000, 2000)
    stand_in.account.review(dispute_id)
    assert state() == ("under_review", -1000, 2000)
    stand_in.account.win(dispute_id)
    assert state() == ("won", 0, 2000)
    stand_in.account.close(dispute_id, "teleported")
    assert state() == ("teleported", 0, 2000)


def test_lists_go_on_beyond_a_page(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    made = [buy(gateway, f"attempt-{number}").id for number in range(120)]
    assert [each.id for each in gateway.list_checkouts(long_ago())] == made[::-1]
    stand_in.account.pay(made[0])
    intent = gateway.read_checkout(made[0]).payment_intent or ""
    for _ in range(101):
        stand_in.account.refund(intent, 1)
    assert len(gateway.list_refunds(payment_intent=intent)) == 101
    assert len(gateway.list_undelivered_events(long_ago())) == 206


def test_undelivered_events_are_listed(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    made = buy(gateway)
    events = stand_in.account.pay(made.id)
    stand_in.account.mark_delivered(*(each["id"] for each in events[:-2]))
    found = gateway.list_undelivered_events(long_ago())
    assert [(each.type, each.object_type) for each in found] == [
        ("charge.updated", "charge"),
        ("checkout.session.completed", "checkout.session"),
    ]
    assert found[1].object_id == made.id


def test_no_call_is_made_in_a_transaction(app: APIFlask, stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    now = long_ago()
    calls: list[Callable[[], object]] = [
        lambda: buy(gateway),
        lambda: gateway.read_checkout("cs_1"),
        lambda: gateway.find_checkouts(payment_intent="pi_1"),
        lambda: gateway.list_checkouts(now),
        lambda: gateway.create_refund(payment_intent="pi_1", amount=1, reason=None, metadata={}, idempotency_key="key"),
        lambda: gateway.read_refund("re_1"),
        lambda: gateway.list_refunds(since=now),
        lambda: gateway.read_dispute("du_1"),
        lambda: gateway.list_disputes(since=now),
        lambda: gateway.list_undelivered_events(now),
    ]
    with app.app_context(), transaction():
        for call in calls:
            with pytest.raises(TransactionOpen):
                call()
    assert stand_in.requests == []


def test_threads_share_a_gateway(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    made: list[CheckoutAtStripe] = []
    buyers = [
        threading.Thread(target=lambda key=f"attempt-{number}": made.append(buy(gateway, key))) for number in range(8)
    ]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        join(buyer)
    assert len({each.id for each in made}) == 8


def test_a_forked_process_opens_its_own_connection(stand_in: StripeStandIn, gateway: StripeGateway) -> None:
    checkout_id = buy(gateway).id
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if gateway.read_checkout(checkout_id).id == checkout_id else 2
        finally:
            os._exit(code)
    _, status = wait_for("the child", lambda: (ended := os.waitpid(child, os.WNOHANG))[0] and ended)
    assert os.waitstatus_to_exitcode(status) == 0
    assert gateway.read_checkout(checkout_id).id == checkout_id
    ports = [each["client_port"] for each in stand_in.requests]
    assert ports[0] == ports[2] != ports[1]
