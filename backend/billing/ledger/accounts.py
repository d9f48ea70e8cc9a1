"""The locked credit account: its lots, its running values, and the entries that change them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing.models import CreditAccount, CreditEntry, CreditLot, Dispute
from backend.billing.types import CreditBalance, EntryKind, LotSource
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id


@dataclass(slots=True)
class Lot:
    """A lot of a locked account. ``balance`` is what is left of it, ``held`` the part that is reserved."""

    id: UUID
    number: int
    source: LotSource
    priority: int
    is_expired: bool
    balance: int = 0
    held: int = 0

    @property
    def is_paid(self) -> bool:
        return self.source is LotSource.PURCHASE

    @property
    def free_to_take(self) -> int:
        return max(self.balance - self.held, 0)


@dataclass(slots=True)
class LockedAccount:
    """A credit account that this transaction has locked. ``lots`` are all of its lots, in spending order."""

    user_id: UUID
    number: int
    paid: int
    free: int
    held: int
    is_frozen: bool
    lots: list[Lot]
    _new: list[dict[str, Any]] = field(default_factory=list)

    @property
    def available(self) -> int:
        return self.paid + self.free - self.held

    def find_lot(self, lot_id: UUID) -> Lot | None:
        return next((lot for lot in self.lots if lot.id == lot_id), None)

    def append(
        self,
        kind: EntryKind,
        lot: Lot,
        key: str,
        *,
        amount: int = 0,
        held: int = 0,
        hold_id: UUID | None = None,
        run_id: UUID | None = None,
        stripe_id: str | None = None,
    ) -> None:
        """Change a lot by one entry. ``write`` stores it."""
        self.number += 1
        lot.balance += amount
        lot.held += held
        if lot.is_paid:
            self.paid += amount
        else:
            self.free += amount
        self.held += held
        self._new.append(
            {
                "id": new_id(),
                "user_id": self.user_id,
                "number": self.number,
                "kind": kind,
                "lot_id": lot.id,
                "hold_id": hold_id,
                "amount": amount,
                "held": held,
                "lot_after": lot.balance,
                "lot_held_after": lot.held,
                "paid_after": self.paid,
                "free_after": self.free,
                "held_after": self.held,
                "stripe_id": stripe_id,
                "run_id": run_id,
                "key": key,
            }
        )

    def write(self) -> None:
        """Store the appended entries."""
        if self._new:
            db.session.execute(sa.insert(CreditEntry).values(self._new))
            self._new = []


def lock_account(user_id: UUID) -> LockedAccount:
    """Lock the user's credit account until the transaction ends, and create it if there is none.

    It comes last in the order of locks (docs/architecture.md). Lots that have expired are booked out.
    """
    lock = sa.select(CreditAccount.user_id).where(CreditAccount.user_id == user_id).with_for_update(key_share=True)
    if db.session.scalar(lock) is None:
        db.session.execute(insert(CreditAccount).values(user_id=user_id).on_conflict_do_nothing())
        db.session.execute(lock)
    account = _read_account(user_id)
    _expire(account)
    return account


def read_balance(user_id: UUID) -> CreditBalance:
    """Return the user's credits, without a lock. Expired credits are left out, even if not booked out yet."""
    last = db.session.execute(_last_entry(user_id)).one_or_none()
    frozen = bool(db.session.scalar(sa.select(_has_open_dispute(user_id))))
    if last is None:
        return CreditBalance(0, 0, 0, frozen)
    expired = db.session.scalars(
        sa.select(sa.func.greatest(_lot_state.c.lot_after - _lot_state.c.lot_held_after, 0))
        .select_from(CreditLot)
        .join(_lot_state, sa.true())
        .where(CreditLot.user_id == user_id, CreditLot.expires_at <= database_now())
    )
    return CreditBalance(last.paid_after, last.free_after - sum(expired), last.held_after, frozen)


# The last entry of the lot in the enclosing query.
_lot_state = (
    sa.select(CreditEntry.lot_after, CreditEntry.lot_held_after)
    .where(CreditEntry.lot_id == CreditLot.id)
    .order_by(CreditEntry.number.desc())
    .limit(1)
    .correlate(CreditLot)
    .lateral("lot_state")
)


def _last_entry(user_id: UUID) -> sa.Select[int, int, int, int]:
    return (
        sa.select(CreditEntry.number, CreditEntry.paid_after, CreditEntry.free_after, CreditEntry.held_after)
        .where(CreditEntry.user_id == user_id)
        .order_by(CreditEntry.number.desc())
        .limit(1)
    )


def _has_open_dispute(user_id: UUID) -> sa.ColumnElement[bool]:
    return sa.exists().where(Dispute.user_id == user_id, Dispute.is_open)


def _read_account(user_id: UUID) -> LockedAccount:
    # One statement, after the lock: the statement that waits for a lock sees other rows as they were before it.
    last = _last_entry(user_id).subquery("last")
    rows = db.session.execute(
        sa.select(
            last.c.number.label("last_number"),
            last.c.paid_after,
            last.c.free_after,
            last.c.held_after,
            _has_open_dispute(user_id).label("is_frozen"),
            CreditLot.id,
            CreditLot.number,
            CreditLot.source,
            CreditLot.priority,
            (CreditLot.expires_at <= database_now()).label("is_expired"),
            _lot_state.c.lot_after,
            _lot_state.c.lot_held_after,
        )
        .select_from(last)
        .join(CreditLot, CreditLot.user_id == user_id)
        .join(_lot_state, sa.true())
        .order_by(CreditLot.priority, CreditLot.number)
    ).all()
    if not rows:
        frozen = bool(db.session.scalar(sa.select(_has_open_dispute(user_id))))
        return LockedAccount(user_id, 0, 0, 0, 0, frozen, [])
    first = rows[0]
    return LockedAccount(
        user_id=user_id,
        number=first.last_number,
        paid=first.paid_after,
        free=first.free_after,
        held=first.held_after,
        is_frozen=first.is_frozen,
        lots=[
            Lot(
                id=row.id,
                number=row.number,
                source=LotSource(row.source),
                priority=row.priority,
                is_expired=bool(row.is_expired),
                balance=row.lot_after,
                held=row.lot_held_after,
            )
            for row in rows
        ],
    )


def list_takeable(account: LockedAccount, *, paid_only: bool = False) -> Iterator[tuple[Lot, int]]:
    """Yield the lots that can be spent from and how much each has, in spending order."""
    for lot in account.lots:
        if lot.free_to_take and not lot.is_expired and (lot.is_paid or not paid_only):
            yield lot, lot.free_to_take


def _expire(account: LockedAccount) -> None:
    for lot in account.lots:
        if lot.is_expired and lot.free_to_take:
            # Part of it may have been held when the lot expired, and be released later.
            key = f"expired:{lot.id}:{account.number + 1}"
            account.append(EntryKind.EXPIRED, lot, key, amount=-lot.free_to_take)
    account.write()
