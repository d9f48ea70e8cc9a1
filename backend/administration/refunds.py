"""Refunds by administrators: requested in the audit log, then made at Stripe and booked.

Repeating one with its key is safe.
"""

from dataclasses import dataclass
from uuid import UUID, uuid5

import sqlalchemy as sa

from backend.administration.audit_log import Action, record_action
from backend.administration.ceiling import first_id_in_window, lock_given, require_below_ceiling
from backend.administration.errors import OwnMoney
from backend.administration.models import AdminAction
from backend.billing import service as billing
from backend.billing.errors import RefundRefused
from backend.billing.types import CREDITS_PER_RAPPEN, RefundPlan, RefundReason, RefundState
from backend.core.database.database import db
from backend.core.web.idempotency import IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What an administrator asks for. ``amount_rappen`` is None for all that is left."""

    payment_id: UUID
    amount_rappen: int | None
    reason: RefundReason
    ticket: int


def request_refund(admin_id: UUID, wish: RefundWish, idempotency_key: str) -> RefundPlan:
    """Record the request and return the plan to make at Stripe. The same key gives the same plan again.

    Raises BillingOff, OwnMoney, NotFound, RefundTooLarge, DailyCeilingReached, IdempotencyKeyReused, and RefundRefused
    if Stripe has refused it before.
    """
    payment = billing.get_any_payment(wish.payment_id)
    if payment.user_id == admin_id:
        raise OwnMoney
    request_id = uuid5(wish.payment_id, f"{admin_id} {idempotency_key}")
    lock_given(admin_id)
    known = _find(Action.REFUND_REQUESTED, admin_id, payment.user_id, request_id)
    if known is not None:
        return _repeat(admin_id, known, wish, request_id)
    plan = billing.plan_refund(wish.payment_id, wish.amount_rappen, wish.reason, request_id)
    _record_request(admin_id, plan, wish)
    return plan


def _repeat(admin_id: UUID, known: AdminAction, wish: RefundWish, request_id: UUID) -> RefundPlan:
    data = known.data
    asked = (None if data["is_rest"] else data["amount_rappen"], data["reason"], data["ticket"])
    if asked != (wish.amount_rappen, wish.reason, wish.ticket):
        raise IdempotencyKeyReused
    refused = _find(Action.REFUND_REFUSED, admin_id, known.subject_user_id, request_id)
    if refused is not None:
        raise RefundRefused(refused.data["code"])
    plan = billing.repeat_refund(wish.payment_id, data["amount_rappen"], wish.reason, request_id)
    made = _find(Action.REFUND_MADE, admin_id, known.subject_user_id, request_id)
    if made is None and known.id < first_id_in_window():
        # It no longer counts for the day on which it was requested, so it counts for this one.
        _record_request(admin_id, plan, wish)
    return plan


def _record_request(admin_id: UUID, plan: RefundPlan, wish: RefundWish) -> None:
    require_below_ceiling(admin_id, plan.amount_rappen * CREDITS_PER_RAPPEN)
    _record(
        admin_id,
        Action.REFUND_REQUESTED,
        plan,
        is_rest=wish.amount_rappen is None,
        reason=wish.reason.value,
        ticket=wish.ticket,
    )


def record_refund(admin_id: UUID, plan: RefundPlan, made: RefundState) -> None:
    """Record what Stripe says about a refund."""
    lock_given(admin_id)
    if _find(Action.REFUND_MADE, admin_id, plan.user_id, plan.key) is None:
        _record(admin_id, Action.REFUND_MADE, plan, status=made.status, booked=made.is_booked)


def record_refusal(admin_id: UUID, plan: RefundPlan, code: str) -> None:
    """Record that Stripe refused a refund, which then does not count towards the ceiling."""
    lock_given(admin_id)
    if _find(Action.REFUND_REFUSED, admin_id, plan.user_id, plan.key) is None:
        _record(admin_id, Action.REFUND_REFUSED, plan, code=code)


def _record(admin_id: UUID, action: Action, plan: RefundPlan, **data: str | int | bool) -> None:
    about: dict[str, str | int] = {
        "request": str(plan.key),
        "payment": str(plan.payment_id),
        "amount_rappen": plan.amount_rappen,
    }
    record_action(admin_id, action, subject_user_id=plan.user_id, run_id=None, **about, **data)


def _find(action: Action, admin_id: UUID, user_id: UUID | None, request_id: UUID) -> AdminAction | None:
    """Return the newest entry of this action about a request."""
    return db.session.scalar(
        sa.select(AdminAction)
        .where(
            AdminAction.subject_user_id == user_id,
            AdminAction.actor_id == admin_id,
            AdminAction.action == action,
            AdminAction.data["request"].as_string() == str(request_id),
        )
        .order_by(AdminAction.id.desc())
        .limit(1)
    )
