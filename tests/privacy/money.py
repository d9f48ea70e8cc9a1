"""Rows of a student who has bought credits: one in each table of billing that leads to a user."""

import itertools
from uuid import UUID

import sqlalchemy as sa

PAYER = {"name": "Payer Quill", "email": "payer.quill@example.org"}

_numbers = itertools.count(1)
_ACCOUNT = "INSERT INTO credit_accounts (user_id) VALUES (:user) ON CONFLICT DO NOTHING"
_PRICES = """
INSERT INTO price_lists (name, applies_from, margin, content) VALUES ('toy', '2026-01-01', 4, '{}')
ON CONFLICT DO NOTHING
"""
_PAYMENT = """
INSERT INTO payments (id, user_id, checkout_id, package, amount_rappen, tax_rappen, currency, credits, price_list,
    stripe_session_id, stripe_payment_intent_id, is_live, paid_at, payer_name, payer_email, payer_country, receipt_url)
VALUES (gen_random_uuid(), :user, gen_random_uuid(), 'small', 500, 0, 'CHF', 5000, 'toy', :key, :key, false, now(),
    :name, :email, 'CH', 'https://pay.example.org/receipt-of-quill') RETURNING id
"""
_REST = (
    """
INSERT INTO checkouts (id, user_id, idempotency_key, package, amount_rappen, currency, credits, price_list, state)
VALUES (gen_random_uuid(), :user, :key, 'small', 500, 'CHF', 5000, 'toy', 'paid')
""",
    """
INSERT INTO credit_lots (id, user_id, number, source, priority, amount, grant_key, payment_id)
VALUES (gen_random_uuid(), :user, 1, 'purchase', 20, 5000, :key, :payment)
""",
    """
INSERT INTO credit_holds (id, user_id, run_id, amount) VALUES (gen_random_uuid(), :user, gen_random_uuid(), 10)
""",
    """
INSERT INTO credit_entries (id, user_id, number, kind, lot_id, amount, held, lot_after, lot_held_after, paid_after,
    free_after, held_after, key)
SELECT gen_random_uuid(), :user, 1, 'granted', id, 5000, 0, 5000, 0, 5000, 0, 0, :key FROM credit_lots
WHERE user_id = :user
""",
    "INSERT INTO sign_up_persons (person_hash, user_id) VALUES (:key, :user)",
    """
INSERT INTO refunds (id, user_id, payment_id, stripe_id, amount_rappen, status)
VALUES (gen_random_uuid(), :user, :payment, :key, 100, 'succeeded')
""",
    """
INSERT INTO disputes (id, user_id, payment_id, stripe_id, amount_rappen, withdrawn_rappen, status, is_open)
VALUES (gen_random_uuid(), :user, :payment, :key, 400, 0, 'won', false)
""",
)


def open_account(connection: sa.Connection, user_id: UUID) -> None:
    connection.execute(sa.text(_ACCOUNT), {"user": user_id})


def pay(connection: sa.Connection, user_id: UUID, *, name: str = PAYER["name"], email: str = PAYER["email"]) -> UUID:
    """Book a payment of the user. Returns its id."""
    open_account(connection, user_id)
    connection.execute(sa.text(_PRICES))
    values = {"user": user_id, "key": str(next(_numbers)), "name": name, "email": email}
    payment: UUID = connection.execute(sa.text(_PAYMENT), values).scalar_one()
    return payment


def fill_billing(connection: sa.Connection, user_id: UUID, *, name: str, email: str) -> None:
    """Put a row of the user into each table of billing."""
    payment = pay(connection, user_id, name=name, email=email)
    key = str(next(_numbers))
    for statement in _REST:
        bound = sa.text(statement)
        values = {"user": user_id, "payment": payment, "key": key.encode() if "person_hash" in statement else key}
        connection.execute(bound, {name: values[name] for name in bound.compile().params})
