"""Rows that tests of the ledger need beside it: users, and the refunds and disputes that take credits back."""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import User
from backend.billing.models import CreditLot, Dispute, Refund
from backend.billing.types import EntryKind
from backend.core.database.database import db
from backend.core.ids import new_id
from tests.triggers import disabled_triggers


def add_user() -> UUID:
    user = User(id=new_id(), language="en")
    db.session.add(user)
    db.session.flush()
    return user.id


def add_cause(user_id: UUID, payment_id: UUID, stripe_id: str, kind: EntryKind) -> None:
    """Record a refund or dispute, as its events do."""
    shared = {"user_id": user_id, "payment_id": payment_id, "stripe_id": stripe_id, "amount_rappen": 1}
    if kind is EntryKind.REFUNDED:
        db.session.add(Refund(**shared, status="succeeded"))
    else:
        db.session.add(Dispute(**shared, withdrawn_rappen=0, status="needs_response", is_open=False))
    db.session.flush()


def let_expire(engine: sa.Engine, lot_id: UUID) -> None:
    """Move a lot's expiry to the past. Only the owner of the table can, with its trigger disabled."""
    with engine.begin() as connection:
        past = sa.func.now() - sa.text("interval '1s'")
        with disabled_triggers(connection, "credit_lots"):
            connection.execute(sa.update(CreditLot).where(CreditLot.id == lot_id).values(expires_at=past))
