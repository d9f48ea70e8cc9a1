"""Granting lots, and taking credits back from them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.billing.errors import InsufficientCredits
from backend.billing.ledger.accounts import (
    LedgerMisused,
    LockedAccount,
    Lot,
    list_takeable,
    lock_account,
)
from backend.billing.ledger.chores import work_on_each
from backend.billing.models import CreditEntry, CreditLot
from backend.billing.types import EntryKind, LotSource
from backend.core.clock import read_database_clock
from backend.core.database.database import db
from backend.core.ids import new_id

_PRIORITIES = {LotSource.SIGN_UP: 10, LotSource.GOODWILL: 10, LotSource.PURCHASE: 20}
"""Free credits are spent before paid ones."""

_RETURNS = {EntryKind.REFUNDED: EntryKind.REFUND_RETURNED, EntryKind.DISPUTED: EntryKind.REINSTATED}

MAX_GRANT = 10**12
"""Bound of one grant: sums of millions of them stay within PostgreSQL's bigint."""

_BATCH = 100
# Chores look at lots that expired lately. What an older one still has is booked out when its account is next locked.
_LATELY = timedelta(days=30)


def grant(
    user_id: UUID,
    source: LotSource,
    amount: int,
    key: str,
    *,
    payment_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Grant a lot of credits and return its id. Granting again with the same key returns the same lot.

    Raises LedgerMisused if the key was used for something else. Only free lots expire.
    """
    if not 0 < amount <= MAX_GRANT or (expires_at is not None and source is LotSource.PURCHASE):
        raise LedgerMisused(f"A lot of {amount} credits from {source}, expiring at {expires_at}, cannot be granted.")
    account = lock_account(user_id)
    known = db.session.execute(
        sa.select(CreditLot.id, CreditLot.user_id, CreditLot.source, CreditLot.amount, CreditLot.payment_id).where(
            CreditLot.grant_key == key
        )
    ).one_or_none()
    if known is not None:
        known_id, *content = known
        if content != [user_id, source, amount, payment_id]:
            raise LedgerMisused(f"The key {key} was used for another grant.")
        return known_id
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
    if kind not in _RETURNS or target < 0:
        raise LedgerMisused(f"{stripe_id} cannot have {kind} {target} credits.")
    account = lock_account(user_id)
    own = account.get_lot(lot_id)
    taken = _list_taken(user_id, stripe_id)
    booked = sum(taken.values())
    if target > booked:
        _take(account, own, stripe_id, kind, target - booked)
    elif target < booked:
        _return(account, taken, stripe_id, _RETURNS[kind], booked - target)
    account.write()
    return booked - target


def adjust_down(user_id: UUID, amount: int, key: str) -> None:
    """Remove credits as an administrator, in spending order. Raises InsufficientCredits.

    Removing again with the same key does nothing. Raises LedgerMisused if the key was used for another amount.
    """
    if amount <= 0:
        raise LedgerMisused(f"{amount} credits cannot be removed.")
    account = lock_account(user_id)
    # An adjustment has one entry for each lot that it takes from.
    keys = [f"{key}:{number}" for number in range(1, len(account.lots) + 1)]
    removed = sa.select(-sa.func.sum(CreditEntry.amount)).where(CreditEntry.key.in_(keys))
    known = db.session.scalar(removed)
    if known is not None:
        if known != amount:
            raise LedgerMisused(f"The key {key} was used for another adjustment.")
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
    """Book out what is left of expired lots. Returns the number of accounts. Opens its own transactions."""
    return work_on_each(_find_expired, lock_account)


def _find_expired() -> Sequence[UUID]:
    left = (
        sa.select(CreditEntry.lot_after - CreditEntry.lot_held_after)
        .where(CreditEntry.lot_id == CreditLot.id)
        .order_by(CreditEntry.number.desc())
        .limit(1)
        .correlate(CreditLot)
        .scalar_subquery()
    )
    # A value, because PostgreSQL uses no index for its own clock.
    moment = read_database_clock()
    due = sa.select(CreditLot.user_id).where(CreditLot.expires_at.between(moment - _LATELY, moment), left > 0)
    return db.session.scalars(due.distinct().limit(_BATCH)).all()


def _list_taken(user_id: UUID, stripe_id: str) -> dict[UUID, int]:
    """Return how much a refund or dispute has taken from each lot, those taken from last first."""
    rows = db.session.execute(
        sa.select(CreditEntry.lot_id, -sa.func.sum(CreditEntry.amount))
        .where(CreditEntry.user_id == user_id, CreditEntry.stripe_id == stripe_id)
        .group_by(CreditEntry.lot_id)
        .order_by(sa.func.max(CreditEntry.number).desc())
    )
    return {lot_id: int(taken) for lot_id, taken in rows if taken}


def _take(account: LockedAccount, own: Lot, stripe_id: str, kind: EntryKind, amount: int) -> None:
    others = [lot for lot in account.lots if lot is not own]
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
        part = min(left, most)
        if part:
            account.append(kind, account.get_lot(lot_id), _key(stripe_id, account), amount=part, stripe_id=stripe_id)
            left -= part


def _key(stripe_id: str, account: LockedAccount) -> str:
    return f"{stripe_id}:{account.number + 1}"
