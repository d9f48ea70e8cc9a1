"""Holds: credits reserved for a run, captured as it is charged, and released when it ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing import hooks
from backend.billing.errors import InsufficientCredits, SpendingFrozen
from backend.billing.ledger.accounts import (
    LedgerMisused,
    LockedAccount,
    list_takeable,
    lock_account,
    lock_row,
)
from backend.billing.ledger.chores import work_on_each
from backend.billing.models import CreditEntry, CreditHold
from backend.billing.types import EntryKind, Hold
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import Base, db
from backend.core.errors import DomainError
from backend.core.ids import new_id
from backend.core.process.logging import get_logger

log = get_logger(__name__)

_SILENCE = timedelta(hours=24)
# How old a sign of life may get before it is renewed: a run gives one with every step.
_FRESH = timedelta(minutes=10)
_BATCH = 100

_holds, _entries = (Base.metadata.tables[model.__tablename__] for model in (CreditHold, CreditEntry))
_ADD_HOLD = insert(_holds).on_conflict_do_nothing(index_elements=["run_id"]).returning(_holds.c.id)
# What is still held of each lot and what was captured, in the order in which the lots were reserved.
_READ_HOLD = (
    sa.select(
        _holds.c.id,
        _holds.c.user_id,
        _holds.c.amount,
        _holds.c.closed_at,
        _entries.c.lot_id,
        sa.func.sum(_entries.c.held).label("held"),
        sa.func.sum(_entries.c.amount).label("changed"),
    )
    .select_from(_holds.outerjoin(_entries, _entries.c.hold_id == _holds.c.id))
    .where(_holds.c.run_id == sa.bindparam("run", type_=sa.Uuid()))
    .group_by(_holds.c.id, _entries.c.lot_id)
    .order_by(sa.func.min(_entries.c.number))
)


def reserve(user_id: UUID, run_id: UUID, amount: int, *, paid_only: bool = False) -> Hold:
    """Reserve credits for a run. Reserving again for the same run returns the hold that it has.

    ``paid_only`` leaves free credits alone. A hold of 0 credits is always possible. Raises InsufficientCredits,
    SpendingFrozen.
    """
    if amount < 0:
        raise LedgerMisused(f"{amount} credits cannot be reserved.")
    account = lock_account(user_id)
    takeable = list(list_takeable(account, paid_only=paid_only))
    # Free credits may make up for refunded ones, so the lots can have more than the account.
    available = min(account.available, sum(most for _, most in takeable))
    refusal: DomainError | None = None
    if amount and account.is_frozen:
        refusal = SpendingFrozen()
    elif amount and amount > available:
        refusal = InsufficientCredits(required=amount, available=available)
    hold_id = None if refusal else _add_hold(user_id, run_id, amount)
    if hold_id is None:
        known = find_hold(run_id)
        if known is not None and known.user_id == user_id:
            return known
        raise refusal or LedgerMisused(f"Another account has a hold for run {run_id}.")
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
    found = _read_hold(run_id)
    return None if found is None else found[0]


def settle(run_id: UUID, total: int) -> Hold | None:
    """Capture credits until ``total`` of the run's hold have been captured, at most what was reserved.

    Returns the hold afterwards; None if the run has none. A closed hold stays as it is.
    """
    return _settle(run_id, total, close=False)


def close(run_id: UUID, total: int) -> Hold | None:
    """Settle a run's hold for the last time and release the rest. Returns the hold; None if the run has none."""
    return _settle(run_id, total, close=True)


def _settle(run_id: UUID, total: int, *, close: bool) -> Hold | None:
    account = _lock_account_of(run_id)
    found = _read_hold(run_id)
    if account is None or found is None or not found[0].is_open:
        return None if found is None else found[0]
    hold, held = found
    captured = _capture(account, hold, held, total - hold.captured)
    if close:
        _release(account, hold, held)
    account.write()
    moment = database_now()
    values = {"sign_of_life_at": moment, **({"closed_at": moment} if close else {})}
    db.session.execute(sa.update(_holds).where(_holds.c.id == hold.id).values(values))
    return replace(hold, captured=hold.captured + captured, is_open=not close)


