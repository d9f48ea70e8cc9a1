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
from backend.core.database.database import Base, db
from backend.core.ids import new_id

# Tables instead of classes: these statements run for every reservation, and SQLAlchemy's ORM would double their cost.
_accounts, _lots, _entries, _disputes = (
    Base.metadata.tables[model.__tablename__] for model in (CreditAccount, CreditLot, CreditEntry, Dispute)
)
_USER = sa.bindparam("account", type_=sa.Uuid())


class LedgerMisused(AssertionError):
    """A programming error: a caller asks for something that the ledger never books."""


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

    def get_lot(self, lot_id: UUID) -> Lot:
        """Raises LedgerMisused if the lot belongs to another account."""
        for lot in self.lots:
            if lot.id == lot_id:
                return lot
        raise LedgerMisused(f"Lot {lot_id} does not belong to account {self.user_id}.")

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
            db.session.execute(_INSERT_ENTRY, self._new)
            self._new = []


# Not UPDATE: rows that refer to the account must not wait for its lock.
_LOCK = sa.select(_accounts.c.user_id).where(_accounts.c.user_id == _USER).with_for_update(key_share=True)
_ADD = insert(CreditAccount).values(user_id=_USER).on_conflict_do_nothing()
_INSERT_ENTRY = sa.insert(_entries)

# The last entry of the lot in the enclosing query.
_lot_state = (
    sa.select(_entries.c.lot_after, _entries.c.lot_held_after)
    .where(_entries.c.lot_id == _lots.c.id)
    .order_by(_entries.c.number.desc())
    .limit(1)
    .correlate(_lots)
    .lateral("lot_state")
)
_last = (
    sa.select(_entries.c.number, _entries.c.paid_after, _entries.c.free_after, _entries.c.held_after)
    .where(_entries.c.user_id == _USER)
    .order_by(_entries.c.number.desc())
    .limit(1)
    .subquery("last")
)
_is_frozen = sa.exists().where(_disputes.c.user_id == _USER, _disputes.c.is_open)
_is_expired = _lots.c.expires_at <= database_now()
_READ_FROZEN = sa.select(_is_frozen)
_READ_ACCOUNT = (
    sa.select(
        _last.c.number.label("last_number"),
        _last.c.paid_after,
        _last.c.free_after,
        _last.c.held_after,
        _is_frozen.label("is_frozen"),
        _lots.c.id,
        _lots.c.number,
        _lots.c.source,
        _lots.c.priority,
        _is_expired.label("is_expired"),
        _lot_state.c.lot_after,
        _lot_state.c.lot_held_after,
    )
    .select_from(_last)
    .join(_lots, _lots.c.user_id == _USER)
    .join(_lot_state, sa.true())
    .order_by(_lots.c.priority, _lots.c.number)
)
_READ_BALANCE = sa.select(
    sa.func.coalesce(_last.c.paid_after, 0),
    sa.func.coalesce(_last.c.free_after, 0)
    - sa.select(
        sa.func.coalesce(sa.func.sum(sa.func.greatest(_lot_state.c.lot_after - _lot_state.c.lot_held_after, 0)), 0)
    )
    .select_from(_lots)
    .join(_lot_state, sa.true())
    .where(_lots.c.user_id == _USER, _is_expired)
    .scalar_subquery(),
    sa.func.coalesce(_last.c.held_after, 0),
    _is_frozen,
).select_from(sa.select(sa.literal(1)).subquery("one").outerjoin(_last, sa.true()))


def lock_account(user_id: UUID) -> LockedAccount:
    """Lock the user's credit account until the transaction ends, and create it if there is none.

    It comes last in the order of locks (docs/architecture.md). Lots that have expired are booked out.
    """
    lock_row(user_id)
    account = _read_account(user_id)
    _expire(account)
    return account


def lock_row(user_id: UUID) -> None:
    """Lock the user's credit account until the transaction ends, and create it if there is none."""
    parameters = {"account": user_id}
    if db.session.execute(_LOCK, parameters).first() is None:
        db.session.execute(_ADD, parameters)
        db.session.execute(_LOCK, parameters)


def read_balance(user_id: UUID) -> CreditBalance:
    """Return the user's credits, without a lock. Expired credits are left out, even if not booked out yet."""
    paid, free, held, is_frozen = db.session.execute(_READ_BALANCE, {"account": user_id}).one()
    return CreditBalance(paid, int(free), held, is_frozen)


def _read_account(user_id: UUID) -> LockedAccount:
    # One statement, after the lock: the statement that waits for a lock sees other rows as they were before it.
    rows = db.session.execute(_READ_ACCOUNT, {"account": user_id}).all()
    if not rows:
        frozen = bool(db.session.scalar(_READ_FROZEN, {"account": user_id}))
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
    """Yield the lots that can be spent from and how much each has, in spending order.

    Nothing is left of expired ones: locking the account has booked it out.
    """
    for lot in account.lots:
        if lot.free_to_take and (lot.is_paid or not paid_only):
            yield lot, lot.free_to_take


def _expire(account: LockedAccount) -> None:
    for lot in account.lots:
        if lot.is_expired and lot.free_to_take:
            # Part of it may have been held when the lot expired, and be released later.
            key = f"expired:{lot.id}:{account.number + 1}"
            account.append(EntryKind.EXPIRED, lot, key, amount=-lot.free_to_take)
    account.write()
