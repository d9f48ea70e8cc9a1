"""Balances of credits, as the ledger says."""

from backend.billing import service
from backend.core.database.transaction import transaction
from backend.settings import get_settings


def test_paid_and_free_credits_are_counted_apart(app, client, billing, grant_credits):
    assert get_settings().billing_is_on
    grant_credits(client, 5000)
    grant_credits(client, 500, "sign_up")
    with app.app_context(), transaction():
        balance = service.read_balance(client.user_id)
    assert (balance.paid, balance.free, balance.held, balance.available) == (5000, 500, 0, 5500)
