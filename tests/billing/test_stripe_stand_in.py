"""The stand-in for Stripe behaves like Stripe towards the real SDK."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.patience import HANG_S, join, wait_for
from tests.stand_ins.stripe_api import LIVE_KEY, TEST_KEY
from tests.stand_ins.stripe_objects import inclusive_vat
from tests.stand_ins.stripe_server import Fault, StripeStandIn
from tests.stand_ins.stripe_shapes import DAHLIA, ENDIVE, problems

LINE: dict[str, Any] = {
    "price_data": {"currency": "chf", "unit_amount": 1000, "product_data": {"name": "Credits"}},
    "quantity": 1,
}


@pytest.fixture
def stand_in() -> Iterator[StripeStandIn]:
    with StripeStandIn() as server:
        yield server


def client_of(
    stand_in: StripeStandIn, *, key: str = TEST_KEY, version: str = ENDIVE, retries: int = 0
) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=version,
        base_addresses={"api": stand_in.url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=HANG_S),
    )


def create(client: stripe.StripeClient, key: str | None = None, **changes: Any) -> stripe.checkout.Session:
    params = {"mode": "payment", "line_items": [LINE], "success_url": "https://example.org/paid", **changes}
    return client.v1.checkout.sessions.create(params, {"idempotency_key": key} if key else {})


def check(found: stripe.StripeObject, version: str) -> None:
    plain = found.to_dict(for_json=True)
    assert problems(plain["object"], plain, version) == []


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
@pytest.mark.parametrize("method", ["card", "twint", "paypal"])
def test_every_object_has_exactly_stripes_keys_and_types(stand_in: StripeStandIn, version: str, method: str) -> None:
    client = client_of(stand_in, version=version)
    check(create(client, automatic_tax={"enabled": False}), version)
    checkout = create(client)
    stand_in.account.pay(checkout.id, method)
    paid = client.v1.checkout.sessions.retrieve(checkout.id)
    check(paid, version)
    intent = client.v1.payment_intents.retrieve(paid.payment_intent)
    check(intent, version)
    check(client.v1.charges.retrieve(intent.latest_charge), version)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    check(refund, version)
    check(client.v1.refunds.retrieve(refund.id), version)
    made = stand_in.account.dispute(intent.id, inquiry=True)
    stand_in.account.escalate(made[0]["data"]["object"]["id"])
    dispute = client.v1.disputes.retrieve(made[0]["data"]["object"]["id"])
    check(dispute, version)
    for booked in [*dispute.balance_transactions, *client.v1.balance_transactions.list().data]:
        check(booked, version)
    for line in client.v1.checkout.sessions.line_items.list(checkout.id).data:
        check(line, version)
    events = client.v1.events.list({"limit": 100}).data
    assert {each.type for each in events} >= {"checkout.session.completed", "refund.created", "charge.dispute.updated"}
    for event in events:
        check(event, version)
        check(event.data.object, event.api_version)


def test_endive_has_more_keys_than_dahlia(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in, version=ENDIVE)
    checkout = create(client)
    stand_in.account.pay(checkout.id)
    charge = client.v1.charges.list().data[0]
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 1})
    assert refund.payment_method == charge.payment_method
    assert client_of(stand_in, version=DAHLIA).v1.refunds.retrieve(refund.id).payment_method is None
    added = ("reference", "reference_status", "reference_type")
    assert sorted(problems("refund", refund.to_dict(), DAHLIA)) == [
        f"refund/destination_details/card has an unknown {key}" for key in added
    ]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"ui_mode": "hosted"}, "ui_mode", None),
        ({"ui_mode": "embedded"}, "ui_mode", None),
        ({"ui_mode": "custom"}, "ui_mode", None),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"line_items": [{**LINE, "colour": "red"}]}, "line_items[0][colour]", "parameter_unknown"),
        ({"mode": None}, "mode", "parameter_missing"),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price_data]", "parameter_missing"),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"expires_at": 1}, "expires_at", None),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
        ({"automatic_tax": {"enabled": True}}, "line_items[0][price_data][tax_behavior]", None),
    ],
)
def test_wrong_parameters_are_refused(
    stand_in: StripeStandIn, changes: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(client_of(stand_in), **changes)
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)


@pytest.mark.parametrize("ui_mode", ["hosted_page", "embedded_page", "elements"])
def test_the_three_modes_of_the_page_are_accepted(stand_in: StripeStandIn, ui_mode: str) -> None:
    made = create(client_of(stand_in), ui_mode=ui_mode)
    assert (made.ui_mode, made.url is not None) == (ui_mode, ui_mode == "hosted_page")


def test_keys_decide_the_mode_and_do_not_see_each_others_objects(stand_in: StripeStandIn) -> None:
    test, live = client_of(stand_in), client_of(stand_in, key=LIVE_KEY)
    made = create(live)
    assert (made.livemode, create(test).livemode) == (True, False)
    with pytest.raises(stripe.InvalidRequestError, match="a similar object exists in live mode") as missing:
        test.v1.checkout.sessions.retrieve(made.id)
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert [each.id for each in live.v1.checkout.sessions.list().data] == [made.id]
    with pytest.raises(stripe.AuthenticationError):
        create(client_of(stand_in, key="sk_test_of_nobody"))


def test_an_idempotency_key_replays_its_response_and_refuses_other_parameters(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    first, again = create(client, "key"), create(client, "key")
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        create(client, "key", success_url="https://example.org/other")
    with pytest.raises(stripe.InvalidRequestError):
        create(client, "other", colour="red")
    assert create(client, "other").id != first.id


def test_the_same_key_at_the_same_time_conflicts(stand_in: StripeStandIn) -> None:
    stand_in.set_faults(Fault("hold"))
    made: list[stripe.checkout.Session] = []
    slow = threading.Thread(target=lambda: made.append(create(client_of(stand_in), "key")))
    slow.start()
    wait_for("the first request", lambda: stand_in.requests)
    with pytest.raises(stripe.APIError) as conflict:
        create(client_of(stand_in), "key")
    stand_in.release()
    join(slow)
    assert conflict.value.http_status == 409
    assert create(client_of(stand_in), "key").id == made[0].id


def test_lists_have_pages_and_filters(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    made = [create(client).id for _ in range(5)]
    page = client.v1.checkout.sessions.list({"limit": 2})
    assert ([each.id for each in page.data], page.has_more) == ([made[4], made[3]], True)
    assert [each.id for each in page.auto_paging_iter()] == made[::-1]
    stand_in.account.ahead_s = 1000
    late = create(client)
    since = {"created": {"gte": late.created}}
    assert [each.id for each in client.v1.checkout.sessions.list(since).data] == [late.id]
    stand_in.account.expire(made[0])
    assert [each.id for each in client.v1.checkout.sessions.list({"status": "expired"}).data] == [made[0]]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.list({"limit": 101})


def test_events_are_filtered_by_type_and_delivery(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    events = stand_in.account.pay(create(client).id)
    assert [each["type"] for each in events] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]
    stand_in.account.mark_delivered(events[0]["id"])
    undelivered = client.v1.events.list({"delivery_success": False}).data
    assert [each.id for each in undelivered] == [each["id"] for each in events[:0:-1]]
    assert [each.type for each in client.v1.events.list({"type": "charge.*"}).data] == [
        "charge.updated",
        "charge.succeeded",
    ]
    assert len(client.v1.events.list({"types": ["charge.updated", "charge.succeeded"]}).data) == 2
    assert client.v1.events.retrieve(events[2]["id"]).data.object.payment_status == "paid"


def test_ids_can_be_expanded(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    checkout = create(client)
    stand_in.account.pay(checkout.id, "twint")
    found = client.v1.checkout.sessions.retrieve(
        checkout.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    assert found.payment_intent.latest_charge.payment_method_details.type == "twint"
    assert found.line_items.data[0].description == "Credits"
    listed = client.v1.checkout.sessions.list(
        {"payment_intent": found.payment_intent.id, "expand": ["data.payment_intent.latest_charge"]}
    )
    assert listed.data[0].payment_intent.latest_charge.id == found.payment_intent.latest_charge.id
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(checkout.id, {"expand": ["colour"]})


def test_a_session_expires_once(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    checkout = create(client)
    assert client.v1.checkout.sessions.expire(checkout.id).status == "expired"
    assert [each["type"] for each in stand_in.account.events] == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(checkout.id)


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_delayed_payment_completes_unpaid(stand_in: StripeStandIn, succeeds: bool) -> None:
    client = client_of(stand_in)
    checkout = create(client)
    events = stand_in.account.pay_later(checkout.id)
    found = client.v1.checkout.sessions.retrieve(checkout.id)
    assert ([each["type"] for each in events], found.status, found.payment_status) == (
        ["checkout.session.completed"],
        "complete",
        "unpaid",
    )
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": found.payment_intent})
    later = stand_in.account.confirm_payment if succeeds else stand_in.account.fail_payment
    kinds = {each["type"] for each in later(checkout.id)}
    end = client.v1.checkout.sessions.retrieve(checkout.id)
    if succeeds:
        assert ("checkout.session.async_payment_succeeded" in kinds, end.payment_status) == (True, "paid")
    else:
        assert (kinds, end.payment_status) == ({"checkout.session.async_payment_failed"}, "unpaid")


def test_refunds_add_up_and_a_failed_one_is_undone(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    checkout = create(client)
    stand_in.account.pay(checkout.id)
    charge = client.v1.charges.list().data[0]
    stand_in.account.refunds_start_as = "pending"
    first = client.v1.refunds.create({"charge": charge.id, "amount": 300, "reason": "duplicate"})
    second = client.v1.refunds.create({"payment_intent": charge.payment_intent, "metadata": {"ticket": "7"}})
    assert (first.status, first.reason, second.amount, second.metadata.ticket) == ("pending", "duplicate", 700, "7")
    assert client.v1.charges.retrieve(charge.id).refunded
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    failed = stand_in.account.finish_refund(first.id, "failed")
    assert [each["type"] for each in failed] == ["refund.updated", "refund.failed"]
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 700
    stand_in.account.finish_refund(second.id, "teleported")
    assert client.v1.refunds.retrieve(second.id).status == "teleported"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"charge": charge.id, "amount": 301})
    assert [each.id for each in client.v1.refunds.list({"charge": charge.id}).data] == [second.id, first.id]


def test_a_dispute_withdraws_and_reinstates_funds(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    stand_in.account.pay(create(client).id)
    charge = client.v1.charges.list().data[0]
    opened = stand_in.account.dispute(charge.id)
    dispute_id = opened[0]["data"]["object"]["id"]
    kinds = [each["type"] for each in opened]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id})
    assert refused.value.code == "charge_disputed"
    kinds += [each["type"] for each in stand_in.account.review(dispute_id) + stand_in.account.win(dispute_id)]
    assert kinds == [
        f"charge.dispute.{verb}" for verb in ("created", "funds_withdrawn", "updated", "funds_reinstated", "closed")
    ]
    dispute = client.v1.disputes.list({"charge": charge.id}).data[0]
    assert (dispute.status, [each.amount for each in dispute.balance_transactions]) == ("won", [-1000, 1000])
    assert len(client.v1.balance_transactions.list({"source": dispute_id}).data) == 2


def test_an_inquiry_withdraws_nothing_until_it_escalates(stand_in: StripeStandIn) -> None:
    stand_in.account.pay(create(client_of(stand_in)).id)
    charge = client_of(stand_in).v1.charges.list().data[0]
    opened = stand_in.account.dispute(charge.id, 400, inquiry=True)
    dispute_id = opened[0]["data"]["object"]["id"]
    stand_in.account.review(dispute_id)
    before = client_of(stand_in).v1.disputes.retrieve(dispute_id)
    assert (len(opened), before.status, before.balance_transactions) == (1, "warning_under_review", [])
    stand_in.account.escalate(dispute_id)
    stand_in.account.lose(dispute_id)
    after = client_of(stand_in).v1.disputes.retrieve(dispute_id)
    assert (after.status, [each.amount for each in after.balance_transactions]) == ("lost", [-400])


@pytest.mark.parametrize(("amount", "tax"), [(500, 37), (1000, 75), (2500, 187), (5000, 375)])
def test_vat_is_included_in_the_price(stand_in: StripeStandIn, amount: int, tax: int) -> None:
    client = client_of(stand_in)
    line = {"price_data": {**LINE["price_data"], "unit_amount": amount, "tax_behavior": "inclusive"}, "quantity": 1}

    def tax_of(country: str) -> tuple[int, int]:
        checkout = create(client, line_items=[line], automatic_tax={"enabled": True})
        stand_in.account.pay(checkout.id, country=country)
        found = client.v1.checkout.sessions.retrieve(checkout.id)
        return found.amount_total, found.total_details.amount_tax

    assert (tax_of("CH"), tax_of("DE")) == ((amount, tax), (amount, 0))
    stand_in.account.vat_registered = False
    assert tax_of("CH") == (amount, 0)
    assert inclusive_vat(1081) == 81


def test_vat_is_added_to_an_exclusive_price(stand_in: StripeStandIn) -> None:
    client = client_of(stand_in)
    line = {"price_data": {**LINE["price_data"], "tax_behavior": "exclusive"}, "quantity": 1}
    checkout = create(client, line_items=[line], automatic_tax={"enabled": True})
    stand_in.account.pay(checkout.id)
    found = client.v1.checkout.sessions.retrieve(checkout.id)
    assert (found.amount_subtotal, found.total_details.amount_tax, found.amount_total) == (1000, 81, 1081)


def test_requests_are_recorded_with_their_version_and_without_keys(stand_in: StripeStandIn) -> None:
    create(client_of(stand_in, version=DAHLIA), "key")
    (request,) = stand_in.requests
    assert (request["method"], request["path"], request["version"], request["idempotency_key"]) == (
        "POST",
        "/v1/checkout/sessions",
        DAHLIA,
        "key",
    )
    assert TEST_KEY not in str(request)


def test_another_process_can_control_it_over_http(stand_in: StripeStandIn) -> None:
    def post(path: str, body: Any) -> Any:
        request = urllib.request.Request(f"{stand_in.url}/__{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=HANG_S) as response:
            return json.load(response)

    checkout = create(client_of(stand_in))
    events = post("account/pay", {"checkout_id": checkout.id, "method": "twint"})["events"]
    assert stand_in.account.get(checkout.id)["payment_status"] == "paid"
    signed = post("sign", {"event": events[0]["id"], "secrets": ["whsec_1", "whsec_2"], "version": DAHLIA})
    for secret in ("whsec_1", "whsec_2"):
        received = stripe.Webhook.construct_event(signed["body"], signed["headers"]["Stripe-Signature"], secret)
        assert (received.id, received.api_version) == (events[0]["id"], DAHLIA)
    post("faults", [{"do": "rate_limit"}])
    with pytest.raises(stripe.RateLimitError):
        create(client_of(stand_in))
    with pytest.raises(urllib.error.HTTPError):
        post("account/vanish", {})
