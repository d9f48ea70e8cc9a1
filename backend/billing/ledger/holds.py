"""Holds: credits reserved for a run, captured as it is charged, and released when it ends."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.billing.errors import InsufficientCredits, SpendingFrozen
from backend.billing.ledger.accounts import LockedAccount, list_takeable, lock_account
from backend.billing.models import CreditEntry, CreditHold
from backend.billing.types import EntryKind, Hold
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.core.process.logging import get_logger

log = get_logger(__name__)

_SILENCE = timedelta(hours=24)
_BATCH = 100


def reserve(user_id: UUID, run_id: UUID, amount: int, *, paid_only: bool = False) -> Hold:
    """Reserve credits for a run. Reserving again for the same run returns the hold that it has.

    ``paid_only`` leaves free credits alone. Raises InsufficientCredits, SpendingFrozen.
    """
    account = lock_account(user_id)
    known = find_hold(run_id)
    if known is not None:
        return known
    if account.is_frozen:
        raise SpendingFrozen
    takeable = list(list_takeable(account, paid_only=paid_only))
    available = min(account.available, sum(most for _, most in takeable)) if paid_only else account.available
    if amount > available:
        raise InsufficientCredits(required=amount, available=max(available, 0))
    hold_id = new_id()
    db.session.execute(
        sa.insert(CreditHold).values(id=hold_id, user_id=user_id, run_id=run_id, amount=amount),
    )
    left = amount
    for lot, most in takeable:
        part = min(left, most)
        if part:
            key = f"reserved:{hold_id}:{lot.id}"
            account.append(EntryKind.RESERVED, lot, key, held=part, hold_id=hold_id, run_id=run_id)
            left -= part
    account.write()
    return Hold(hold_id, user_id, run_id, amount, captured=0, is_open=True)


def find_hold(run_id: UUID) -> Hold | None:
    """Return the hold of a run, or None if nothing was reserved for it."""
    captured = sa.func.coalesce(
        sa.select(-sa.func.sum(CreditEntry.amount))
        .where(CreditEntry.hold_id == CreditHold.id)
        .correlate(CreditHold)
        .scalar_subquery(),
        0,
    )
    row = db.session.execute(
        sa.select(CreditHold.id, CreditHold.user_id, CreditHold.amount, CreditHold.closed_at, captured).where(
            CreditHold.run_id == run_id
        )
    ).one_or_none()
    if row is None:
        return None
    hold_id, user_id, amount, closed_at, taken = row
    return Hold(hold_id, user_id, run_id, amount, captured=int(taken), is_open=closed_at is None)


def settle(run_id: UUID, total: int) -> Hold | None:
    """Capture credits until ``total`` of the run's hold have been captured, at most what was reserved.

    Returns the hold afterwards; None if the run has none. A closed hold stays as it is.
    """
    return _settle(run_id, total, close=False)


def close(run_id: UUID, total: int) -> Hold | None:
    """Settle a run's hold for the last time and release the rest. Returns the hold; None if the run has none."""
    return _settle(run_id, total, close=True)


def _settle(run_id: UUID, total: int, *, close: bool) -> Hold | None:
    user_id = db.session.scalar(sa.select(CreditHold.user_id).where(CreditHold.run_id == run_id))
    if user_id is None:
        return None
    account = lock_account(user_id)
    hold = find_hold(run_id)
    if hold is None or not hold.is_open:
        return hold
    reserved = _list_reserved(hold.id)
    _capture(account, hold, reserved, total - hold.captured)
    if close:
        _release(account, hold, reserved)
    account.write()
    values = {"sign_of_life_at": database_now(), **({"closed_at": database_now()} if close else {})}
    db.session.execute(
        sa.update(CreditHold)
        .where(CreditHold.id == hold.id)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return find_hold(run_id)


def _list_reserved(hold_id: UUID) -> dict[UUID, int]:
    """Return what is still held of each lot, in the order in which the lots were reserved."""
    rows = db.session.execute(
        sa.select(CreditEntry.lot_id, sa.func.sum(CreditEntry.held))
        .where(CreditEntry.hold_id == hold_id)
        .group_by(CreditEntry.lot_id)
        .order_by(sa.func.min(CreditEntry.number))
    )
    return {lot_id: int(held) for lot_id, held in rows}


def _capture(account: LockedAccount, hold: Hold, reserved: dict[UUID, int], amount: int) -> None:
    left = max(amount, 0)
    for lot_id, held in reserved.items():
        lot = account.find_lot(lot_id)
        part = min(left, held)
        if lot is None or not part:
            continue
        key = f"captured:{hold.id}:{account.number + 1}"
        account.append(EntryKind.CAPTURED, lot, key, amount=-part, held=-part, hold_id=hold.id, run_id=hold.run_id)
        reserved[lot_id] -= part
        left -= part


def _release(account: LockedAccount, hold: Hold, reserved: dict[UUID, int]) -> None:
    for lot_id, held in reserved.items():
        lot = account.find_lot(lot_id)
        if lot is not None and held:
            key = f"released:{hold.id}:{lot.id}"
            account.append(EntryKind.RELEASED, lot, key, held=-held, hold_id=hold.id, run_id=hold.run_id)


def release_silent_holds() -> int:
    """Release holds whose runs have given no sign of life for 24 hours. Returns how many. Needs a transaction."""
    silent = sa.select(CreditHold.run_id).where(
        CreditHold.closed_at.is_(None), CreditHold.sign_of_life_at < database_now() - _SILENCE
    )
    run_ids = db.session.scalars(silent.order_by(CreditHold.user_id, CreditHold.id).limit(_BATCH)).all()
    for run_id in run_ids:
        close(run_id, 0)
        log.warning("billing.hold.released_by_itself", run_id=str(run_id))
    return len(run_ids)


def note_sign_of_life(run_id: UUID) -> None:
    """Keep the run's hold for another 24 hours."""
    db.session.execute(
        sa.update(CreditHold)
        .where(CreditHold.run_id == run_id, CreditHold.closed_at.is_(None))
        .values(sign_of_life_at=database_now())
        .execution_options(synchronize_session=False)
    )
