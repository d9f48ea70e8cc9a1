"""Lots that still have credits, in the order in which they will be spent."""

from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import CreditEntry, CreditLot
from backend.billing.types import LotBalance, LotSource
from backend.core.clock import database_now
from backend.core.database.database import db


def list_lots(user_id: UUID) -> list[LotBalance]:
    """Return the user's lots with credits left, first to be spent first. Of expired lots, only what is held counts."""
    last = (
        sa.select(CreditEntry.lot_after, CreditEntry.lot_held_after)
        .where(CreditEntry.lot_id == CreditLot.id)
        .order_by(CreditEntry.number.desc())
        .limit(1)
        .correlate(CreditLot)
        .lateral("last")
    )
    is_expired = sa.func.coalesce(CreditLot.expires_at <= database_now(), sa.false())
    left = sa.case((is_expired, sa.func.least(last.c.lot_after, last.c.lot_held_after)), else_=last.c.lot_after)
    rows = db.session.execute(
        sa.select(CreditLot, left.label("left"), last.c.lot_held_after)
        .join(last, sa.true())
        .where(CreditLot.user_id == user_id, left > 0)
        .order_by(CreditLot.priority, CreditLot.number)
    )
    return [
        LotBalance(
            id=lot.id,
            source=LotSource(lot.source),
            amount=lot.amount,
            balance=balance,
            held=held,
            expires_at=lot.expires_at,
            created_at=lot.created_at,
        )
        for lot, balance, held in rows
    ]
