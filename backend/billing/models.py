"""Tables of credits and payments. Those of credits and ``payments`` are append-only; triggers enforce it.

All rows belong to a credit account, which outlives its user: the user's id is then a pseudonym.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.billing.types import EntryKind, LotSource
from backend.core.database.database import Base, Identified
from backend.core.database.privacy_marks import cleared, kept, withheld
from backend.core.work.jobs import Job, job_constraints

_PERSONAL = cleared("the payer's data is not part of the accounts")
_KEPT = kept("accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)")


def _one_of(column: str, values: object) -> str:
    return f"{column} IN (" + ", ".join(f"'{value}'" for value in values) + ")"  # type: ignore[attr-defined]


def _account() -> Mapped[UUID]:
    return mapped_column(sa.ForeignKey("credit_accounts.user_id"))


class CreditAccount(Base):
    """One row for each user who has or had credits. It exists to be locked; its state is its last entry."""

    __tablename__ = "credit_accounts"
    __table_args__ = ({"info": _KEPT},)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class CreditLot(Identified, Base):
    """Credits granted at once. ``number`` is that of the entry that granted them, so it orders a user's lots by age.

    Lots of lower ``priority`` are spent first. ``grant_key`` makes each grant happen once.
    """

    __tablename__ = "credit_lots"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "number"),
        sa.UniqueConstraint("grant_key"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("source <> 'purchase' OR expires_at IS NULL", name="purchase_never_expires"),
        sa.CheckConstraint(_one_of("source", LotSource), name="source_known"),
        sa.CheckConstraint("(source = 'purchase') = (payment_id IS NOT NULL)", name="purchase_has_payment"),
        sa.Index(None, "expires_at", postgresql_where=sa.text("expires_at IS NOT NULL")),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = _account()
    number: Mapped[int] = mapped_column(sa.BigInteger)
    source: Mapped[str]
    priority: Mapped[int]
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    expires_at: Mapped[datetime | None]
    grant_key: Mapped[str]
    payment_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payments.id"), unique=True)


class CreditHold(Identified, Base):
    """Credits reserved for a run. What happens to them is entries.

    ``closed_at`` is set once, when the rest has been released. ``sign_of_life_at`` is when the run was last heard of.
    """

    __tablename__ = "credit_holds"
    __table_args__ = (
        sa.UniqueConstraint("run_id"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.Index("ix_credit_holds_open", "sign_of_life_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index("ix_credit_holds_user_id_id", "user_id", "id"),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = _account()
    run_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    sign_of_life_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    closed_at: Mapped[datetime | None]


class CreditEntry(Identified, Base):
    """A change of one lot, with the account's and the lot's values after it.

    ``number`` counts an account's entries from 1 without gaps. ``amount`` changes the balance, ``held`` what is
    reserved. ``key`` makes each change happen once. ``stripe_id`` is the refund or dispute that caused it.
    """

    __tablename__ = "credit_entries"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "number"),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint(_one_of("kind", EntryKind), name="kind_known"),
        sa.CheckConstraint("amount <> 0 OR held <> 0", name="changes_something"),
        sa.CheckConstraint("held_after >= 0 AND lot_held_after >= 0", name="held_not_negative"),
        sa.CheckConstraint("(kind IN ('reserved', 'captured', 'released')) = (hold_id IS NOT NULL)", name="hold_named"),
        sa.CheckConstraint(
            "(kind IN ('refunded', 'refund_returned', 'disputed', 'reinstated')) = (stripe_id IS NOT NULL)",
            name="stripe_object_named",
        ),
        sa.Index("ix_credit_entries_lot_id_number", "lot_id", "number"),
        sa.Index("ix_credit_entries_user_id_id", "user_id", "id"),
        sa.Index("ix_credit_entries_hold_id", "hold_id", postgresql_where=sa.text("hold_id IS NOT NULL")),
        sa.Index("ix_credit_entries_stripe_id", "stripe_id", postgresql_where=sa.text("stripe_id IS NOT NULL")),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = _account()
    number: Mapped[int] = mapped_column(sa.BigInteger)
    kind: Mapped[str]
    lot_id: Mapped[UUID] = mapped_column(sa.ForeignKey("credit_lots.id"))
    hold_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("credit_holds.id"))
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    held: Mapped[int] = mapped_column(sa.BigInteger)
    lot_after: Mapped[int] = mapped_column(sa.BigInteger)
    lot_held_after: Mapped[int] = mapped_column(sa.BigInteger)
    paid_after: Mapped[int] = mapped_column(sa.BigInteger)
    free_after: Mapped[int] = mapped_column(sa.BigInteger)
    held_after: Mapped[int] = mapped_column(sa.BigInteger)
    stripe_id: Mapped[str | None]
    run_id: Mapped[UUID | None]
    key: Mapped[str]


class SignUpPerson(Base):
    """A keyed hash of a verified address or an identity that has received sign-up credits."""

    __tablename__ = "sign_up_persons"
    __table_args__ = (
        {"info": kept("a person gets sign-up credits once, even if they delete their account and come back")},
    )

    person_hash: Mapped[bytes] = mapped_column(primary_key=True, info=withheld("a keyed hash that means nothing alone"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("credit_accounts.user_id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class StoredPriceList(Base):
    """A price list as it was first used. ``name`` is the date from which it applies and the margin."""

    __tablename__ = "price_lists"

    name: Mapped[str] = mapped_column(primary_key=True)
    applies_from: Mapped[date]
    margin: Mapped[Decimal] = mapped_column(sa.Numeric)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class Checkout(Identified, Base):
    """An attempt to pay for a package on Stripe's page. The same ``idempotency_key`` of a user gives the same one."""

    __tablename__ = "checkouts"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "idempotency_key"),
        sa.UniqueConstraint("stripe_session_id"),
        sa.CheckConstraint(_one_of("state", ("open", "paid", "failed", "expired", "refused")), name="state_known"),
        sa.CheckConstraint("amount_rappen > 0 AND credits > 0", name="amounts_positive"),
        sa.Index("ix_checkouts_user_id_id", "user_id", "id"),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = _account()
    idempotency_key: Mapped[str] = mapped_column(info=withheld("how requests are repeated safely"))
    package: Mapped[str]
    amount_rappen: Mapped[int]
    currency: Mapped[str]
    credits: Mapped[int]
    price_list: Mapped[str] = mapped_column(sa.ForeignKey("price_lists.name"))
    state: Mapped[str] = mapped_column(default="open")
    stripe_session_id: Mapped[str | None]
    url: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None] = mapped_column(info=withheld("when Stripe was last asked about it"))


