"""Entries of the ledger as users read them: what each was for, in their language."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from backend.billing.hooks import describe_runs
from backend.billing.models import CreditEntry, CreditHold, CreditLot, Dispute, Refund
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.web.pagination import ListPage, PageQuery, fetch_page


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry with what it was about. ``lot_amount`` is what its lot was granted; ``run_title`` names the run.

    ``payment_id`` is the payment that was made, refunded or disputed; None for entries about something else.
    """

    id: UUID
    kind: EntryKind
    amount: int
    held: int
    balance_after: int
    held_after: int
    source: LotSource
    lot_id: UUID
    lot_amount: int
    run_id: UUID | None
    run_title: str | None
    payment_id: UUID | None
    created_at: datetime


def list_entries(user_id: UUID, page: PageQuery, run_id: UUID | None = None) -> ListPage[EntryView]:
    """Return a page of the user's entries, newest first; with ``run_id``, those of a run. Raises InvalidCursor."""
    query = sa.select(CreditEntry).where(CreditEntry.user_id == user_id)
    if run_id is not None:
        # By the hold, which has an index; only entries of a hold have a run.
        hold = sa.select(CreditHold.id).where(CreditHold.run_id == run_id)
        query = query.where(CreditEntry.hold_id.in_(hold))
    found = fetch_page(query, CreditEntry.id, page, newest_first=True)
    lots = _find_lots({entry.lot_id for entry in found.items})
    payments = _find_payments({entry.stripe_id for entry in found.items if entry.stripe_id is not None})
    titles = _find_titles(list({entry.run_id for entry in found.items if entry.run_id is not None}))
    views = [_view(entry, lots[entry.lot_id], payments, titles) for entry in found.items]
    return ListPage(views, found.next_cursor)


def _view(entry: CreditEntry, lot: CreditLot, payments: Mapping[str, UUID], titles: Mapping[UUID, str]) -> EntryView:
    return EntryView(
        id=entry.id,
        kind=EntryKind(entry.kind),
        amount=entry.amount,
        held=entry.held,
        balance_after=entry.paid_after + entry.free_after,
        held_after=entry.held_after,
        source=LotSource(lot.source),
        lot_id=lot.id,
        lot_amount=lot.amount,
        run_id=entry.run_id,
        run_title=None if entry.run_id is None else titles.get(entry.run_id),
        payment_id=_payment_of(entry, lot, payments),
        created_at=entry.created_at,
    )


def _payment_of(entry: CreditEntry, lot: CreditLot, payments: Mapping[str, UUID]) -> UUID | None:
    if entry.stripe_id is not None:
        # A refund may have to take credits from other lots than that of its payment.
        return payments.get(entry.stripe_id, lot.payment_id)
    return lot.payment_id if entry.kind == EntryKind.GRANTED else None


def _find_lots(lot_ids: Collection[UUID]) -> dict[UUID, CreditLot]:
    return {lot.id: lot for lot in db.session.scalars(sa.select(CreditLot).where(CreditLot.id.in_(lot_ids)))}


def _find_payments(stripe_ids: Collection[str]) -> dict[str, UUID]:
    """Return the payment of each refund and dispute."""
    refunds = sa.select(Refund.stripe_id, Refund.payment_id).where(Refund.stripe_id.in_(stripe_ids))
    disputes = sa.select(Dispute.stripe_id, Dispute.payment_id).where(Dispute.stripe_id.in_(stripe_ids))
    return {row.stripe_id: row.payment_id for row in db.session.execute(refunds.union_all(disputes))}


def _find_titles(run_ids: Sequence[UUID]) -> dict[UUID, str]:
    titles: dict[UUID, str] = {}
    for described in describe_runs.send(run_ids):
        titles.update(described)
    return titles
