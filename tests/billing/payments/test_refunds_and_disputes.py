"""Refunds and disputes: what they take, what they give back, and stale reads (fault 24)."""

import threading
from typing import Any

import pytest

from backend.billing.errors import SpendingFrozen
from backend.billing.ledger.holds import close, reserve
from backend.billing.types import CreditBalance
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.payments.conftest import Json, Shop
from tests.conftest import Client
from tests.patience import join, wait_for
from tests.stand_ins.stripe_server import Fault

PAYMENTS = "/api/v1/billing/payments"


@pytest.fixture
def intent(client: Client, shop: Shop) -> str:
    """A booked purchase of 10,000 credits for CHF 10."""
    session, events = shop.buy(client)
    shop.deliver(*events)
    shop.work()
    assert shop.balance(client.user_id).paid == 10_000
    return shop.intent_of(session)


def id_of(events: list[Json]) -> str:
    return str(events[0]["data"]["object"]["id"])


def settle(shop: Shop, *events: Json) -> None:
    shop.deliver(*events)
    shop.work()


def spend(shop: Shop, client: Client, amount: int) -> None:
    run = new_id()
    assert client.user_id is not None
    with shop.app.app_context(), transaction():
        reserve(client.user_id, run, amount)
        close(run, amount)


def test_two_partial_refunds_and_a_dispute_that_is_won(client: Client, shop: Shop, intent: str) -> None:
    """Fault 24."""
    account = shop.stripe.account
    settle(shop, *account.refund(intent, 300))
    assert shop.balance(client.user_id).paid == 7_000
    settle(shop, *account.refund(intent, 150))
    assert shop.balance(client.user_id).paid == 5_500
    events = account.dispute(intent, 550)
    settle(shop, *events)
    assert shop.balance(client.user_id) == CreditBalance(paid=0, free=0, held=0, is_frozen=True)
    assert client.get(PAYMENTS).json["items"][0]["state"] == "disputed"
    settle(shop, *account.review(id_of(events)))
    assert shop.balance(client.user_id).is_frozen
    settle(shop, *account.win(id_of(events)))
    assert shop.balance(client.user_id) == CreditBalance(paid=5_500, free=0, held=0)
    [payment] = client.get(PAYMENTS).json["items"]
    assert (payment["state"], payment["refunded_rappen"], payment["disputed_rappen"]) == ("partly_refunded", 450, 0)
    kinds = [row.kind for row in shop.rows("SELECT kind FROM credit_entries ORDER BY number")]
    assert kinds == ["granted", "refunded", "refunded", "disputed", "reinstated"]


def test_a_lost_dispute_takes_the_credits_and_ends_the_freeze(client: Client, shop: Shop, intent: str) -> None:
    spend(shop, client, 4_000)
    events = shop.stripe.account.dispute(intent)
    settle(shop, *events)
    assert client.user_id is not None
    with shop.app.app_context(), transaction(), pytest.raises(SpendingFrozen):
        reserve(client.user_id, new_id(), 1)
    settle(shop, *shop.stripe.account.lose(id_of(events)))
    assert shop.balance(client.user_id) == CreditBalance(paid=-4_000, free=0, held=0)
    assert client.get(PAYMENTS).json["items"][0]["state"] == "charged_back"


@pytest.mark.parametrize("end", ["warning_closed", "prevented"])
def test_an_inquiry_freezes_and_takes_nothing(client: Client, shop: Shop, intent: str, end: str) -> None:
    events = shop.stripe.account.dispute(intent, inquiry=True)
    settle(shop, *events)
    assert shop.balance(client.user_id) == CreditBalance(paid=10_000, free=0, held=0, is_frozen=True)
    settle(shop, *shop.stripe.account.review(id_of(events)))
    assert shop.balance(client.user_id).is_frozen
    settle(shop, *shop.stripe.account.close(id_of(events), end))
    assert shop.balance(client.user_id) == CreditBalance(paid=10_000, free=0, held=0)


