"""Compares our payments with Stripe's, and books what was missed.

Every repair goes through the same functions as events do, so it is safe to repeat, and to run beside them. After a
restore from backup, this rebuilds the purchases, refunds and disputes since then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from backend.billing.errors import PaymentsMisconfigured
from backend.billing.models import Checkout, Dispute, Payment, Refund, StripeEvent
from backend.billing.payments.events import store_event
from backend.billing.payments.fulfilment import settle_checkout
from backend.billing.payments.gateway import get_gateway
from backend.billing.payments.refunds_and_disputes import (
    RETURNED_STATUSES,
    KeepsChanging,
    settle_dispute,
    settle_refund,
)
from backend.billing.stripe_gateway import StripeRefused, StripeUnavailable
from backend.billing.stripe_objects import StripeCheckout
from backend.core.clock import database_now, now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import Unavailable
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import JobFailed, JobState, TryLater

log = get_logger(__name__)

WINDOW = timedelta(days=7)
"""How far back the daily run looks. What is still open on our side is compared whatever its age."""

_OPEN_TOO_LONG = timedelta(days=1)
# A refund that has succeeded can still fail, and a closed dispute be reopened, weeks after it was created.
_CHANGES_WITHIN = timedelta(days=30)
_AGAIN_S = 600.0
_FINAL_REFUNDS = RETURNED_STATUSES | {"succeeded"}


@dataclass(slots=True)
class Reconciliation:
    """What was compared, repaired, and cannot be repaired: pairs of an object's id and a reason."""

    since: datetime
    compared: dict[str, int] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    retried_events: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "compared": self.compared,
            "repaired": self.repaired,
            "problems": [{"id": stripe_id, "reason": reason} for stripe_id, reason in self.problems],
            "retried_events": self.retried_events,
        }


def reconcile_daily(last_day: date | None) -> dict[str, Any]:
    """Reconcile the last days; return the report. Raises TryLater while Stripe is unreachable, and JobFailed.

    It goes back to ``last_day``, when this was last done, if that is longer ago: billing may have been off meanwhile.
    """
    since = now() - WINDOW
    if last_day is not None:
        since = min(since, datetime.combine(last_day, time.min, UTC))
    try:
        return reconcile(since).to_json()
    except Unavailable as error:
        raise TryLater(_AGAIN_S) from error
    except PaymentsMisconfigured as error:
        raise JobFailed(error.code) from error


def reconcile(since: datetime | None = None) -> Reconciliation:
    """Compare with Stripe what was created there since then, by default the last days, and book what was missed.

    Opens its own transactions. Raises BillingOff, Unavailable, PaymentsMisconfigured.
    """
    done = Reconciliation(now() - WINDOW if since is None else since)
    try:
        _reconcile(done)
    except StripeUnavailable as error:
        raise Unavailable from error
    except StripeRefused as error:
        log.error("billing.reconciliation.stripe_refused", error=str(error))
        raise PaymentsMisconfigured from error
    for stripe_id in done.repaired:
        log.error("billing.reconciliation.repaired", stripe_id=stripe_id)
    for stripe_id, reason in done.problems:
        log.error("billing.reconciliation.problem", stripe_id=stripe_id, reason=reason)
    log.info("billing.reconciliation.done", repaired=len(done.repaired), problems=len(done.problems))
    return done


def _reconcile(done: Reconciliation) -> None:
    _reconcile_checkouts(done)
    _reconcile_refunds(done)
    _reconcile_disputes(done)
    # Last: their objects are booked by now, so that a worker has little left to do.
    _store_undelivered_events(done)
    _retry_failed_events(done)


def _reconcile_checkouts(done: Reconciliation) -> None:
    found = get_gateway().list_checkouts(done.since)
    done.compared["checkouts"] = len(found)
    with transaction():
        paid, states = _read_checkouts([each.id for each in found])
        old = set(_list_old_open_checkouts())
        _expire_checkouts_without_session()
    missed = {each.id for each in found if _is_missed(each, is_booked=each.id in paid, state=states.get(each.id))}
    for session_id in sorted(missed | old):
        _repair(done, session_id, partial(settle_checkout, session_id), partial(_read_checkouts, [session_id]))
    with transaction():
        still_open = set(_list_old_open_checkouts())
    known = {session_id for session_id, _ in done.problems}
    done.problems += [(session_id, "still_open") for session_id in sorted(still_open - known)]


