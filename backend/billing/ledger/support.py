"""Lots, entries and charges as administrators see them.

Nothing here checks whose credits they are. The administration room checks the permission and records the view.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import CreditEntry, CreditHold, CreditLot
from backend.billing.types import EntryFacts, EntryKind, LotBalance, LotSource, RunCharge
from backend.core.database.database import db
from backend.core.web.pagination import ListPage, PageQuery, fetch_page

_MAX_LOTS = 100


def list_lots_of_user(user_id: UUID) -> list[LotBalance]:
    """Return the user's newest 100 lots and what is left of them, newest first."""
    last = (
        sa.select(CreditEntry.lot_after, CreditEntry.lot_held_after)
        .where(CreditEntry.lot_id == CreditLot.id)
        .order_by(CreditEntry.number.desc())
        .limit(1)
        .correlate(CreditLot)
        .lateral()
    )
    rows = db.session.execute(
        sa.select(CreditLot, last.c.lot_after, last.c.lot_held_after)
        .join(last, sa.true())
        .where(CreditLot.user_id == user_id)
        .order_by(CreditLot.number.desc())
        .limit(_MAX_LOTS)
    )
    return [
        LotBalance(lot.id, LotSource(lot.source), lot.amount, balance, held, lot.expires_at, lot.created_at)
        for lot, balance, held in rows
    ]


def list_entries_of_user(user_id: UUID, page: PageQuery) -> ListPage[EntryFacts]:
    """Return a page of the user's entries, newest first. Raises InvalidCursor."""
    query = sa.select(CreditEntry).where(CreditEntry.user_id == user_id)
    found = fetch_page(query, CreditEntry.id, page, newest_first=True)
    lots = {entry.lot_id for entry in found.items}
    sources = {row.id: row.source for row in db.session.execute(_select_sources(lots))}
    return ListPage([_describe(entry, sources[entry.lot_id]) for entry in found.items], found.next_cursor)


def _select_sources(lot_ids: Collection[UUID]) -> sa.Select[UUID, str]:
    return sa.select(CreditLot.id, CreditLot.source).where(CreditLot.id.in_(lot_ids))


def _describe(entry: CreditEntry, source: str) -> EntryFacts:
    return EntryFacts(
        id=entry.id,
        number=entry.number,
        kind=EntryKind(entry.kind),
        lot_id=entry.lot_id,
        lot_source=LotSource(source),
        amount=entry.amount,
        held=entry.held,
        balance_after=entry.paid_after + entry.free_after,
        held_after=entry.held_after,
        run_id=entry.run_id,
        stripe_id=entry.stripe_id,
        created_at=entry.created_at,
    )


def list_charges(run_ids: Collection[UUID]) -> dict[UUID, RunCharge]:
    """Return what the runs reserved and spent, by run. Runs that reserved nothing are left out."""
    captured = CreditEntry.kind == EntryKind.CAPTURED
    is_paid = CreditLot.source == LotSource.PURCHASE
    rows = db.session.execute(
        sa.select(
            CreditHold.run_id,
            CreditHold.amount,
            sa.func.coalesce(-sa.func.sum(CreditEntry.amount).filter(captured), 0),
            sa.func.coalesce(-sa.func.sum(CreditEntry.amount).filter(captured, is_paid), 0),
        )
        .outerjoin(CreditEntry, CreditEntry.hold_id == CreditHold.id)
        .outerjoin(CreditLot, CreditLot.id == CreditEntry.lot_id)
        .where(CreditHold.run_id.in_(run_ids))
        .group_by(CreditHold.id)
    )
    return {run_id: RunCharge(reserved, int(total), int(paid)) for run_id, reserved, total, paid in rows}