def test_an_inquiry_may_become_a_dispute(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.dispute(intent, inquiry=True)
    settle(shop, *events)
    settle(shop, *shop.stripe.account.escalate(id_of(events)))
    assert shop.balance(client.user_id) == CreditBalance(paid=0, free=0, held=0, is_frozen=True)


@pytest.mark.parametrize("start", ["pending", "requires_action", "succeeded"])
@pytest.mark.parametrize("end", ["failed", "canceled"])
def test_a_refund_that_fails_is_given_back(client: Client, shop: Shop, intent: str, start: str, end: str) -> None:
    events = shop.stripe.account.refund(intent, 300, status=start)
    settle(shop, *events)
    assert shop.balance(client.user_id).paid == 7_000
    settle(shop, *shop.stripe.account.finish_refund(id_of(events), end))
    assert shop.balance(client.user_id).paid == 10_000
    assert client.get(PAYMENTS).json["items"][0]["state"] == "paid"


def test_a_pending_refund_takes_once(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.refund(intent, 300, status="pending")
    settle(shop, *events)
    settle(shop, *shop.stripe.account.finish_refund(id_of(events), "succeeded"))
    assert shop.balance(client.user_id).paid == 7_000


def test_a_refund_of_spent_credits_makes_the_balance_negative(client: Client, shop: Shop, intent: str) -> None:
    spend(shop, client, 9_000)
    events = shop.stripe.account.refund(intent)
    settle(shop, *events)
    assert shop.balance(client.user_id).available == -9_000
    settle(shop, *shop.stripe.account.finish_refund(id_of(events), "failed"))
    assert shop.balance(client.user_id).available == 1_000


def test_unknown_statuses_are_shown_and_change_nothing(client: Client, shop: Shop, intent: str) -> None:
    refund = shop.stripe.account.refund(intent, 300)
    settle(shop, *refund)
    settle(shop, *shop.stripe.account.finish_refund(id_of(refund), "levitating"))
    assert shop.events()[-1] == ("refund.updated", "unhandled", "unknown_status: levitating")
    dispute = shop.stripe.account.dispute(intent, 100)
    settle(shop, *dispute)
    assert shop.balance(client.user_id) == CreditBalance(paid=6_000, free=0, held=0, is_frozen=True)
    settle(shop, *shop.stripe.account.close(id_of(dispute), "levitating"))
    assert shop.events()[-1] == ("charge.dispute.closed", "unhandled", "unknown_status: levitating")
    assert shop.balance(client.user_id) == CreditBalance(paid=6_000, free=0, held=0, is_frozen=True)


def test_a_refund_in_another_currency_or_too_large_changes_nothing(client: Client, shop: Shop, intent: str) -> None:
    for changes, reason in (({"currency": "eur"}, "mismatch: 300 eur"), ({"amount": 1001}, "mismatch: 1001 chf")):
        events = shop.stripe.account.refund(intent, 300)
        shop.change_at_stripe(id_of(events), changes)
        settle(shop, events[0])
        assert shop.events()[-1] == ("refund.created", "unhandled", reason)
    assert shop.balance(client.user_id).paid == 10_000


def test_a_refund_of_somebody_elses_payment_is_unhandled(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.refund(intent, 300)
    shop.change_at_stripe(id_of(events), {"payment_intent": "pi_elsewhere"})
    settle(shop, events[0])
    assert shop.events()[-1] == ("refund.created", "unhandled", "not_a_purchase")


def test_the_legacy_event_finds_all_refunds_of_the_charge(client: Client, shop: Shop, intent: str) -> None:
    shop.stripe.account.refund(intent, 100)
    shop.stripe.account.refund(intent, 200)
    _, legacy = shop.stripe.account.refund(intent, 300)
    settle(shop, legacy)
    assert shop.balance(client.user_id).paid == 4_000
    [updated] = shop.stripe.account.say("charge.refund.updated", shop.rows("SELECT stripe_id FROM refunds")[0][0])
    settle(shop, updated)
    assert shop.balance(client.user_id).paid == 4_000


def handle_while_read_is_outdated(shop: Shop, path: str, outdated: Json, advance: Any) -> None:
    """Let a worker read the object, then let it advance, be read and booked by another one, then go on."""
    shop.deliver(outdated)
    [row] = shop.rows("SELECT id FROM stripe_events WHERE state = 'queued'")
    asked = len(shop.stripe.requests)
    shop.stripe.set_faults(Fault("hold_response", path=path))
    slow = threading.Thread(target=shop.handle_at_once, args=[[row.id]])
    slow.start()
    wait_for("the first worker reads", lambda: any("status" in each for each in shop.stripe.requests[asked:]))
    settle(shop, *advance())
    shop.stripe.release()
    join(slow)


def test_an_outdated_refund_is_not_taken_again(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.refund(intent, 300)
    handle_while_read_is_outdated(
        shop, "/refunds/", events[0], lambda: shop.stripe.account.finish_refund(id_of(events), "failed")
    )
    assert {outcome for _, outcome, _ in shop.events()} <= {"handled", "ignored"}
    assert shop.balance(client.user_id).paid == 10_000
    assert [row.status for row in shop.rows("SELECT status FROM refunds")] == ["failed"]


@pytest.mark.parametrize("is_booked", [False, True])
def test_an_outdated_dispute_neither_freezes_nor_takes_again(
    client: Client, shop: Shop, intent: str, *, is_booked: bool
) -> None:
    events = shop.stripe.account.dispute(intent)
    if is_booked:
        settle(shop, *events)
        events = shop.stripe.account.review(id_of(events))
    handle_while_read_is_outdated(shop, "/disputes/", events[0], lambda: shop.stripe.account.win(id_of(events)))
    assert shop.balance(client.user_id) == CreditBalance(paid=10_000, free=0, held=0)
    assert [row.status for row in shop.rows("SELECT status FROM disputes")] == ["won"]


def test_a_failed_refund_is_final(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.refund(intent, 300)
    settle(shop, *events, *shop.stripe.account.finish_refund(id_of(events), "failed"))
    shop.change_at_stripe(id_of(events), {"status": "succeeded"})
    settle(shop, *shop.stripe.account.say("refund.updated", id_of(events)))
    assert shop.events()[-1] == ("refund.updated", "unhandled", "revived: failed, then succeeded")
    assert shop.balance(client.user_id).paid == 10_000


def test_many_events_of_one_refund_at_once_take_once(client: Client, shop: Shop, intent: str) -> None:
    events = shop.stripe.account.refund(intent, 300)
    more = [each for _ in range(5) for each in shop.stripe.account.say("refund.updated", id_of(events))]
    shop.deliver(*events, *more)
    shop.handle_at_once([row.id for row in shop.rows("SELECT id FROM stripe_events WHERE state = 'queued'")])
    shop.work()
    assert {outcome for _, outcome, _ in shop.events()} <= {"handled", "ignored"}
    assert shop.balance(client.user_id).paid == 7_000
    assert len(shop.rows("SELECT 1 FROM credit_entries WHERE kind = 'refunded'")) == 1
