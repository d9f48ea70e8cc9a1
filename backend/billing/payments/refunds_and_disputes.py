"""Books what refunds and disputes have taken from a purchase, or given back.

The object at Stripe decides, never the event. Two workers may handle events of one object at the same time, so a state
that was read may be older than what the other one has booked meanwhile. Therefore the row's ``updated_at`` is read
before the object, and compared under the lock: if it has changed, the object is read again. What is booked is then
never older than what was booked before.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.lots import book_taken, find_lot_of_payment
from backend.billing.models import Dispute, Payment, Refund
from backend.billing.payments.fulfilment import find_payment, settle_purchase_of
from backend.billing.payments.gateway import get_gateway, is_live
from backend.billing.stripe_gateway import CURRENCY
from backend.billing.stripe_objects import StripeDispute, StripeRefund
from backend.billing.types import EntryKind
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.logging import get_logger

log = get_logger(__name__)

TAKEN_STATUSES = frozenset({"pending", "requires_action", "succeeded"})
"""A refund takes its credits as soon as it is requested, so that they are not spent before the money is back."""

RETURNED_STATUSES = frozenset({"failed", "canceled"})
"""Final: Stripe never revives such a refund, but makes a new one."""

OPEN_STATUSES = frozenset({"warning_needs_response", "warning_under_review", "needs_response", "under_review"})
CLOSED_STATUSES = frozenset({"won", "lost", "warning_closed", "prevented"})

_MAX_READS = 5


class KeepsChanging(Exception):
    """Other workers booked newer states of the object again and again. Try later."""


class _Outdated(Exception):
    """Another worker has booked a state of the object since ours was asked for."""


def settle_refund(refund_id: str) -> str | None:
    """Read a refund from Stripe and book what it says. Returns why that is not possible, or None.

    No transaction may be open. Raises KeepsChanging, StripeUnavailable, StripeRefused.
    """

    def settle_once() -> str | None:
        seen = _read_version(Refund, refund_id)
        found = get_gateway().read_refund(refund_id)
        reason = settle_purchase_of(found.payment_intent)
        if reason is not None:
            return reason
        with transaction():
            return _book_refund(found, seen)

    return _settle(settle_once, refund_id)


def settle_refunds_of(payment_intent: str | None) -> str | None:
    """Book all refunds of a payment. Returns why one of them cannot be booked, or None. Raises as ``settle_refund``."""
    if payment_intent is None:
        return "not_a_purchase"
    refunds = get_gateway().list_refunds(payment_intent=payment_intent)
    reasons = [settle_refund(found.id) for found in refunds]
    return next((reason for reason in reasons if reason is not None), None)


def settle_dispute(dispute_id: str) -> str | None:
    """Read a dispute from Stripe and book what it says. Returns why that is not possible, or None.

    While it is open, the user cannot spend. What the bank has withdrawn is taken from the user's credits, and what it
    has given back is returned. No transaction may be open. Raises as ``settle_refund``.
    """

    def settle_once() -> str | None:
        seen = _read_version(Dispute, dispute_id)
        found = get_gateway().read_dispute(dispute_id)
        reason = settle_purchase_of(found.payment_intent)
        if reason is not None:
            return reason
        with transaction():
            return _book_dispute(found, seen)

    return _settle(settle_once, dispute_id)


def _settle(settle_once: Callable[[], str | None], stripe_id: str) -> str | None:
    for _ in range(_MAX_READS):
        try:
            return settle_once()
        except _Outdated:
            log.info("billing.stripe_object.outdated", stripe_id=stripe_id)
    raise KeepsChanging(stripe_id)


def _read_version(table: type[Refund] | type[Dispute], stripe_id: str) -> datetime | None:
    with transaction():
        return _version(table, stripe_id)


def _version(table: type[Refund] | type[Dispute], stripe_id: str) -> datetime | None:
    return db.session.scalar(sa.select(table.updated_at).where(table.stripe_id == stripe_id))


def _lock_payment(
    payment_intent: str | None, table: type[Refund] | type[Dispute], stripe_id: str, seen: datetime | None
) -> Payment:
    """Lock the account of a payment that is booked. Raises _Outdated."""
    payment = find_payment(payment_intent or "")
    if payment is None:
        raise AssertionError("The purchase was booked just before, and payments are never deleted.")
    lock_account(payment.user_id)
    if _version(table, stripe_id) != seen:
        raise _Outdated
    return payment


def _book_refund(found: StripeRefund, seen: datetime | None) -> str | None:
    payment = _lock_payment(found.payment_intent, Refund, found.id, seen)
    if found.currency != CURRENCY or not 0 < found.amount <= payment.amount_rappen:
        return f"mismatch: {found.amount} {found.currency}"
    if found.status not in TAKEN_STATUSES | RETURNED_STATUSES:
        return f"unknown_status: {found.status}"
    booked = db.session.scalar(sa.select(Refund.status).where(Refund.stripe_id == found.id))
    if booked in RETURNED_STATUSES and found.status not in RETURNED_STATUSES:
        return f"revived: {booked}, then {found.status}"
    values = {"amount_rappen": found.amount, "status": found.status}
    _store(Refund, found.id, payment, values)
    target = _credits(payment, found.amount) if found.status in TAKEN_STATUSES else 0
    book_taken(payment.user_id, _find_lot(payment), found.id, EntryKind.REFUNDED, target)
    return None


def _book_dispute(found: StripeDispute, seen: datetime | None) -> str | None:
    payment = _lock_payment(found.payment_intent, Dispute, found.id, seen)
    withdrawn = max(-found.net, 0)
    if found.livemode != is_live():
        return "wrong_mode"
    if found.currency != CURRENCY or withdrawn > payment.amount_rappen:
        return f"mismatch: {withdrawn} {found.currency}"
    if found.status not in OPEN_STATUSES | CLOSED_STATUSES:
        return f"unknown_status: {found.status}"
    values = {
        "amount_rappen": found.amount,
        "withdrawn_rappen": withdrawn,
        "status": found.status,
        "is_open": found.status in OPEN_STATUSES,
    }
    _store(Dispute, found.id, payment, values)
    book_taken(payment.user_id, _find_lot(payment), found.id, EntryKind.DISPUTED, _credits(payment, withdrawn))
    return None


def _store(table: type[Refund] | type[Dispute], stripe_id: str, payment: Payment, values: dict[str, object]) -> None:
    # Also if nothing has changed: the new time tells others that this state is newer than the one they have read.
    values = {**values, "updated_at": database_now()}
    keys = {"id": new_id(), "stripe_id": stripe_id, "user_id": payment.user_id, "payment_id": payment.id}
    statement = insert(table).values({**keys, **values})
    db.session.execute(statement.on_conflict_do_update(index_elements=["stripe_id"], set_=values))


def _credits(payment: Payment, rappen: int) -> int:
    # The price file makes sure that this is a whole number of credits for each rappen.
    return rappen * payment.credits // payment.amount_rappen


def _find_lot(payment: Payment) -> UUID:
    lot = find_lot_of_payment(payment.id)
    if lot is None:
        raise AssertionError("A payment and its lot are booked together.")
    return lot.id
