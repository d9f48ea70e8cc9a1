"""Stripe's events: stored when they arrive, handled by a worker.

An event only says which object to look at. So it does not matter in which order events come, how often, or in which of
Stripe's payload versions.
"""

import threading
from collections.abc import Callable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from backend.billing.errors import UnreadableWebhook, UnsignedWebhook
from backend.billing.models import StripeEvent
from backend.billing.payments.fulfilment import settle_checkout
from backend.billing.payments.gateway import is_live
from backend.billing.payments.refunds_and_disputes import (
    KeepsChanging,
    settle_dispute,
    settle_refund,
    settle_refunds_of,
)
from backend.billing.stripe_gateway import (
    InvalidSignature,
    StripeRefused,
    StripeUnavailable,
    UnreadableEvent,
    verify_event,
)
from backend.billing.stripe_objects import ReceivedEvent
from backend.core.clock import database_now
from backend.core.database.database import db, is_passing
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id, get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobFailed, JobState, LeaseLost, TryLater
from backend.core.work.runner import record
from backend.settings import get_settings

log = get_logger(__name__)

_AGAIN_S = 2.0
# Reasons for administrators, not for the user.
_OFF, _UNAVAILABLE, _REFUSED = "billing_off", "stripe_unavailable", "stripe_refused"


def _settle_checkout(event: StripeEvent) -> str | None:
    return settle_checkout(event.object_id or "")


def _settle_refund(event: StripeEvent) -> str | None:
    return settle_refund(event.object_id or "")


def _settle_refunds_of_charge(event: StripeEvent) -> str | None:
    return settle_refunds_of(event.payment_intent_id)


def _settle_dispute(event: StripeEvent) -> str | None:
    return settle_dispute(event.object_id or "")


HANDLED: Mapping[str, Callable[[StripeEvent], str | None]] = {
    "checkout.session.completed": _settle_checkout,
    "checkout.session.async_payment_succeeded": _settle_checkout,
    "checkout.session.async_payment_failed": _settle_checkout,
    "checkout.session.expired": _settle_checkout,
    "refund.created": _settle_refund,
    "refund.updated": _settle_refund,
    "refund.failed": _settle_refund,
    "charge.refund.updated": _settle_refund,
    "charge.refunded": _settle_refunds_of_charge,
    "charge.dispute.created": _settle_dispute,
    "charge.dispute.updated": _settle_dispute,
    "charge.dispute.funds_withdrawn": _settle_dispute,
    "charge.dispute.funds_reinstated": _settle_dispute,
    "charge.dispute.closed": _settle_dispute,
}
"""Types of events by what is done about them."""

IGNORED = frozenset(
    {
        # The session's events tell the same.
        "charge.captured",
        "charge.expired",
        "charge.failed",
        "charge.pending",
        "charge.succeeded",
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.partially_funded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        # Objects that Stripe makes along with a session.
        "customer.created",
        "customer.updated",
        "payment_method.attached",
        "payment_method.automatically_updated",
        "payment_method.updated",
        "price.created",
        "product.created",
        # Money between Stripe and our bank.
        "balance.available",
        "payout.created",
        "payout.paid",
        "payout.reconciliation_completed",
        "payout.updated",
    }
)
"""Types of events that mean nothing to the ledger. All others are unhandled: somebody must look."""


def read_webhook(raw: bytes, signature: str | None) -> ReceivedEvent:
    """Verify the raw bytes of a webhook first, then read them. Raises UnsignedWebhook, UnreadableWebhook."""
    secrets = [secret.get_secret_value() for secret in get_settings().stripe_webhook_secret]
    try:
        return verify_event(raw, signature, secrets)
    except InvalidSignature as error:
        raise UnsignedWebhook from error
    except UnreadableEvent as error:
        log.error("billing.webhook.unreadable")
        raise UnreadableWebhook from error


def store_event(event: ReceivedEvent) -> bool:
    """Store an event and queue it if something must be done. Returns whether it is new. Needs a transaction."""
    outcome, reason = _judge(event)
    moment = database_now()
    values = {
        "id": new_id(),
        "event_id": event.id,
        "type": event.type,
        "api_version": event.api_version,
        "is_live": event.livemode,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "payment_intent_id": event.payment_intent,
        "outcome": outcome,
        "reason": reason,
        "state": JobState.QUEUED if outcome is None else JobState.DONE,
        "attempt": 0,
        "failures": 0,
        "ended_at": None if outcome is None else moment,
        "request_id": current_request_id(),
    }
    row_id = db.session.scalar(
        insert(StripeEvent).values(values).on_conflict_do_nothing(index_elements=["event_id"]).returning(StripeEvent.id)
    )
    if row_id is None:
        return False
    if outcome is None:
        jobs.dispatch(StripeEvent, [row_id])
    elif reason is not None:
        log.error("billing.event.unhandled", event_id=event.id, type=event.type, reason=reason)
    return True


def _judge(event: ReceivedEvent) -> tuple[str | None, str | None]:
    """Return the outcome of an event that needs no work, and the reason if somebody must look."""
    if event.livemode != is_live():
        return "unhandled", "wrong_mode"
    if event.type in IGNORED:
        return "ignored", None
    if event.type not in HANDLED:
        return "unhandled", "unknown_type"
    if event.object_id is None:
        return "unhandled", "no_object"
    return None, None


def handle_event(held: Claim, lost: threading.Event) -> None:
    """Work on a stored event: read its object from Stripe and book the object's state.

    Raises JobFailed, TryLater, LeaseLost.
    """
    with transaction():
        event = db.session.get(StripeEvent, held.id)
    if event is None:
        raise LeaseLost
    if not get_settings().billing_is_on:
        raise JobFailed(_OFF)
    reason = settle_event(event)
    record(lambda: _finish(held, reason), lost)
    if reason is not None:
        log.error("billing.event.unhandled", stripe_event_id=event.event_id, type=event.type, reason=reason)


def settle_event(event: StripeEvent) -> str | None:
    """Book the object of an event. Returns why that is not possible, or None. Raises JobFailed, TryLater."""
    try:
        return HANDLED[event.type](event)
    except KeepsChanging as error:
        raise TryLater(_AGAIN_S) from error
    except SQLAlchemyError as error:
        # Such as a long lock on the account. It is no failure of the event.
        if not is_passing(error):
            raise
        raise TryLater(_AGAIN_S) from error
    except StripeUnavailable as error:
        raise JobFailed(_UNAVAILABLE, retryable=True, retry_after_s=error.retry_after_s) from error
    except StripeRefused as error:
        if error.code == "resource_missing":
            return "missing_at_stripe"
        log.error("billing.event.stripe_refused", error=str(error))
        raise JobFailed(_REFUSED, retryable=True) from error


def _finish(held: Claim, reason: str | None) -> None:
    jobs.finish(StripeEvent, held)
    _set_outcome(held.id, "handled" if reason is None else "unhandled", reason)


def give_up(row_id: UUID, code: str) -> None:
    """Show an event that could not be handled to administrators. Reconciliation tries it again."""
    _set_outcome(row_id, "unhandled", code)
    log.error("billing.event.unhandled", stripe_event_row_id=str(row_id), reason=code)


def _set_outcome(row_id: UUID, outcome: str, reason: str | None) -> None:
    db.session.execute(
        sa.update(StripeEvent)
        .where(StripeEvent.id == row_id)
        .values(outcome=outcome, reason=reason)
        .execution_options(synchronize_session=False)
    )
