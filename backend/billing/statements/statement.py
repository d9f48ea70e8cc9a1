"""A year's statement: money paid and returned, and what became of the credits. Both parts add up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.billing.models import CreditEntry, CreditLot, Dispute, Payment, Refund
from backend.billing.payments.refunds_and_disputes import TAKEN_STATUSES
from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import db
from backend.core.database.swiss_days import SWISS_TIME
from backend.text.invisible import remove_unseen

# In force since 2024 (VAT Act, art. 25). Stripe reports the tax in rappen only.
_SWISS_VAT_PERCENT = (Decimal("8.1"), Decimal("3.8"), Decimal("2.6"))
_HALF = Decimal("0.5")


class MoneyKind(StrEnum):
    PURCHASE = "purchase"
    REFUND = "refund"
    DISPUTE = "dispute"


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """Money that the user paid, or got back (negative). ``day`` is the date in Switzerland.

    ``vat_rappen`` is included in ``amount_rappen``. ``vat_percent`` is None if it is not a Swiss rate. ``reference`` is
    Stripe's id.
    """

    kind: MoneyKind
    day: date
    amount_rappen: int
    credits: int
    vat_rappen: int
    vat_percent: Decimal | None
    method: str | None
    reference: str


class Movement(StrEnum):
    """Why credits came or went."""

    PURCHASED = "purchased"
    FREE = "free"
    SPENT = "spent"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"


_MOVEMENTS = {
    EntryKind.CAPTURED: Movement.SPENT,
    EntryKind.REFUNDED: Movement.REFUNDED,
    EntryKind.REFUND_RETURNED: Movement.REFUNDED,
    EntryKind.DISPUTED: Movement.DISPUTED,
    EntryKind.REINSTATED: Movement.DISPUTED,
    EntryKind.EXPIRED: Movement.EXPIRED,
    EntryKind.ADJUSTED: Movement.ADJUSTED,
}


@dataclass(frozen=True, slots=True)
class CreditMovements:
    """``opening`` and the changes add up to ``closing``. Every kind of movement is listed, also those of 0."""

    opening: int
    changes: tuple[tuple[Movement, int], ...]
    closing: int


@dataclass(frozen=True, slots=True)
class Statement:
    """``payers`` names the user, best first: as Stripe knows them, as their profile says, their addresses."""

    year: int
    payers: tuple[str, ...]
    rows: tuple[MoneyRow, ...]
    credits: CreditMovements

    def total(self, *kinds: MoneyKind) -> int:
        """Return the sum in rappen of the rows of some kinds."""
        return sum(row.amount_rappen for row in self.rows if row.kind in kinds)

    def total_vat(self, *kinds: MoneyKind) -> int:
        """Return the tax in rappen in the rows of some kinds."""
        return sum(row.vat_rappen for row in self.rows if row.kind in kinds)


def build_statement(user_id: UUID, year: int) -> Statement:
    """Return the user's statement for a calendar year in Switzerland. Raises NotFound for a user who is leaving."""
    start, end = (datetime(each, 1, 1, tzinfo=SWISS_TIME) for each in (year, year + 1))
    payments = db.session.scalars(
        sa.select(Payment)
        .where(Payment.user_id == user_id, Payment.paid_at >= start, Payment.paid_at < end)
        .order_by(Payment.paid_at, Payment.id)
    ).all()
    found = [(payment.paid_at, _purchase(payment)) for payment in payments]
    found += _list_returned(user_id, start, end)
    found.sort(key=lambda each: each[0])
    return Statement(
        year=year,
        payers=_list_payers(user_id, payments),
        rows=tuple(row for _, row in found),
        credits=_sum_movements(user_id, start, end),
    )


def find_vat_percent(amount_rappen: int, vat_rappen: int) -> Decimal | None:
    """Return the Swiss rate at which an amount includes this tax, or None."""
    if not vat_rappen:
        return None
    for percent in _SWISS_VAT_PERCENT:
        if abs(amount_rappen * percent / (100 + percent) - vat_rappen) <= _HALF:
            return percent
    return None


def _purchase(payment: Payment) -> MoneyRow:
    return MoneyRow(
        kind=MoneyKind.PURCHASE,
        day=_day(payment.paid_at),
        amount_rappen=payment.amount_rappen,
        credits=payment.credits,
        vat_rappen=payment.tax_rappen,
        vat_percent=find_vat_percent(payment.amount_rappen, payment.tax_rappen),
        method=payment.method,
        reference=payment.stripe_payment_intent_id,
    )


