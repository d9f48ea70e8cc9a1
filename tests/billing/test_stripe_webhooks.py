"""Webhooks are read only if Stripe signed them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from backend.billing.stripe_gateway import InvalidSignature, UnreadableEvent, verify_event
from tests.stand_ins.stripe_account import StripeAccount
from tests.stand_ins.stripe_server import sign
from tests.stand_ins.stripe_shapes import DAHLIA, ENDIVE

SECRET, NEW_SECRET = "whsec_old", "whsec_new"
CHECKOUT: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {
            "price_data": {"currency": "chf", "unit_amount": 1000, "product_data": {"name": "Credits"}},
            "quantity": 1,
        }
    ],
    "client_reference_id": "user-1",
}


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
def test_a_webhook_of_either_major_is_read(version: str) -> None:
    account = StripeAccount()
    checkout = account.open_checkout(CHECKOUT, livemode=False)
    account.pay(checkout["id"])
    intent = account.get(checkout["id"])["payment_intent"]
    account.refund(intent, 100)
    account.dispute(intent)
    events = account.events
    assert {each["data"]["object"]["object"] for each in events} == {
        "charge",
        "checkout.session",
        "dispute",
        "payment_intent",
        "refund",
    }
    for event in events:
        webhook = sign(event, SECRET, version=version)
        received = verify_event(webhook.body, webhook.signature, [SECRET])
        about = event["data"]["object"]
        assert (received.id, received.type, received.livemode) == (event["id"], event["type"], False)
        assert (received.object_type, received.object_id) == (about["object"], about["id"])
        assert (received.api_version, received.payment_intent) == (version, intent)
        assert received.created == datetime.fromtimestamp(event["created"], UTC)


def an_event() -> dict[str, Any]:
    account = StripeAccount()
    return account.expire(account.open_checkout(CHECKOUT, livemode=False)["id"])[0]


def test_one_of_several_secrets_is_enough() -> None:
    event = an_event()
    for signed_with in ([SECRET], [NEW_SECRET], [SECRET, NEW_SECRET]):
        webhook = sign(event, *signed_with)
        assert verify_event(webhook.body, webhook.signature, [SECRET, NEW_SECRET]).id == event["id"]
    webhook = sign(event, SECRET, NEW_SECRET)
    assert verify_event(webhook.body, webhook.signature, [NEW_SECRET]).id == event["id"]


def test_a_wrong_signature_is_refused() -> None:
    webhook = sign(an_event(), SECRET)
    old = sign(an_event(), SECRET, at=int(datetime.now(UTC).timestamp()) - 301)
    tampered = webhook.body.replace(b"user-1", b"user-2")
    assert tampered != webhook.body
    wrong: list[tuple[bytes, str | None, list[str]]] = [
        (webhook.body, webhook.signature, [NEW_SECRET]),
        (webhook.body, webhook.signature, []),
        (webhook.body, webhook.signature, ["", "  "]),
        (tampered, webhook.signature, [SECRET]),
        (old.body, old.signature, [SECRET]),
        (webhook.body, None, [SECRET]),
        (webhook.body, "", [SECRET]),
        (webhook.body, "t=soon,v1=00", [SECRET]),
        (webhook.body, webhook.signature.replace("v1=", "v0="), [SECRET]),
        (webhook.body, webhook.signature.split(",")[0] + ",v1=ü", [SECRET]),
        (b"\xff" + webhook.body, webhook.signature, [SECRET]),
    ]
    for raw, header, secrets in wrong:
        with pytest.raises(InvalidSignature):
            verify_event(raw, header, secrets)


def signed(content: Any) -> tuple[bytes, str]:
    """Sign any JSON, as nobody but Stripe can."""
    body = content if isinstance(content, str) else json.dumps(content)
    return body.encode(), stripe.WebhookSignature.generate_signature_header(body, SECRET)


THIN = {"id": "evt_1", "object": "v2.core.event", "type": "v1.charge.succeeded", "created": "2026-11-01T00:00:00Z"}
LEAN = {"id": "evt_1", "object": "event", "type": "new.kind", "created": 1, "livemode": True}


@pytest.mark.parametrize(
    "content",
    ["no JSON", [], 7, THIN, LEAN, {**LEAN, "data": {"object": {}}}]
    + [
        {**LEAN, "data": {"object": {"object": "x"}}, key: value}
        for key, value in (("created", 10**30), ("livemode", 1))
    ],
)
def test_signed_content_that_is_no_snapshot_event_is_unreadable(content: Any) -> None:
    with pytest.raises(UnreadableEvent):
        verify_event(*signed(content), [SECRET])


def test_deeply_nested_content_is_unreadable() -> None:
    with pytest.raises(UnreadableEvent):
        verify_event(*signed("[" * 200_000), [SECRET])


def test_an_event_may_lack_what_only_some_versions_have() -> None:
    received = verify_event(*signed({**LEAN, "data": {"object": {"object": "balance"}}}), [SECRET])
    assert (received.object_type, received.object_id, received.payment_intent) == ("balance", None, None)
    assert (received.api_version, received.livemode) == (None, True)
    expanded = {"object": "charge", "id": "ch_1", "payment_intent": {"id": "pi_1"}}
    assert verify_event(*signed({**LEAN, "data": {"object": expanded}}), [SECRET]).payment_intent == "pi_1"
