"""Granting lots, and taking credits back from them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from backend.billing.errors import InsufficientCredits
from backend.billing.ledger.accounts import LockedAccount, Lot, list_takeable, lock_account
from backend.billing.models import CreditEntry, CreditLot
from backend.billing.types import EntryKind, LotSource
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id

_PRIORITIES = {LotSource.SIGN_UP: 10, LotSource.GOODWILL: 10, LotSource.PURCHASE: 20}
"""Free credits are spent before paid ones."""

_RETURNS = {EntryKind.REFUNDED: EntryKind.REFUND_RETURNED, EntryKind.DISPUTED: EntryKind.REINSTATED}


def grant(
    user_id: UUID,
    source: LotSource,
    amount: int,
    key: str,
    *,
    payment_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Grant a lot of credits and return its id. Granting again with the same key returns the same lot."""
    account = lock_account(user_id)
    known = db.session.scalar(sa.select(CreditLot.id).where(CreditLot.grant_key == key))
    if known is not None:
        return known
    lot = Lot(new_id(), account.number + 1, source, _PRIORITIES[source], is_expired=False)
    db.session.execute(
        sa.insert(CreditLot).values(
            id=lot.id,
            user_id=user_id,
            number=lot.number,
            source=source,
            priority=lot.priority,
            amount=amount,
            expires_at=expires_at,
            grant_key=key,
            payment_id=payment_id,
        )
    )
    account.append(EntryKind.GRANTED, lot, f"granted:{lot.id}", amount=amount)
    account.write()
    return lot.id


def find_lot_of_payment(payment_id: UUID) -> CreditLot | None:
    return db.session.scalar(sa.select(CreditLot).where(CreditLot.payment_id == payment_id))


def book_taken(user_id: UUID, lot_id: UUID, stripe_id: str, kind: EntryKind, target: int) -> int:
    """Book that a refund or dispute has taken ``target`` credits in total. Returns the change, negative if taken.

    Only the difference to what is booked already is appended, so repeated and reordered events end the same.
    ``kind`` is ``refunded`` or ``disputed``. Credits are taken from the purchase's own lot first, then from other paid
    lots, then from free ones; the rest makes the own lot negative. What is returned goes back to where it was taken.
    """
    account = lock_account(user_id)
    taken = _list_taken(stripe_id)
    booked = sum(taken.values())
    if target > booked:
        own = account.find_lot(lot_id)
        if own is None:
            raise AssertionError("Every lot has an entry, so a locked account knows all its lots.")
        _take(account, own, stripe_id, kind, target - booked)
    elif target < booked:
        _return(account, taken, stripe_id, _RETURNS[kind], booked - target)
    account.write()
    return booked - target


def adjust_down(user_id: UUID, amount: int, key: str) -> None:
    """Remove credits as an administrator, in spending order. Raises InsufficientCredits.

    Removing again with the same key does nothing.
    """
    account = lock_account(user_id)
    if db.session.scalar(sa.select(CreditEntry.id).where(CreditEntry.key == f"{key}:1")) is not None:
        return
    if amount > account.available:
        raise InsufficientCredits(required=amount, available=account.available)
    left = amount
    for number, (lot, free_to_take) in enumerate(list_takeable(account), start=1):
        part = min(left, free_to_take)
        account.append(EntryKind.ADJUSTED, lot, f"{key}:{number}", amount=-part)
        left -= part
        if not left:
            break
    account.write()


def expire_lots() -> int:
    """Book out what is left of expired lots. Returns the number of accounts looked at. Needs a transaction."""
    left = (
        sa.select(CreditEntry.lot_after)
        .where(CreditEntry.lot_id == CreditLot.id)
        .order_by(CreditEntry.number.desc())
        .limit(1)
        .correlate(CreditLot)
        .scalar_subquery()
    )
    due = sa.select(CreditLot.user_id).where(CreditLot.expires_at <= database_now(), left > 0).distinct()
    users = db.session.scalars(due.order_by(CreditLot.user_id).limit(100)).all()
    for user_id in users:
        lock_account(user_id)
    return len(users)


def _list_taken(stripe_id: str) -> dict[UUID, int]:
    """Return how much a refund or dispute has taken from each lot, those taken from last first."""
    rows = db.session.execute(
        sa.select(CreditEntry.lot_id, -sa.func.sum(CreditEntry.amount))
        .where(CreditEntry.stripe_id == stripe_id)
        .group_by(CreditEntry.lot_id)
        .order_by(sa.func.max(CreditEntry.number).desc())
    )
    return {lot_id: int(taken) for lot_id, taken in rows if taken}


def _take(account: LockedAccount, own: Lot, stripe_id: str, kind: EntryKind, amount: int) -> None:
    others = [lot for lot in account.lots if lot is not own and not lot.is_expired]
    left = amount
    for lot in (own, *sorted(others, key=lambda lot: (not lot.is_paid, lot.number))):
        part = min(left, lot.free_to_take)
        if part:
            account.append(kind, lot, _key(stripe_id, account), amount=-part, stripe_id=stripe_id)
            left -= part
    if left:
        account.append(kind, own, _key(stripe_id, account), amount=-left, stripe_id=stripe_id)


def _return(account: LockedAccount, taken: dict[UUID, int], stripe_id: str, kind: EntryKind, amount: int) -> None:
    left = amount
    for lot_id, most in taken.items():
        lot = account.find_lot(lot_id)
        part = min(left, most)
        if lot is not None and part:
            account.append(kind, lot, _key(stripe_id, account), amount=part, stripe_id=stripe_id)
            left -= part


def _key(stripe_id: str, account: LockedAccount) -> str:
    return f"{stripe_id}:{account.number + 1}"
