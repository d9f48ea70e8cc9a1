"""Stripe's objects are read whatever an API version leaves out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from backend.billing.stripe_objects import (
    Unreadable,
    read_checkout,
    read_dispute,
    read_event,
    read_refund,
)
from tests.stand_ins.stripe_account import StripeAccount
from tests.stand_ins.stripe_shapes import DAHLIA, ENDIVE, render

Json = dict[str, Any]
LINE = {"price_data": {"currency": "chf", "unit_amount": 1000, "product_data": {"name": "Credits"}}, "quantity": 1}
READERS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "checkout.session": read_checkout,
    "refund": read_refund,
    "dispute": read_dispute,
    "event": read_event,
}
# Without these an object means nothing to us.
NEEDED = {
    "checkout.session": {"id", "livemode", "created"},
    "refund": {"id", "amount", "currency", "created"},
    "dispute": {"id", "status", "amount", "currency", "livemode", "created"},
    "event": {"id", "object", "type", "data", "livemode", "created"},
}


def make_objects() -> dict[str, Json]:
    """Return one object of each kind, with its payment expanded."""
    account = StripeAccount()
    checkout = account.open_checkout({"mode": "payment", "line_items": [LINE]}, livemode=False)
    events = account.pay(checkout["id"])
    intent = account.get(checkout["id"])["payment_intent"]
    refund = account.refund(intent, 100)[0]["data"]["object"]
    dispute = account.get(account.dispute(intent)[0]["data"]["object"]["id"])
    paid = account.get(checkout["id"])
    paid["payment_intent"] = account.get(intent)
    paid["payment_intent"]["latest_charge"] = account.get(paid["payment_intent"]["latest_charge"])
    return {"checkout.session": paid, "refund": refund, "dispute": dispute, "event": events[0]}


def thinned(found: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield the object without each of its keys, at any depth, and with null in its place."""
    for key, value in found.items():
        yield (key,), {name: each for name, each in found.items() if name != key}
        yield (key,), {**found, key: None}
        if isinstance(value, dict):
            for path, thin in thinned(value):
                yield (key, *path), {**found, key: thin}


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
@pytest.mark.parametrize("kind", READERS)
def test_only_what_we_need_may_not_be_missing(kind: str, version: str) -> None:
    found = render(make_objects()[kind], version)
    READERS[kind](found)
    for path, thin in thinned(found):
        needed = (
            path[0] in NEEDED[kind] if len(path) == 1 else path in (("data", "object"), ("data", "object", "object"))
        )
        if needed:
            with pytest.raises(Unreadable):
                READERS[kind](thin)
        else:
            READERS[kind](thin)


def test_a_dispute_settled_in_another_currency_is_not_summed_up() -> None:
    found = render(make_objects()["dispute"], ENDIVE)
    booked = [{"amount": -1000, "currency": "eur", "fee": 0}]
    with pytest.raises(Unreadable):
        READERS["dispute"]({**found, "balance_transactions": booked})


def test_both_majors_read_the_same() -> None:
    found = make_objects()
    for kind, read in READERS.items():
        assert read(render(found[kind], DAHLIA)) == read(render(found[kind], ENDIVE))
    assert render(found["dispute"], DAHLIA) != render(found["dispute"], ENDIVE)
