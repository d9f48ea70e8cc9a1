"""Credits over HTTP: balance, paid and free, held, frozen, and lots in spending order."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from backend.billing.ledger.holds import reserve
from backend.billing.ledger.lots import book_taken, grant
from backend.billing.models import Dispute, Payment
from backend.billing.types import EntryKind, LotSource
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id

URL = "/api/v1/billing/credits"


def test_a_user_without_credits_has_none(client):
    assert client.get(URL).json == {
        "billing_is_on": False,
        "balance": 0,
        "paid": 0,
        "free": 0,
        "held": 0,
        "available": 0,
        "is_frozen": False,
        "freeze": None,
        "lots": [],
    }


def test_paid_and_free_held_and_available_add_up(app, client, billing, grant_credits):
    grant_credits(client, 5000)
    grant_credits(client, 500, "sign_up")
    with app.app_context(), transaction():
        reserve(client.user_id, new_id(), 600)
    found = client.get(URL).json
    assert found["billing_is_on"] is True
    assert {name: found[name] for name in ("balance", "paid", "free", "held", "available", "is_frozen")} == {
        "balance": 5500,
        "paid": 5000,
        "free": 500,
        "held": 600,
        "available": 4900,
        "is_frozen": False,
    }
    assert [(lot["source"], lot["is_paid"], lot["granted"], lot["left"], lot["held"]) for lot in found["lots"]] == [
        ("sign_up", False, 500, 500, 500),
        ("purchase", True, 5000, 5000, 100),
    ]


def test_lots_are_listed_in_the_order_in_which_they_are_spent(app, client, billing, grant_credits):
    first = grant_credits(client, 1000)
    second = grant_credits(client, 2000)
    free = grant_credits(client, 300, "goodwill")
    grant_credits(client, 200, "sign_up")
    with app.app_context(), transaction():
        run = new_id()
        reserve(client.user_id, run, 450)
    listed = client.get(URL).json["lots"]
    assert listed[0]["id"] == str(free)
    assert [lot["id"] for lot in listed][2:] == [str(first), str(second)]
    assert [lot["held"] for lot in listed] == [300, 150, 0, 0]


def test_spent_and_expired_lots_are_not_listed(app, client, billing, grant_credits):
    with app.app_context(), transaction():
        grant(client.user_id, LotSource.GOODWILL, 70, "old", expires_at=now() + timedelta(milliseconds=1))
        grant(client.user_id, LotSource.GOODWILL, 40, "new", expires_at=now() + timedelta(days=30))
    with app.app_context(), transaction():
        db.session.execute(sa.text("SELECT pg_sleep(0.01)"))
    found = client.get(URL).json
    assert [(lot["granted"], lot["left"]) for lot in found["lots"]] == [(40, 40)]
    assert found["lots"][0]["expires_at"] is not None
    assert found["balance"] == 40


def test_what_is_held_of_an_expired_lot_is_still_listed(app, client, billing):
    with app.app_context(), transaction():
        grant(client.user_id, LotSource.GOODWILL, 70, "old", expires_at=now() + timedelta(seconds=1))
        reserve(client.user_id, new_id(), 30)
        db.session.execute(sa.text("SELECT pg_sleep(1.1)"))
    found = client.get(URL).json
    assert [(lot["left"], lot["held"]) for lot in found["lots"]] == [(30, 30)]
    assert (found["balance"], found["held"], found["available"]) == (30, 30, 0)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "disputed"), ("de", "bestritten"), ("fr", "contesté"), ("it", "contestato")]
)
def test_an_open_dispute_freezes_spending(app, client, billing, grant_credits, language, words):
    grant_credits(client, 1000)
    with app.app_context(), transaction():
        payment_id = db.session.scalars(sa.select(Payment.id)).one()
        db.session.add(
            Dispute(
                user_id=client.user_id,
                payment_id=payment_id,
                stripe_id="dp_1",
                amount_rappen=100,
                withdrawn_rappen=0,
                status="needs_response",
                is_open=True,
            )
        )
    found = client.get(URL, headers={"Accept-Language": language}).json
    assert found["is_frozen"] is True
    assert found["freeze"]["code"] == "dispute_open"
    assert words in found["freeze"]["detail"]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "negative"), ("de", "negativ"), ("fr", "négatif"), ("it", "negativo")]
)
def test_a_negative_balance_freezes_spending(app, client, billing, grant_credits, language, words):
    lot = grant_credits(client, 1000)
    with app.app_context(), transaction():
        book_taken(client.user_id, lot, "re_1", EntryKind.REFUNDED, 1200)
    found = client.get(URL, headers={"Accept-Language": language}).json
    assert (found["balance"], found["paid"], found["available"], found["lots"]) == (-200, -200, -200, [])
    assert found["is_frozen"] is True
    assert found["freeze"]["code"] == "negative_balance"
    assert words in found["freeze"]["detail"]


def test_credits_of_another_user_are_not_shown(client, other_client, billing, grant_credits):
    grant_credits(client, 1000)
    assert other_client.get(URL).json["balance"] == 0
    assert other_client.get(URL).json["lots"] == []


def test_credits_need_a_signed_in_user(anonymous):
    assert anonymous.get(URL).status_code == 401
