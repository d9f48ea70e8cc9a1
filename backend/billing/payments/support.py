"""Payments and events as administrators see them, without the payers' data.

Nothing here checks whose they are. The administration room checks the permission and records the action.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import Payment, StripeEvent
from backend.billing.payments.payments import PaymentState, describe_payments, list_payments
from backend.billing.types import PaymentFacts, UnhandledEvent
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.core.work.jobs import JobState, dispatch

_UNHANDLED = "unhandled"


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


def list_unhandled_events(page: PageQuery) -> ListPage[UnhandledEvent]:
    """Return a page of the events that somebody must look at, newest first. Raises InvalidCursor."""
    query = sa.select(StripeEvent).where(StripeEvent.outcome == _UNHANDLED)
    found = fetch_page(query, StripeEvent.id, page, newest_first=True)
    return ListPage([_describe_event(event) for event in found.items], found.next_cursor)


def retry_event(event_id: UUID) -> UnhandledEvent:
    """Queue an unhandled event, to be handled again. Others stay as they are. Raises NotFound."""
    event = db.session.scalar(
        sa.select(StripeEvent)
        .where(StripeEvent.id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound
    if event.outcome == _UNHANDLED:
        event.outcome = event.reason = event.ended_at = event.error_code = None
        event.failures = 0
        event.state = JobState.QUEUED
        event.available_at = database_now()
        db.session.flush()
        dispatch(StripeEvent, [event.id])
    return _describe_event(event)


def _describe_event(event: StripeEvent) -> UnhandledEvent:
    return UnhandledEvent(
        id=event.id,
        event_id=event.event_id,
        type=event.type,
        object_type=event.object_type,
        object_id=event.object_id,
        outcome=event.outcome,
        reason=event.reason,
        received_at=event.created_at,
    )
