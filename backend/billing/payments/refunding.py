"""Refunds that an administrator makes through Stripe.

First ``plan_refund``, in the transaction that records the request under a key; then ``make_refund``, in none. After a
crash in between, the same key makes no second refund.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from backend.billing.errors import BillingOff, PaymentsMisconfigured, RefundRefused, RefundTooLarge
from backend.billing.payments.gateway import get_gateway, while_a_request_waits
from backend.billing.payments.refunds_and_disputes import KeepsChanging, settle_refund
from backend.billing.payments.support import get_any_payment
from backend.billing.stripe_gateway import StripeRefused, StripeUnavailable
from backend.billing.stripe_objects import StripeRefund
from backend.billing.types import PaymentFacts, RefundPlan, RefundReason, RefundState
from backend.core.errors import Unavailable
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

# Stripe has three words, and treats a fraudulent one as a warning about the card.
_REASONS = {RefundReason.DUPLICATE: "duplicate", RefundReason.FRAUD: "fraudulent"}
_OTHER_REASON = "requested_by_customer"
_REQUEST = "request"
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
        raise RefundTooLarge(refundable_rappen=left)
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


def make_refund(plan: RefundPlan) -> RefundState:
    """Make the refund at Stripe, or find it there, and book it as a webhook about it would.

    No transaction may be open. Raises RefundRefused if there is none, and Unavailable or PaymentsMisconfigured if there
    may be one: then repeat it. Its webhook books it anyway.
    """
    with _translated(plan), while_a_request_waits():
        try:
            refund = _find_at_stripe(plan) or _create_at_stripe(plan)
        except StripeRefused as error:
            if error.code in _MISCONFIGURED:
                raise
            log.warning("billing.refund.refused", request=str(plan.key), error=str(error))
            raise RefundRefused(error.code) from error
        reason = settle_refund(refund.id)
    if reason is not None:
        log.error("billing.refund.not_booked", stripe_id=refund.id, reason=reason)
    return RefundState(refund.id, plan.payment_id, refund.amount, refund.status or "unknown", is_booked=reason is None)


def _find_at_stripe(plan: RefundPlan) -> StripeRefund | None:
    # Stripe forgets keys after a day or more, so a repeated request first looks for its refund.
    if not plan.is_repeated:
        return None
    known = get_gateway().list_refunds(payment_intent=plan.payment_intent_id)
    return next((refund for refund in known if refund.metadata.get(_REQUEST) == str(plan.key)), None)


def _create_at_stripe(plan: RefundPlan) -> StripeRefund:
    return get_gateway().create_refund(
        payment_intent=plan.payment_intent_id,
        amount=plan.amount_rappen,
        reason=_REASONS.get(plan.reason, _OTHER_REASON),
        metadata={_REQUEST: str(plan.key)},
        idempotency_key=str(plan.key),
    )


@contextmanager
def _translated(plan: RefundPlan) -> Iterator[None]:
    try:
        yield
    except (StripeUnavailable, KeepsChanging) as error:
        log.warning("billing.refund.unavailable", request=str(plan.key), error=str(error))
        raise Unavailable from error
    except StripeRefused as error:
        log.error("billing.refund.misconfigured", request=str(plan.key), error=str(error))
        raise PaymentsMisconfigured from error
