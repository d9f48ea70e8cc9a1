"""The audit log: what administrators did and viewed, written in the transaction of the action."""

from enum import StrEnum
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from backend.administration.models import AdminAction
from backend.core.database.database import db
from backend.core.database.transaction import after_commit
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id, get_logger
from backend.core.web.pagination import ListPage, PageQuery, fetch_page

log = get_logger(__name__)


class ActorKind(StrEnum):
    """An administrator who is signed in, or an operator at the command line, who has no user id."""

    ADMIN = "admin"
    OPERATOR = "operator"


class Action(StrEnum):
    USERS_SEARCHED = "users.searched"
    USER_VIEWED = "user.viewed"
    USER_RUNS_VIEWED = "user.runs_viewed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_SESSIONS_ENDED = "user.sessions_ended"
    RUN_CANCELLED = "run.cancelled"
    RUN_RETRIED = "run.retried"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    USER_EXPORTED = "user.exported"
    USER_ERASED = "user.erased"
    USER_CREDITS_VIEWED = "user.credits_viewed"
    USER_PAYMENTS_VIEWED = "user.payments_viewed"
    CREDITS_ADJUSTED = "credits.adjusted"
    REFUND_REQUESTED = "refund.requested"
    REFUND_MADE = "refund.made"
    REFUND_REFUSED = "refund.refused"
    EVENTS_VIEWED = "events.viewed"
    EVENT_RETRIED = "event.retried"
    EVENT_DISMISSED = "event.dismissed"
    REVENUE_VIEWED = "revenue.viewed"
    USAGE_VIEWED = "usage.viewed"
    RUN_COST_VIEWED = "run.cost_viewed"
    RUN_COSTS_VIEWED = "run.costs_viewed"


def record_action(
    actor_id: UUID | None,
    action: Action,
    *,
    subject_user_id: UUID | None = None,
    run_id: UUID | None = None,
    **data: str | int | bool | None,
) -> None:
    """Add an entry to the audit log, in the open transaction. ``actor_id`` is None for an operator.

    ``data`` must contain only codes and numbers, never text that anyone typed: entries outlive the users they concern
    and cannot be corrected.
    """
    kind = ActorKind.OPERATOR if actor_id is None else ActorKind.ADMIN
    subject_id = str(subject_user_id) if subject_user_id else None
    db.session.add(
        AdminAction(
            id=new_id(),
            actor_kind=kind,
            actor_id=actor_id,
            action=action,
            subject_user_id=subject_user_id,
            run_id=run_id,
            data=data,
            request_id=current_request_id(),
        )
    )
    db.session.flush()
    # The log line is a second record, out of reach of someone who controls the database.
    after_commit(
        partial(log.info, "operations.admin.acted", action=action.value, actor=kind.value, subject_user_id=subject_id)
    )


def list_actions(
    page: PageQuery, *, subject_user_id: UUID | None = None, actor_id: UUID | None = None
) -> ListPage[AdminAction]:
    """Return a page of the audit log, newest first."""
    query = sa.select(AdminAction)
    if subject_user_id is not None:
        query = query.where(AdminAction.subject_user_id == subject_user_id)
    if actor_id is not None:
        query = query.where(AdminAction.actor_id == actor_id)
    return fetch_page(query, AdminAction.id, page, newest_first=True)