def _lock_account_of(run_id: UUID) -> LockedAccount | None:
    user_id = db.session.scalar(sa.select(_holds.c.user_id).where(_holds.c.run_id == run_id))
    return None if user_id is None else lock_account(user_id)


def _add_hold(user_id: UUID, run_id: UUID, amount: int) -> UUID | None:
    """Add a hold and return its id, or None if the run has one already."""
    values = {"id": new_id(), "user_id": user_id, "run_id": run_id, "amount": amount}
    hold_id: UUID | None = db.session.scalar(_ADD_HOLD, values)
    return hold_id


def _read_hold(run_id: UUID) -> tuple[Hold, dict[UUID, int]] | None:
    """Return a run's hold, and what is held of each lot, in the order in which the lots were reserved."""
    rows = db.session.execute(_READ_HOLD, {"run": run_id}).all()
    if not rows:
        return None
    first = rows[0]
    captured = -sum(int(row.changed) for row in rows if row.lot_id is not None)
    hold = Hold(first.id, first.user_id, run_id, first.amount, captured=captured, is_open=first.closed_at is None)
    return hold, {row.lot_id: int(row.held) for row in rows if row.lot_id is not None}


def _capture(account: LockedAccount, hold: Hold, held: dict[UUID, int], amount: int) -> int:
    """Capture credits from a hold's lots; return how many. ``held`` is what is left of each lot afterwards."""
    left = wanted = min(max(amount, 0), sum(held.values()))
    for lot_id, most in held.items():
        part = min(left, most)
        if part:
            lot, key = account.get_lot(lot_id), f"captured:{hold.id}:{account.number + 1}"
            account.append(EntryKind.CAPTURED, lot, key, amount=-part, held=-part, hold_id=hold.id, run_id=hold.run_id)
            held[lot_id] -= part
            left -= part
    return wanted


def _release(account: LockedAccount, hold: Hold, held: dict[UUID, int]) -> None:
    for lot_id, rest in held.items():
        if rest:
            lot, key = account.get_lot(lot_id), f"released:{hold.id}:{lot_id}"
            account.append(EntryKind.RELEASED, lot, key, held=-rest, hold_id=hold.id, run_id=hold.run_id)


def release_silent_holds() -> int:
    """Release holds whose runs have ended, and have given no sign of life for 24 hours. Returns how many.

    A run that waits keeps its hold, however long. Opens its own transactions.
    """
    return work_on_each(_find_silent, _release_silent)


def _find_silent() -> Sequence[UUID]:
    silent = sa.select(CreditHold.run_id).where(
        CreditHold.closed_at.is_(None), CreditHold.sign_of_life_at < read_database_clock() - _SILENCE
    )
    run_ids = db.session.scalars(silent.order_by(CreditHold.sign_of_life_at)).all()
    # Those of runs that wait stay, and are few.
    ended = set[UUID]().union(*hooks.find_ended_runs.send(run_ids)) if run_ids else set()
    return [run_id for run_id in run_ids if run_id in ended][:_BATCH]


def _release_silent(run_id: UUID) -> None:
    # The run may have given a sign of life since the chore looked, which needs the same lock.
    _lock_account_of(run_id)
    silent = sa.select(CreditHold.id).where(
        CreditHold.run_id == run_id, CreditHold.sign_of_life_at < database_now() - _SILENCE
    )
    if db.session.scalar(silent) is not None:
        close(run_id, 0)
        log.warning("billing.hold.released_by_itself", run_id=str(run_id))


def note_sign_of_life(run_id: UUID) -> None:
    """Keep the run's hold for another 24 hours."""
    stale = sa.select(_holds.c.user_id).where(
        _holds.c.run_id == run_id,
        _holds.c.closed_at.is_(None),
        _holds.c.sign_of_life_at < database_now() - _FRESH,
    )
    user_id = db.session.scalar(stale)
    if user_id is None:
        return
    # The account comes before its holds, as when they are settled.
    lock_row(user_id)
    alive = sa.update(_holds).where(_holds.c.run_id == run_id, _holds.c.closed_at.is_(None))
    db.session.execute(alive.values(sign_of_life_at=database_now()))