class Payment(Identified, Base):
    """A purchase that Stripe says is paid. Only ``_PERSONAL`` columns can change, and only to NULL.

    ``tax_rappen`` is the tax included in ``amount_rappen``.
    """

    __tablename__ = "payments"
    __table_args__ = (
        sa.UniqueConstraint("stripe_session_id"),
        sa.UniqueConstraint("stripe_payment_intent_id"),
        sa.CheckConstraint("amount_rappen > 0 AND credits > 0", name="amounts_positive"),
        sa.CheckConstraint("tax_rappen BETWEEN 0 AND amount_rappen", name="tax_included"),
        sa.Index("ix_payments_user_id_id", "user_id", "id"),
        sa.Index(None, "paid_at"),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = _account()
    checkout_id: Mapped[UUID]
    package: Mapped[str]
    amount_rappen: Mapped[int]
    tax_rappen: Mapped[int]
    currency: Mapped[str]
    credits: Mapped[int]
    price_list: Mapped[str] = mapped_column(sa.ForeignKey("price_lists.name"))
    stripe_session_id: Mapped[str]
    stripe_payment_intent_id: Mapped[str]
    stripe_charge_id: Mapped[str | None]
    is_live: Mapped[bool]
    method: Mapped[str | None]
    paid_at: Mapped[datetime]
    payer_name: Mapped[str | None] = mapped_column(info=_PERSONAL)
    payer_email: Mapped[str | None] = mapped_column(info=_PERSONAL)
    payer_country: Mapped[str | None] = mapped_column(info=_PERSONAL)
    receipt_url: Mapped[str | None] = mapped_column(info=_PERSONAL)


class Refund(Identified, Base):
    """The last known state of a refund at Stripe."""

    __tablename__ = "refunds"
    __table_args__ = (sa.UniqueConstraint("stripe_id"), {"info": _KEPT})

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("credit_accounts.user_id"), index=True)
    payment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payments.id"), index=True)
    stripe_id: Mapped[str]
    amount_rappen: Mapped[int]
    status: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class Dispute(Identified, Base):
    """The last known state of a dispute at Stripe. While ``is_open``, the user cannot spend."""

    __tablename__ = "disputes"
    __table_args__ = (
        sa.UniqueConstraint("stripe_id"),
        sa.Index("ix_disputes_open", "user_id", postgresql_where=sa.text("is_open")),
        {"info": _KEPT},
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("credit_accounts.user_id"), index=True)
    payment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payments.id"), index=True)
    stripe_id: Mapped[str]
    amount_rappen: Mapped[int]
    withdrawn_rappen: Mapped[int]
    status: Mapped[str]
    is_open: Mapped[bool]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class StripeEvent(Job, Base):
    """An event that Stripe sent, without its payload, which holds personal data: the worker fetches the object.

    ``outcome``: ``handled``; ``ignored`` if the event means nothing to us; ``unhandled`` if somebody must look, with a
    ``reason``.
    """

    task = "billing.handle_event"

    __tablename__ = "stripe_events"
    __table_args__ = (
        *job_constraints(),
        sa.UniqueConstraint("event_id"),
        sa.CheckConstraint(_one_of("outcome", ("handled", "ignored", "unhandled")), name="outcome_known"),
        sa.CheckConstraint("(outcome = 'unhandled') IS TRUE = (reason IS NOT NULL)", name="unhandled_has_reason"),
        sa.Index("ix_stripe_events_unhandled", "id", postgresql_where=sa.text("outcome = 'unhandled'")),
    )

    event_id: Mapped[str]
    type: Mapped[str]
    api_version: Mapped[str | None]
    is_live: Mapped[bool]
    object_type: Mapped[str | None]
    object_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]


class BillingAudit(Job, Base):
    """A daily comparison: of our payments with Stripe's, or of the ledger with its invariants. One a kind and day."""

    task = "billing.audit"

    __tablename__ = "billing_audits"
    __table_args__ = (
        *job_constraints(),
        sa.UniqueConstraint("kind", "day"),
        sa.CheckConstraint("kind IN ('reconciliation', 'invariants')", name="kind_known"),
    )

    kind: Mapped[str]
    day: Mapped[date]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