def _list_returned(user_id: UUID, start: datetime, end: datetime) -> list[tuple[datetime, MoneyRow]]:
    refunds = sa.select(Refund, Refund.amount_rappen, Payment).where(Refund.status.in_(TAKEN_STATUSES))
    disputes = sa.select(Dispute, Dispute.withdrawn_rappen, Payment).where(Dispute.withdrawn_rappen > 0)
    # Those of earlier years, too: the tax in each part of a payment depends on what was returned before.
    found = [
        (kind, returned, amount, payment)
        for kind, table, query in ((MoneyKind.REFUND, Refund, refunds), (MoneyKind.DISPUTE, Dispute, disputes))
        for returned, amount, payment in db.session.execute(
            query.join(Payment, Payment.id == table.payment_id).where(table.user_id == user_id, table.created_at < end)
        )
    ]
    found.sort(key=lambda each: (each[1].created_at, each[1].id))
    returned_before: Counter[UUID] = Counter()
    rows: list[tuple[datetime, MoneyRow]] = []
    for kind, returned, amount, payment in found:
        before = returned_before[payment.id]
        returned_before[payment.id] += amount
        if returned.created_at < start:
            continue
        row = MoneyRow(
            kind=kind,
            day=_day(returned.created_at),
            amount_rappen=-amount,
            credits=0,
            vat_rappen=_vat_in(payment, before) - _vat_in(payment, before + amount),
            vat_percent=find_vat_percent(payment.amount_rappen, payment.tax_rappen),
            method=payment.method,
            reference=returned.stripe_id,
        )
        rows.append((returned.created_at, row))
    return rows


def _vat_in(payment: Payment, rappen: int) -> int:
    """Return the tax in a part of a payment. The parts of a payment add up to its tax."""
    return (2 * rappen * payment.tax_rappen + payment.amount_rappen) // (2 * payment.amount_rappen)


def _day(moment: datetime) -> date:
    return moment.astimezone(SWISS_TIME).date()


def _list_payers(user_id: UUID, payments: Sequence[Payment]) -> tuple[str, ...]:
    profile = accounts.get_profile(user_id)
    latest = payments[-1] if payments else None
    names = (
        latest and latest.payer_name,
        profile.name,
        latest and latest.payer_email,
        profile.email,
    )
    return tuple(name for name in names if name and remove_unseen(name).strip())


def _sum_movements(user_id: UUID, start: datetime, end: datetime) -> CreditMovements:
    # Entries are parted by number, not by time: a transaction that waited for the account's lock writes its entries
    # after those of one that began later. So no entry is in two years or in none, and each year adds up.
    first, opening = _state_before(user_id, start)
    last, closing = _state_before(user_id, end)
    rows = db.session.execute(
        sa.select(CreditEntry.kind, CreditLot.source, sa.func.sum(CreditEntry.amount))
        .join(CreditLot, CreditLot.id == CreditEntry.lot_id)
        .where(CreditEntry.user_id == user_id, CreditEntry.number > first, CreditEntry.number <= last)
        .where(CreditEntry.amount != 0)
        .group_by(CreditEntry.kind, CreditLot.source)
    )
    sums = dict.fromkeys(Movement, 0)
    for kind, source, amount in rows:
        sums[_movement(EntryKind(kind), LotSource(source))] += int(amount)
    return CreditMovements(opening, tuple(sums.items()), closing)


def _movement(kind: EntryKind, source: LotSource) -> Movement:
    if kind is EntryKind.GRANTED:
        return Movement.PURCHASED if source is LotSource.PURCHASE else Movement.FREE
    return _MOVEMENTS[kind]


def _state_before(user_id: UUID, moment: datetime) -> tuple[int, int]:
    """Return the number of the last entry before a moment, and the balance after it."""
    row = db.session.execute(
        sa.select(CreditEntry.number, CreditEntry.paid_after + CreditEntry.free_after)
        .where(CreditEntry.user_id == user_id, CreditEntry.created_at < moment)
        .order_by(CreditEntry.number.desc())
        .limit(1)
    ).one_or_none()
    return (0, 0) if row is None else (row[0], int(row[1]))