def _read_checkouts(session_ids: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    """Return which of the sessions are booked, and the states of our checkouts by session."""
    paid = db.session.scalars(sa.select(Payment.stripe_session_id).where(Payment.stripe_session_id.in_(session_ids)))
    states = db.session.execute(
        sa.select(Checkout.stripe_session_id, Checkout.state).where(Checkout.stripe_session_id.in_(session_ids))
    )
    return set(paid), {str(session_id): state for session_id, state in states}


def _is_missed(found: StripeCheckout, *, is_booked: bool, state: str | None) -> bool:
    if state is None and "checkout_id" not in found.metadata:
        # Sold by another program with the same account at Stripe.
        return False
    if found.payment_status == "unpaid":
        return found.status != "open" and state == "open"
    return not is_booked


def _list_old_open_checkouts() -> Sequence[str]:
    query = sa.select(Checkout.stripe_session_id).where(
        Checkout.state == "open",
        Checkout.stripe_session_id.is_not(None),
        Checkout.created_at < database_now() - _OPEN_TOO_LONG,
    )
    return [str(session_id) for session_id in db.session.scalars(query)]


def _expire_checkouts_without_session() -> None:
    """End checkouts that never got a page at Stripe, so that nobody can have paid."""
    db.session.execute(
        sa.update(Checkout)
        .where(Checkout.state == "open", Checkout.stripe_session_id.is_(None), Checkout.expires_at < database_now())
        .values(state="expired")
        .execution_options(synchronize_session=False)
    )


def _reconcile_refunds(done: Reconciliation) -> None:
    found = get_gateway().list_refunds(since=done.since - _CHANGES_WITHIN)
    done.compared["refunds"] = len(found)
    with transaction():
        ours = _read_refunds([each.id for each in found])
        unfinished = db.session.scalars(sa.select(Refund.stripe_id).where(Refund.status.not_in(_FINAL_REFUNDS))).all()
    differ = {each.id for each in found if ours.get(each.id) != (each.status, each.amount)}
    for refund_id in sorted(differ.union(unfinished)):
        _repair(done, refund_id, partial(settle_refund, refund_id), partial(_read_refunds, [refund_id]))


def _read_refunds(refund_ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
    rows = db.session.execute(
        sa.select(Refund.stripe_id, Refund.status, Refund.amount_rappen).where(Refund.stripe_id.in_(refund_ids))
    )
    return {refund_id: (status, amount) for refund_id, status, amount in rows}


def _reconcile_disputes(done: Reconciliation) -> None:
    found = get_gateway().list_disputes(since=done.since - _CHANGES_WITHIN)
    done.compared["disputes"] = len(found)
    with transaction():
        ours = _read_disputes([each.id for each in found])
        unfinished = db.session.scalars(sa.select(Dispute.stripe_id).where(Dispute.is_open)).all()
    differ = {each.id for each in found if ours.get(each.id) != (each.status, max(-each.net, 0))}
    for dispute_id in sorted(differ.union(unfinished)):
        _repair(done, dispute_id, partial(settle_dispute, dispute_id), partial(_read_disputes, [dispute_id]))


def _read_disputes(dispute_ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
    rows = db.session.execute(
        sa.select(Dispute.stripe_id, Dispute.status, Dispute.withdrawn_rappen).where(Dispute.stripe_id.in_(dispute_ids))
    )
    return {dispute_id: (status, withdrawn) for dispute_id, status, withdrawn in rows}


def _repair(done: Reconciliation, stripe_id: str, settle: Callable[[], str | None], read: Callable[[], object]) -> None:
    """Settle an object that differs, and note whether that changed something."""
    with transaction():
        before = read()
    try:
        reason = settle()
    except KeepsChanging:
        # Workers are busy with it.
        return
    except StripeRefused as error:
        reason = "missing_at_stripe" if error.code == "resource_missing" else error.code
    with transaction():
        after = read()
    if reason is not None:
        done.problems.append((stripe_id, reason))
    elif after != before:
        done.repaired.append(stripe_id)


def _store_undelivered_events(done: Reconciliation) -> None:
    found = get_gateway().list_undelivered_events(done.since)
    done.compared["undelivered_events"] = len(found)
    for event in found:
        with transaction():
            if store_event(event):
                done.repaired.append(event.id)


def _retry_failed_events(done: Reconciliation) -> None:
    """Give events another chance that could not be handled while Stripe or the database was unreachable."""
    with transaction():
        failed = db.session.scalars(
            sa.update(StripeEvent)
            .where(StripeEvent.state == JobState.FAILED)
            .values(
                state=JobState.QUEUED,
                failures=0,
                error_code=None,
                outcome=None,
                reason=None,
                ended_at=None,
                available_at=database_now(),
            )
            .returning(StripeEvent.id)
            .execution_options(synchronize_session=False)
        ).all()
        jobs.dispatch(StripeEvent, failed)
    done.retried_events = len(failed)
