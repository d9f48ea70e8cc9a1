"""A user's payments, each with what was refunded and disputed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.billing.models import Dispute, Payment, Refund
from backend.billing.payments.refunds_and_disputes import TAKEN_STATUSES
from backend.core.database.database import db
from backend.core.web.pagination import ListPage, PageQuery, fetch_page


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What has become of a payment."""

    payment: Payment
    refunded_rappen: int
    disputed_rappen: int
    has_open_dispute: bool

    @property
    def name(self) -> str:
        if self.has_open_dispute:
            return "disputed"
        if self.disputed_rappen:
            return "charged_back"
        if not self.refunded_rappen:
            return "paid"
        return "refunded" if self.refunded_rappen >= self.payment.amount_rappen else "partly_refunded"


def list_payments(user_id: UUID, page: PageQuery) -> ListPage[PaymentState]:
    """Return a page of the user's payments, newest first. Raises InvalidCursor."""
    found = fetch_page(sa.select(Payment).where(Payment.user_id == user_id), Payment.id, page, newest_first=True)
    return ListPage(describe_payments(found.items), found.next_cursor)


def describe_payments(payments: Sequence[Payment]) -> list[PaymentState]:
    """Return the state of each payment, in their order."""
    ids = [payment.id for payment in payments]
    refunded = dict(
        db.session.execute(
            sa.select(Refund.payment_id, sa.func.sum(Refund.amount_rappen))
            .where(Refund.payment_id.in_(ids), Refund.status.in_(TAKEN_STATUSES))
            .group_by(Refund.payment_id)
        ).all()
    )
    disputed = {
        payment_id: (int(withdrawn), bool(is_open))
        for payment_id, withdrawn, is_open in db.session.execute(
            sa.select(Dispute.payment_id, sa.func.sum(Dispute.withdrawn_rappen), sa.func.bool_or(Dispute.is_open))
            .where(Dispute.payment_id.in_(ids))
            .group_by(Dispute.payment_id)
        )
    }
    return [PaymentState(each, int(refunded.get(each.id, 0)), *disputed.get(each.id, (0, False))) for each in payments]
