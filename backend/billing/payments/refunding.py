"""Refunds that an administrator makes through Stripe.

They take three steps: ``plan_refund`` in a transaction that records the request under a key, ``make_refund`` in none,
and ``book_refund`` in another. After a crash in between, the same steps with the same key make no second refund; and
Stripe reports the first one by webhook anyway.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from backend.billing.errors import BillingOff, PaymentsMisconfigured, RefundRefused, RefundTooLarge
from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.lots import book_taken, find_lot_of_payment
from backend.billing.models import Refund
from backend.billing.payments.gateway import get_gateway
from backend.billing.payments.support import get_any_payment
from backend.billing.stripe_gateway import StripeRefused, StripeUnavailable
from backend.billing.stripe_objects import StripeRefund
from backend.billing.types import CREDITS_PER_RAPPEN, EntryKind, PaymentFacts, RefundPlan, RefundReason, RefundState
from backend.core.database.database import db
from backend.core.errors import NotFound, Unavailable
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

# Stripe has three words, and treats a fraudulent one as a warning about the card.
_REASONS = {RefundReason.DUPLICATE: "duplicate", RefundReason.FRAUD: "fraudulent"}
_ELSE = "requested_by_customer"
# Our fault, not a decision about the payment: repeated later, the same request may succeed.
_MISCONFIGURED = frozenset({"authentication_failed", "idempotency_error", "unreadable_response"})


def plan_refund(payment_id: UUID, amount_rappen: int | None, reason: RefundReason, key: UUID) -> RefundPlan:
    """Check that this much is left of a payment, and return the plan. None is all that is left.

    Raises BillingOff, NotFound, RefundTooLarge.
    """
    if not get_settings().billing_is_on:
        raise BillingOff
    payment = get_any_payment(payment_id)
    left = payment.refundable_rappen
    amount = left if amount_rappen is None else amount_rappen
    if not 0 < amount <= left:
        raise RefundTooLarge(left_rappen=left)
    return _plan(payment, amount, reason, key, is_repeated=False)


def repeat_refund(payment_id: UUID, amount_rappen: int, reason: RefundReason, key: UUID) -> RefundPlan:
    """Return the plan of a refund that was planned before. Raises BillingOff, NotFound."""
    if not get_settings().billing_is_on:
        raise BillingOff
    return _plan(get_any_payment(payment_id), amount_rappen, reason, key, is_repeated=True)


def _plan(payment: PaymentFacts, amount: int, reason: RefundReason, key: UUID, *, is_repeated: bool) -> RefundPlan:
    return RefundPlan(
        key, payment.user_id, payment.id, payment.stripe_payment_intent_id, amount, reason, is_repeated=is_repeated
    )


def make_refund(plan: RefundPlan) -> StripeRefund:
    """Make the refund at Stripe, or find it there. No transaction may be open.

    Raises RefundRefused, and Unavailable or PaymentsMisconfigured, after which it can be repeated.
    """
    gateway = get_gateway()
    try:
        # Stripe forgets keys after a day or more, so a repeated request first looks for its refund.
        if plan.is_repeated:
            for known in gateway.list_refunds(payment_intent=plan.payment_intent_id):
                if known.metadata.get("request") == str(plan.key):
                    return known
        return gateway.create_refund(
            payment_intent=plan.payment_intent_id,
            amount=plan.amount_rappen,
            reason=_REASONS.get(plan.reason, _ELSE),
            metadata={"request": str(plan.key)},
            idempotency_key=str(plan.key),
        )
    except StripeUnavailable as error:
        log.warning("billing.refund.stripe_unavailable", request=str(plan.key), error=str(error))
        raise Unavailable from error
    except StripeRefused as error:
        log.error("billing.refund.stripe_refused", request=str(plan.key), error=str(error))
        if error.code in _MISCONFIGURED:
            raise PaymentsMisconfigured from error
        raise RefundRefused(error.code) from error


def book_refund(payment_id: UUID, refund: StripeRefund) -> RefundState:
    """Book a refund as a webhook about it would, and return it. Needs a transaction."""
    _book(payment_id, refund)
    return RefundState(refund.id, payment_id, refund.amount, refund.status or "unknown")


def _book(payment_id: UUID, refund: StripeRefund) -> None:
    lot = find_lot_of_payment(payment_id)
    if lot is None:
        raise NotFound
    lock_account(lot.user_id)
    values = {"amount_rappen": refund.amount, "status": refund.status or "unknown"}
    db.session.execute(
        insert(Refund)
        .values(id=new_id(), user_id=lot.user_id, payment_id=payment_id, stripe_id=refund.id, **values)
        .on_conflict_do_update(index_elements=[Refund.stripe_id], set_=values)
    )
    target = 0 if refund.status in ("failed", "canceled") else refund.amount * CREDITS_PER_RAPPEN
    book_taken(lot.user_id, lot.id, refund.id, EntryKind.REFUNDED, target)
