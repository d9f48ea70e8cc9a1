"""Events that somebody must look at.

Nothing here checks permissions: the administration room does, and records the action.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.billing.errors import EventNotRetriable
from backend.billing.models import StripeEvent
from backend.billing.payments.events import HANDLED
from backend.billing.payments.gateway import is_live
from backend.billing.types import UnhandledEvent
from backend.core.clock import database_now, now
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.ids import first_id_at
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.core.work.jobs import JobState, dispatch

_UNHANDLED = "unhandled"
_BATCH = 1000


def list_unhandled_events(page: PageQuery) -> ListPage[UnhandledEvent]:
    """Return a page of the events that somebody must look at, newest first. Raises InvalidCursor."""
    query = sa.select(StripeEvent).where(StripeEvent.outcome == _UNHANDLED)
    found = fetch_page(query, StripeEvent.id, page, newest_first=True)
    return ListPage([_describe_event(event) for event in found.items], found.next_cursor)


def count_unhandled_events() -> int:
    """Return how many events somebody must look at. Needs a transaction."""
    query = sa.select(sa.func.count()).select_from(StripeEvent).where(StripeEvent.outcome == _UNHANDLED)
    return db.session.scalar(query) or 0


def retry_event(event_id: UUID) -> UnhandledEvent:
    """Queue an unhandled event, to be handled again. Others stay as they are.

    Raises BillingOff, NotFound, and EventNotRetriable if this release would not handle it either.
    """
    event = db.session.scalar(
        sa.select(StripeEvent)
        .where(StripeEvent.id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound
    if event.outcome == _UNHANDLED:
        if event.type not in HANDLED or event.object_id is None or event.is_live != is_live():
            raise EventNotRetriable
        event.outcome = event.reason = event.ended_at = event.error_code = None
        event.failures = 0
        event.state = JobState.QUEUED
        event.available_at = database_now()
        db.session.flush()
        dispatch(StripeEvent, [event.id])
    return _describe_event(event)


def dismiss_event(event_id: UUID) -> UnhandledEvent:
    """Mark an unhandled event as ignored: somebody has looked at it. Others stay as they are. Raises NotFound."""
    event = db.session.scalar(
        sa.select(StripeEvent)
        .where(StripeEvent.id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound
    if event.outcome == _UNHANDLED:
        event.outcome, event.reason = "ignored", None
        db.session.flush()
    return _describe_event(event)


_KEPT = timedelta(days=90)


def forget_old_events() -> int:
    """Delete events of which nothing remains to be done, long after Stripe has stopped repeating them.

    Returns their number. Needs a transaction.
    """
    old = sa.select(StripeEvent.id).where(
        StripeEvent.id < first_id_at(now() - _KEPT), StripeEvent.outcome.in_(("handled", "ignored"))
    )
    gone = sa.delete(StripeEvent).where(StripeEvent.id.in_(old.limit(_BATCH).scalar_subquery()))
    return len(db.session.scalars(gone.returning(StripeEvent.id).execution_options(synchronize_session=False)).all())


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
