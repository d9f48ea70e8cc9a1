"""Billing in tests: turned on for a while, and credits for a user without a payment at Stripe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.lots import grant
from backend.billing.models import Payment
from backend.billing.prices.price_list import use_price_list
from backend.billing.types import LotSource
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.settings import get_settings

KEYS = {
    "STRIPE_API_KEY": "sk_test_0123456789abcdefghij",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789abcdefghij",
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdefghij",
}

GrantCredits = Callable[..., UUID]


@contextmanager
def billing_on(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Iterator[None]:
    """Turn billing on. ``changes`` are further environment variables. Needs the ``settings`` fixture."""
    for name, value in {**KEYS, **changes}.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield
    # Undone together with what the test has changed since. Otherwise its changes would be undone last, and bring back
    # the values that it found.
    monkeypatch.undo()
    get_settings.cache_clear()


@contextmanager
def billing_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn billing off again for a while."""
    with monkeypatch.context() as patch:
        patch.delenv("STRIPE_API_KEY")
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


def add_payment(user_id: UUID, credits: int, **columns: Any) -> UUID:
    """Add a payment of ``credits``, ten for each rappen, as if Stripe had said that it is paid. Needs a transaction."""
    payment_id = new_id()
    values = {
        "id": payment_id,
        "user_id": user_id,
        "checkout_id": new_id(),
        "package": "chf-10",
        "amount_rappen": max(credits // 10, 1),
        "tax_rappen": 0,
        "currency": "chf",
        "credits": credits,
        "price_list": use_price_list().name,
        "stripe_session_id": f"cs_test_{payment_id.hex}",
        "stripe_payment_intent_id": f"pi_{payment_id.hex}",
        "stripe_charge_id": f"ch_{payment_id.hex}",
        "is_live": False,
        "method": "card",
        "paid_at": now(),
        "payer_name": "Anna Muster",
        "payer_email": "anna@example.org",
        "payer_country": "CH",
        "receipt_url": "https://pay.stripe.com/receipts/test",
    }
    db.session.add(Payment(**{**values, **columns}))
    db.session.flush()
    return payment_id


def grant_credits(app: Any, user_id: UUID, amount: int, source: LotSource | str = LotSource.PURCHASE) -> UUID:
    """Give a user a lot of credits and return its id. A purchase gets a payment, too."""
    with app.app_context(), transaction():
        return add_lot(user_id, amount, LotSource(source))


def add_lot(user_id: UUID, amount: int, source: LotSource, **columns: Any) -> UUID:
    """Grant a lot and return its id. A purchase gets a payment, too. Needs a transaction."""
    # A payment belongs to an account.
    lock_account(user_id)
    payment_id = add_payment(user_id, amount) if source is LotSource.PURCHASE else None
    key = f"{source}:{payment_id or new_id()}"
    return grant(user_id, source, amount, key, payment_id=payment_id, **columns)
