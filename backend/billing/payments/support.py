"""Payments as administrators see them, without the payers' data.

Nothing here checks whose they are. The administration room checks the permission and records the action.
"""

from uuid import UUID

from backend.billing.models import Payment
from backend.billing.payments.payments import PaymentState, describe_payments, list_payments
from backend.billing.types import PaymentFacts
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.web.pagination import ListPage, PageQuery


def get_any_payment(payment_id: UUID) -> PaymentFacts:
    """Return a payment of any user. Raises NotFound."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound
    return _facts(describe_payments([payment])[0])


def list_payments_of_user(user_id: UUID, page: PageQuery) -> ListPage[PaymentFacts]:
    """Return a page of the user's payments, newest first. Raises InvalidCursor."""
    found = list_payments(user_id, page)
    return ListPage([_facts(state) for state in found.items], found.next_cursor)


def _facts(state: PaymentState) -> PaymentFacts:
    payment = state.payment
    return PaymentFacts(
        id=payment.id,
        user_id=payment.user_id,
        package=payment.package,
        amount_rappen=payment.amount_rappen,
        tax_rappen=payment.tax_rappen,
        credits=payment.credits,
        method=payment.method,
        is_live=payment.is_live,
        stripe_payment_intent_id=payment.stripe_payment_intent_id,
        state=state.name,
        refunded_rappen=state.refunded_rappen,
        disputed_rappen=state.disputed_rappen,
        paid_at=payment.paid_at,
    )
