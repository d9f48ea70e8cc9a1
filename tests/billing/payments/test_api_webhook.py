"""Stripe's webhook: verified first, stored once, handled by the worker (faults 19, 20, 22, 23 and 36)."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from backend.app import create_app
from backend.billing.models import Payment, StripeEvent
from backend.billing.payments.fulfilment import settle_checkout
from backend.billing.types import CreditBalance
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work.jobs import claim
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from backend.settings import SettingsRefused, get_settings
from tests.billing.payments.conftest import SECRET, WEBHOOK, Shop
from tests.blocked import wait_for_blocked
from tests.conftest import Client
from tests.patience import join
from tests.stand_ins.stripe_server import Fault, Webhook, sign
from tests.stand_ins.stripe_shapes import DAHLIA, ENDIVE

BOUGHT = CreditBalance(paid=10_000, free=0, held=0)


def completed(events: Any) -> Any:
    return next(each for each in events if each["type"] == "checkout.session.completed")


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
def test_a_purchase_is_granted_by_the_webhook(client: Client, shop: Shop, version: str) -> None:
    session, events = shop.buy(client, method="twint")
    shop.deliver(*events, version=version)
    assert shop.balance(client.user_id).balance == 0
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT
    assert shop.events() == [
        ("charge.succeeded", "ignored", None),
        ("payment_intent.succeeded", "ignored", None),
        ("checkout.session.completed", "handled", None),
        ("charge.updated", "ignored", None),
    ]
    [payment] = shop.rows("SELECT * FROM payments")
    assert payment.stripe_session_id == session
    assert payment.stripe_payment_intent_id == shop.intent_of(session)
    assert (payment.method, payment.payer_name, payment.payer_country) == ("twint", "Anna Muster", "CH")
    assert (payment.amount_rappen, payment.credits, payment.is_live) == (1000, 10_000, False)


def test_ten_webhooks_at_once_grant_once(client: Client, shop: Shop) -> None:
    """Fault 19."""
    _, events = shop.buy(client)
    webhook = sign(completed(events), SECRET)
    statuses: list[int] = []
    everybody = threading.Barrier(10)

    def send() -> None:
        everybody.wait()
        statuses.append(shop.send(webhook).status_code)

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        join(thread)
    assert statuses == [204] * 10
    shop.work()
    assert shop.events() == [("checkout.session.completed", "handled", None)]
    assert shop.balance(client.user_id) == BOUGHT


def test_ten_different_events_of_a_purchase_at_once_grant_once(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    more = [each for _ in range(9) for each in shop.stripe.account.say("checkout.session.completed", session)]
    shop.deliver(completed(events), *more)
    rows = [row.id for row in shop.rows("SELECT id FROM stripe_events")]
    shop.handle_at_once(rows)
    shop.work()
    assert {outcome for _, outcome, _ in shop.events()} == {"handled"}
    assert shop.balance(client.user_id) == BOUGHT


@pytest.mark.parametrize("column", ["stripe_session_id", "stripe_payment_intent_id"])
def test_the_database_refuses_a_second_payment_for_a_session(client: Client, shop: Shop, column: str) -> None:
    _, events = shop.buy(client)
    shop.deliver(*events)
    shop.work()
    others = {"id", "stripe_session_id", "stripe_payment_intent_id"} - {column}
    copied = [each.name for each in Payment.__table__.columns if each.name not in others]
    new = ", ".join(others)
    values = ", ".join("gen_random_uuid()" for _ in others)
    statement = f"INSERT INTO payments ({new}, {', '.join(copied)}) SELECT {values}, {', '.join(copied)} FROM payments"
    with shop.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError, match=f"uq_payments_{column}"):
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("webhook_comes", ["before", "after", "twice"])
def test_the_webhook_and_the_success_page_grant_once(client: Client, shop: Shop, webhook_comes: str) -> None:
    """Fault 20; reconciliation has the case in which it never comes."""
    _, events = shop.buy(client)
    [checkout] = shop.rows("SELECT id FROM checkouts")
    page = f"/api/v1/billing/checkout-sessions/{checkout.id}"
    if webhook_comes != "after":
        shop.deliver(*events)
        shop.work()
    assert client.get(page).json["state"] == "paid"
    if webhook_comes != "before":
        shop.deliver(*events)
        shop.work()
    assert shop.balance(client.user_id) == BOUGHT


def test_an_unsigned_webhook_is_refused_and_nothing_is_stored(client: Client, shop: Shop) -> None:
    """Fault 22, first half."""
    _, events = shop.buy(client)
    good = sign(completed(events), SECRET)
    too_old = sign(completed(events), SECRET, at=int(now().timestamp()) - 301)
    changed = Webhook(good.body.replace(b"1000", b"9000"), good.headers)
    spaced = Webhook(good.body + b" ", good.headers)
    forged = [
        sign(completed(events), "whsec_somebody_else_01234"),
        too_old,
        changed,
        spaced,
        Webhook(good.body, {"Content-Type": "application/json"}),
        Webhook(good.body, {**good.headers, "Stripe-Signature": "t=1,v1="}),
        Webhook(b"", good.headers),
        Webhook(b"\xff\xfe", good.headers),
    ]
    for webhook in forged:
        response = shop.send(webhook)
        assert (response.status_code, response.json["code"]) == (400, "invalid_signature")
    assert shop.rows("SELECT 1 FROM stripe_events") == []
    assert shop.send(good).status_code == 204


def test_a_large_or_endless_body_is_refused(shop: Shop) -> None:
    """Fault 22, second half."""
    client = shop.app.test_client()
    assert client.post(WEBHOOK, data=b"x" * 1_000_000).status_code == 413
    assert client.post(WEBHOOK, data=b"x" * (256 * 1024)).status_code == 400
    chunked = {"Transfer-Encoding": "chunked"}
    response = client.post(WEBHOOK, headers=chunked, environ_overrides={"wsgi.input_terminated": True})
    assert response.status_code == 411
    assert shop.rows("SELECT 1 FROM stripe_events") == []


def test_a_large_event_is_accepted(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    event = completed(events)
    event["data"]["object"]["metadata"]["note"] = "x" * 200_000
    shop.deliver(event)
    assert len(shop.events()) == 1


def test_a_signed_webhook_does_not_count_for_its_address(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    signed = shop.send(sign(completed(events), SECRET))
    assert "RateLimit" not in signed.headers
    forged = shop.send(sign(completed(events), "whsec_somebody_else_01234"))
    assert "write-address" in forged.headers["RateLimit"]


def test_both_secrets_are_valid_while_one_is_rolled(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, events = shop.buy(client)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", f"whsec_new_0123456789,{SECRET}")
    get_settings.cache_clear()
    one, other, both = events[0], events[1], events[2]
    assert shop.send(sign(one, SECRET)).status_code == 204
    assert shop.send(sign(other, "whsec_new_0123456789")).status_code == 204
    assert shop.send(sign(both, "whsec_elsewhere_01234", SECRET)).status_code == 204


def test_a_thin_event_is_refused_loudly(shop: Shop) -> None:
    event = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.billing.meter"}
    response = shop.send_json(event)
    assert (response.status_code, response.json["code"]) == (400, "unreadable_event")


def test_an_unknown_type_is_stored_and_changes_nothing(client: Client, shop: Shop) -> None:
    session, _ = shop.buy(client)
    shop.deliver(*shop.stripe.account.say("checkout.session.levitated", session))
    shop.work()
    assert shop.events() == [("checkout.session.levitated", "unhandled", "unknown_type")]
    assert shop.balance(client.user_id).balance == 0


def test_an_event_of_the_other_mode_changes_nothing(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    event = completed(events)
    event["livemode"] = True
    shop.deliver(event)
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", "wrong_mode")]
    assert shop.balance(client.user_id).balance == 0


def test_an_event_without_its_object_at_stripe_is_unhandled(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    event = completed(events)
    event["data"]["object"]["id"] = "cs_test_gone"
    shop.deliver(event)
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", "missing_at_stripe")]


@pytest.mark.parametrize(
    ("wrong", "changes"),
    [
        ("amount", {"amount_total": 100}),
        ("currency", {"currency": "eur"}),
        ("mode", {"mode": "subscription"}),
        ("user", {"client_reference_id": "somebody else"}),
        ("user", {"metadata": {"user_id": "018f0000-0000-7000-8000-000000000000"}}),
        ("package", {"metadata": {"package": "chf-50"}}),
        ("checkout", {"metadata": {"checkout_id": "018f0000-0000-7000-8000-000000000000"}}),
    ],
)
def test_a_payment_that_does_not_match_is_refused(
    client: Client, shop: Shop, wrong: str, changes: dict[str, Any]
) -> None:
    session, events = shop.buy(client)
    shop.change_at_stripe(session, changes)
    shop.deliver(completed(events))
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", f"mismatch: {wrong}")]
    assert shop.balance(client.user_id).balance == 0
    assert shop.rows("SELECT 1 FROM payments") == []
    assert [row.state for row in shop.rows("SELECT state FROM checkouts")] == ["refused"]


def test_a_live_payment_is_refused_with_a_test_key(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.change_at_stripe(session, {"livemode": True})
    shop.deliver(completed(events))
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", "mismatch: livemode")]
    assert shop.balance(client.user_id).balance == 0


def test_credits_come_from_the_price_list(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.change_at_stripe(session, {"metadata": {"credits": "1000000"}})
    shop.deliver(completed(events))
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT


def test_an_unknown_status_changes_nothing(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.change_at_stripe(session, {"payment_status": "levitating"})
    shop.deliver(completed(events))
    shop.work()
    [(_, outcome, reason)] = shop.events()
    assert (outcome, reason) == ("unhandled", "unknown_status: complete, levitating")
    assert shop.balance(client.user_id).balance == 0


def test_a_session_of_another_shop_is_unhandled(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    shop.change_at_stripe(session, {"metadata": {"checkout_id": "", "user_id": ""}})
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM checkouts")
    shop.deliver(completed(events))
    shop.work()
    assert shop.events() == [("checkout.session.completed", "unhandled", "not_ours")]


def test_a_lost_checkout_is_rebuilt_from_the_session(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM checkouts")
    shop.deliver(*events)
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT
    [checkout] = shop.rows("SELECT * FROM checkouts")
    assert (checkout.state, checkout.stripe_session_id, checkout.user_id) == ("paid", session, client.user_id)


def test_stripes_failure_is_retried_and_then_shown(client: Client, shop: Shop) -> None:
    _, events = shop.buy(client)
    shop.stripe.set_faults(Fault("server_error", times=2))
    shop.deliver(completed(events))
    shop.work()
    assert shop.events() == [("checkout.session.completed", "handled", None)]
    _, events = shop.buy(client, key="second")
    shop.stripe.set_faults(Fault("server_error", times=99))
    shop.deliver(completed(events))
    shop.work()
    assert shop.events()[-1] == ("checkout.session.completed", "unhandled", "stripe_unavailable")
    assert shop.balance(client.user_id) == BOUGHT


def test_a_crash_between_the_event_and_its_effect(client: Client, shop: Shop, crash_on: Any) -> None:
    """Fault 23."""
    _, events = shop.buy(client)
    shop.deliver(completed(events))
    crash_on("payments", times=1)
    shop.work()
    assert shop.events() == [("checkout.session.completed", "handled", None)]
    assert shop.balance(client.user_id) == BOUGHT


def test_an_event_of_a_dead_worker_is_taken_back(client: Client, shop: Shop) -> None:
    """Fault 23: the worker was killed after it had claimed the event."""
    _, events = shop.buy(client)
    shop.deliver(completed(events))
    [row] = shop.rows("SELECT id FROM stripe_events")
    with shop.app.app_context():
        with transaction():
            claim(StripeEvent, row.id)
            db.session.execute(sa.update(StripeEvent).values(lease_until=sa.func.now()))
        swept = sweep()
    assert swept is not None
    assert swept.taken_back == 1
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT


def test_a_locked_account_is_no_failure_of_the_event(client: Client, shop: Shop) -> None:
    """Fault 17: somebody holds the account for longer than a statement waits."""
    _, events = shop.buy(client)
    shop.deliver(completed(events))
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("SELECT user_id FROM credit_accounts FOR UPDATE")
        [row] = shop.rows("SELECT id FROM stripe_events")
        with shop.app.app_context():
            queue.tasks[StripeEvent.task].run(str(row.id))
    [row] = shop.rows("SELECT state, failures FROM stripe_events")
    assert (row.state, row.failures) == ("queued", 0)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE stripe_events SET available_at = now()")
    shop.work()
    assert shop.balance(client.user_id) == BOUGHT


def test_a_payment_of_a_deleted_account_is_booked_without_the_payer(client: Client, shop: Shop) -> None:
    """Fault 36, the webhook's half."""
    user_id = client.user_id
    _, events = shop.buy(client)
    assert client.delete("/api/v1/users/me?confirm=erase-everything").status_code in (202, 204)
    shop.deliver(*events)
    shop.work()
    assert shop.events()[2] == ("checkout.session.completed", "handled", None)
    assert shop.balance(user_id) == BOUGHT
    [payment] = shop.rows("SELECT * FROM payments")
    assert (payment.payer_name, payment.payer_email, payment.payer_country, payment.receipt_url) == (None,) * 4
    [user] = shop.rows("SELECT email, name, erased_at FROM users")
    assert (user.email, user.name) == (None, None)
    assert user.erased_at is not None


def test_a_booking_waits_for_a_leaving_user_before_it_locks_their_credits(client: Client, shop: Shop) -> None:
    """Leaving locks the user, and then the credit account to release what runs have reserved."""
    _, events = shop.buy(client)
    shop.deliver(*events)
    with shop.engine.begin() as leaving:
        leaving.exec_driver_sql("SELECT 1 FROM users FOR UPDATE")
        booking = threading.Thread(target=shop.work)
        booking.start()
        wait_for_blocked(shop.engine)
        leaving.exec_driver_sql("SELECT 1 FROM credit_accounts FOR NO KEY UPDATE NOWAIT")
    join(booking)
    assert shop.balance(client.user_id) == BOUGHT


@pytest.mark.parametrize("missing", ["STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_the_api_refuses_to_start_without_a_key(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    get_settings.cache_clear()
    with pytest.raises(SettingsRefused, match=f"{missing} is missing: STRIPE_API_KEY turns billing on"):
        create_app(get_settings())
    # Other processes do not need it.
    _, events = shop.buy(client)
    with shop.app.app_context():
        assert settle_checkout(events[2]["data"]["object"]["id"]) is None
