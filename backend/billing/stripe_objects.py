"""What we read of Stripe's objects.

They come as plain dictionaries. A field that one API version lacks reads as None, and a status is any text, so that
neither a new version of the API nor a new status can crash a caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]


class Unreadable(Exception):
    """An object lacks a field that we cannot do without."""


@dataclass(frozen=True)
class CheckoutAtStripe:
    """A session that was just created."""

    id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class StripeCheckout:
    """The present state of a session and of its payment. Amounts are in rappen.

    ``intent_status`` tells a delayed payment that is on its way from one that has failed.
    """

    id: str
    status: str | None
    payment_status: str | None
    mode: str | None
    amount_total: int | None
    amount_tax: int
    currency: str | None
    livemode: bool
    client_reference_id: str | None
    metadata: Mapping[str, str]
    created: datetime
    payment_intent: str | None
    intent_status: str | None
    charge: str | None
    charged_at: datetime | None
    receipt_url: str | None
    method: str | None
    payer_name: str | None
    payer_email: str | None
    payer_country: str | None


@dataclass(frozen=True)
class StripeRefund:
    id: str
    status: str | None
    amount: int
    currency: str
    payment_intent: str | None
    charge: str | None
    reason: str | None
    metadata: Mapping[str, str]
    created: datetime


@dataclass(frozen=True)
class StripeDispute:
    """``net`` is the sum of its balance transactions without fees: negative while the bank holds the funds.

    ``fees`` is what Stripe charged us for it.
    """

    id: str
    status: str
    amount: int
    currency: str
    net: int
    fees: int
    payment_intent: str | None
    charge: str | None
    reason: str | None
    livemode: bool
    created: datetime


@dataclass(frozen=True)
class ReceivedEvent:
    """What an event is about. The object itself is always read from Stripe."""

    id: str
    type: str
    api_version: str | None
    livemode: bool
    object_type: str
    object_id: str | None
    payment_intent: str | None
    created: datetime


def read_new_checkout(found: Json) -> CheckoutAtStripe:
    return CheckoutAtStripe(_text(found, "id"), _text(found, "url"), _time(found, "expires_at"))


def read_checkout(found: Json) -> StripeCheckout:
    intent = _part(found, "payment_intent")
    charge = _part(intent, "latest_charge")
    payer = _part(found, "customer_details")
    return StripeCheckout(
        id=_text(found, "id"),
        status=found.get("status"),
        payment_status=found.get("payment_status"),
        mode=found.get("mode"),
        amount_total=found.get("amount_total"),
        amount_tax=_part(found, "total_details").get("amount_tax") or 0,
        currency=found.get("currency"),
        livemode=_flag(found, "livemode"),
        client_reference_id=found.get("client_reference_id"),
        metadata=_part(found, "metadata"),
        created=_time(found, "created"),
        payment_intent=_id(found, "payment_intent"),
        intent_status=intent.get("status"),
        charge=_id(intent, "latest_charge"),
        charged_at=_time(charge, "created") if charge.get("created") is not None else None,
        receipt_url=charge.get("receipt_url"),
        method=_part(charge, "payment_method_details").get("type"),
        payer_name=payer.get("name"),
        payer_email=payer.get("email"),
        payer_country=_part(payer, "address").get("country"),
    )


def read_refund(found: Json) -> StripeRefund:
    return StripeRefund(
        id=_text(found, "id"),
        status=found.get("status"),
        amount=_number(found, "amount"),
        currency=_text(found, "currency"),
        payment_intent=_id(found, "payment_intent"),
        charge=_id(found, "charge"),
        reason=found.get("reason"),
        metadata=_part(found, "metadata"),
        created=_time(found, "created"),
    )


def read_dispute(found: Json) -> StripeDispute:
    booked = [each for each in found.get("balance_transactions") or [] if isinstance(each, dict)]
    if any(each.get("currency", found.get("currency")) != found.get("currency") for each in booked):
        # An account that settles in another currency: the sum would be no rappen.
        raise Unreadable("balance_transactions.currency")
    return StripeDispute(
        id=_text(found, "id"),
        status=_text(found, "status"),
        amount=_number(found, "amount"),
        currency=_text(found, "currency"),
        net=sum(_number(each, "amount") for each in booked),
        fees=sum(each.get("fee") or 0 for each in booked),
        payment_intent=_id(found, "payment_intent"),
        charge=_id(found, "charge"),
        reason=found.get("reason"),
        livemode=_flag(found, "livemode"),
        created=_time(found, "created"),
    )


def read_event(found: Json) -> ReceivedEvent:
    if found.get("object") != "event":
        raise Unreadable("object")
    about = _part(_part(found, "data"), "object")
    object_type = _text(about, "object")
    object_id = _id({"object": about}, "object")
    return ReceivedEvent(
        id=_text(found, "id"),
        type=_text(found, "type"),
        api_version=found.get("api_version"),
        livemode=_flag(found, "livemode"),
        object_type=object_type,
        object_id=object_id,
        payment_intent=object_id if object_type == "payment_intent" else _id(about, "payment_intent"),
        created=_time(found, "created"),
    )


def _part(found: Json, key: str) -> dict[str, Any]:
    """Return an object inside another, or an empty one if it is absent, null or not expanded."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _id(found: Json, key: str) -> str | None:
    """Return the id of an object, expanded or not."""
    value = found.get(key)
    value = value.get("id") if isinstance(value, dict) else value
    return value if isinstance(value, str) else None


def _text(found: Json, key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(key)
    return value


def _number(found: Json, key: str) -> int:
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(key)
    return value


def _flag(found: Json, key: str) -> bool:
    value = found.get(key)
    if not isinstance(value, bool):
        raise Unreadable(key)
    return value


def _time(found: Json, key: str) -> datetime:
    return datetime.fromtimestamp(_number(found, key), UTC)
