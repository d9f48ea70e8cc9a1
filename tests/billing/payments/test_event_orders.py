"""The events of a purchase, two refunds and a dispute, in every order and repeated, give the same balance.

An event can only arrive once its cause has happened. In each order, things happen at Stripe as late as possible: just
before the first event that needs them is delivered. So a worker sees all states in between.
"""

import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.accounts.types import Contact
from backend.billing.models import StripeEvent
from backend.billing.payments.checkout import attach_session, begin_checkout, open_session
from backend.billing.payments.events import read_webhook, settle_event
from backend.billing.types import CreditBalance
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from tests.billing.payments.conftest import SECRET, Shop
from tests.conftest import Client
from tests.stand_ins.stripe_server import sign
from tests.stand_ins.stripe_shapes import DAHLIA, ENDIVE

NAMES = ("completed", "refund 1", "refund 2", "dispute created", "withdrawn", "reinstated")
ENDS_AS = CreditBalance(paid=5_000, free=0, held=0)


class History:
    """What happens at Stripe to one purchase, a thing at a time, and the events that it causes."""

    def __init__(self, shop: Shop, user_id: UUID) -> None:
        self._shop = shop
        with transaction():
            checkout, _ = begin_checkout(user_id, "chf-10", "key")
        session = open_session(checkout, Contact(None, None, None))
        with transaction():
            attach_session(checkout.id, session)
        self._session = session.id
        self._dispute = ""
        self._happening = self._happen()
        self.events: dict[str, Any] = {}

    def _happen(self) -> Iterator[dict[str, Any]]:
        account = self._shop.stripe.account
        yield {"completed": account.pay(self._session)[2]}
        intent = self._shop.intent_of(self._session)
        yield {"refund 1": account.refund(intent, 300)[0]}
        yield {"refund 2": account.refund(intent, 200)[0]}
        [created] = account.dispute(intent, inquiry=True)
        self._dispute = created["data"]["object"]["id"]
        yield {"dispute created": created}
        yield {"withdrawn": account.escalate(self._dispute)[1]}
        yield {"reinstated": account.win(self._dispute)[0]}

    def get(self, name: str) -> Any:
        """Return an event; let things happen until it exists."""
        while name not in self.events:
            self.events.update(next(self._happening))
        return self.events[name]


def read(event: Any, version: str) -> StripeEvent:
    """Read an event from its signed payload, as the webhook does."""
    webhook = sign(event, SECRET, version=version)
    found = read_webhook(webhook.body, webhook.signature)
    assert found.api_version == version
    return StripeEvent(
        event_id=found.id, type=found.type, object_id=found.object_id, payment_intent_id=found.payment_intent
    )


def add_user(shop: Shop) -> UUID:
    user_id = new_id()
    with shop.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO users (id) VALUES (:id)"), {"id": user_id})
    return user_id


@pytest.mark.parametrize("first", NAMES)
def test_every_order_ends_the_same(shop: Shop, first: str) -> None:
    others = [name for name in NAMES if name != first]
    chance = random.Random(first)
    with shop.app.app_context():
        for number, rest in enumerate(permutations(others)):
            order = [first, *rest]
            user_id = add_user(shop)
            history = History(shop, user_id)
            repeated = chance.randrange(len(order))
            for place, name in enumerate(order):
                version = (DAHLIA, ENDIVE)[(number + place) % 2]
                event = read(history.get(name), version)
                assert settle_event(event) is None, order
                if place == repeated:
                    again = chance.choice(order[: place + 1])
                    assert settle_event(read(history.get(again), version)) is None
            assert shop.balance(user_id) == ENDS_AS, order


@pytest.mark.parametrize("version", [DAHLIA, ENDIVE])
def test_late_events_end_the_same(client: Client, shop: Shop, version: str) -> None:
    """Everything has happened at Stripe before the first event arrives. All its events come, each twice, shuffled."""
    session, events = shop.buy(client)
    intent = shop.intent_of(session)
    account = shop.stripe.account
    for amount in (300, 200):
        events += account.refund(intent, amount)
    events += account.dispute(intent)
    events += account.win(events[-1]["data"]["object"]["id"])
    events *= 2
    random.Random(version).shuffle(events)
    shop.deliver(*events, version=version)
    shop.work()
    assert {outcome for _, outcome, _ in shop.events()} == {"handled", "ignored"}
    assert len(shop.events()) == len(events) // 2
    assert shop.balance(client.user_id) == ENDS_AS


def test_both_versions_of_a_payload_say_the_same(client: Client, shop: Shop) -> None:
    session, events = shop.buy(client)
    intent = shop.intent_of(session)
    events += shop.stripe.account.refund(intent, 300)
    refund = events[-2]["data"]["object"]["id"]
    events += shop.stripe.account.finish_refund(refund, "failed")
    events += shop.stripe.account.dispute(intent)
    for event in events:
        facts = []
        for version in (DAHLIA, ENDIVE):
            found = read(event, version)
            facts.append((found.event_id, found.type, found.object_id, found.payment_intent_id))
        assert facts[0] == facts[1]


@pytest.mark.parametrize("first", ["refund", "charge", "dispute"])
def test_a_refund_or_dispute_may_come_before_its_purchase(client: Client, shop: Shop, first: str) -> None:
    """Fault 21."""
    session, events = shop.buy(client)
    intent = shop.intent_of(session)
    refunded = shop.stripe.account.refund(intent, 300)
    disputed = shop.stripe.account.dispute(intent)
    shop.deliver({"refund": refunded[0], "charge": refunded[1], "dispute": disputed[0]}[first])
    shop.work()
    assert len(shop.rows("SELECT 1 FROM payments")) == 1
    shop.deliver(*events, *disputed, *refunded)
    shop.work()
    assert shop.balance(client.user_id) == CreditBalance(paid=-3_000, free=0, held=0, is_frozen=True)
