"""Books what a Checkout Session says: the purchase, or that it failed or expired.

Events, the success page and reconciliation all come here. The session decides, not the event: a session is booked once,
guarded by its unique id on the payment and on the lot.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.billing.errors import ModelNotPriced
from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.lots import grant
from backend.billing.models import Checkout, Payment
from backend.billing.payments.gateway import get_gateway, is_live
from backend.billing.prices.price_list import PriceList, use_price_list
from backend.billing.stripe_gateway import CURRENCY
from backend.billing.stripe_objects import StripeCheckout
from backend.billing.types import LotSource, Package
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.web.http import parse_uuid

log = get_logger(__name__)

# What a payment intent says of a delayed payment that will not come.
_FAILED_INTENTS = frozenset({"requires_payment_method", "canceled"})


@dataclass(frozen=True, slots=True)
class _Order:
    """What was ordered: from our own row or, if that was lost, from the session's metadata."""

    checkout_id: UUID
    user_id: UUID
    package: str
    price_list: str


def settle_checkout(session_id: str) -> str | None:
    """Read a session from Stripe and book what it says. Returns why that is not possible, or None.

    No transaction may be open. Raises StripeUnavailable, StripeRefused.
    """
    found = get_gateway().read_checkout(session_id)
    with transaction():
        return fulfil(found)


def settle_purchase_of(payment_intent: str | None) -> str | None:
    """Make sure that the purchase of a payment is booked. Returns why that is not possible, or None.

    No transaction may be open. Raises StripeUnavailable, StripeRefused.
    """
    if payment_intent is None:
        return "not_a_purchase"
    with transaction():
        if find_payment(payment_intent) is not None:
            return None
    reason: str | None = "not_a_purchase"
    for found in get_gateway().find_checkouts(payment_intent=payment_intent):
        with transaction():
            reason = fulfil(found)
            if find_payment(payment_intent) is not None:
                return None
    return reason or "purchase_not_paid"


def find_payment(payment_intent: str) -> Payment | None:
    return db.session.scalar(sa.select(Payment).where(Payment.stripe_payment_intent_id == payment_intent))


def fulfil(found: StripeCheckout) -> str | None:
    """Book the present state of a session, any number of times. Returns why that is not possible, or None.

    Credits come from our price list, never from Stripe's amount, which is only compared. A user who has left gets them
    as well, because they have paid; a trigger then removes the payer's data. Needs a transaction.
    """
    order = _find_order(found)
    if order is None:
        return "not_ours"
    match found.payment_status, found.status:
        case "paid", _:
            return _book_purchase(found, order)
        case "unpaid", "open":
            return None
        case "unpaid", "expired":
            _end(found, order, "expired")
            return None
        case "unpaid", "complete":
            if found.intent_status in _FAILED_INTENTS:
                _end(found, order, "failed")
            return None
    return f"unknown_status: {found.status}, {found.payment_status}"


def _find_order(found: StripeCheckout) -> _Order | None:
    row = _find_row(found)
    if row is not None:
        return _Order(row.id, row.user_id, row.package, row.price_list)
    checkout_id = parse_uuid(found.metadata.get("checkout_id", ""))
    user_id = parse_uuid(found.metadata.get("user_id", ""))
    if checkout_id is None or user_id is None:
        return None
    return _Order(checkout_id, user_id, found.metadata.get("package", ""), found.metadata.get("price_list", ""))


def _find_row(found: StripeCheckout) -> Checkout | None:
    row = db.session.scalar(sa.select(Checkout).where(Checkout.stripe_session_id == found.id))
    if row is not None:
        return row
    # The session was made, but we stopped before its id was stored; or there is another session for this checkout.
    checkout_id = parse_uuid(found.metadata.get("checkout_id", ""))
    return db.session.get(Checkout, checkout_id) if checkout_id is not None else None


def _book_purchase(found: StripeCheckout, order: _Order) -> str | None:
    # 1. The user comes before their account in the order of locks: a trigger on payments looks whether they leave.
    #    After a restore from backup, they may be unknown.
    try:
        accounts.keep_user(order.user_id)
    except NotFound:
        return "unknown_user"
    # 2. Price lists are stored before the account is locked, because two transactions may store the same one.
    price_list = _find_price_list(order.price_list)
    lock_account(order.user_id)
    if db.session.scalar(sa.select(Payment.id).where(Payment.stripe_session_id == found.id)) is not None:
        return None
    # 3. Compare everything with what was ordered.
    package = price_list.find_package(order.package) if price_list is not None else None
    db.session.expire_all()
    row = _find_row(found)
    wrong = ", ".join(_list_mismatches(found, order, package, row))
    if price_list is None or package is None or found.payment_intent is None or wrong:
        log.error("billing.checkout.refused", session_id=found.id, user_id=str(order.user_id), mismatch=wrong)
        if row is not None and row.state != "paid":
            row.state = "refused"
        return f"mismatch: {wrong}"
    # 4. Book.
    if row is None:
        row = _rebuild_row(found, order, package)
    row.state = "paid"
    row.stripe_session_id = found.id
    payment = Payment(
        id=new_id(),
        user_id=order.user_id,
        checkout_id=order.checkout_id,
        package=package.name,
        amount_rappen=package.price_rappen,
        tax_rappen=found.amount_tax,
        currency=CURRENCY,
        credits=package.credits,
        price_list=price_list.name,
        stripe_session_id=found.id,
        stripe_payment_intent_id=found.payment_intent,
        stripe_charge_id=found.charge,
        is_live=found.livemode,
        method=found.method,
        paid_at=found.charged_at or found.created,
        payer_name=found.payer_name,
        payer_email=found.payer_email,
        payer_country=found.payer_country,
        receipt_url=found.receipt_url,
    )
    db.session.add(payment)
    db.session.flush()
    grant(order.user_id, LotSource.PURCHASE, package.credits, f"purchase:{found.id}", payment_id=payment.id)
    log.info("billing.payment.booked", payment_id=str(payment.id), user_id=str(order.user_id), credits=package.credits)
    return None


def _find_price_list(name: str) -> PriceList | None:
    try:
        # Stored, because after a restore from backup it may not be.
        return use_price_list(name)
    except ModelNotPriced:
        return None


def _list_mismatches(found: StripeCheckout, order: _Order, package: Package | None, row: Checkout | None) -> list[str]:
    price = package.price_rappen if package is not None else None
    fits = {
        "package": package is not None and found.metadata.get("package") == package.name,
        "amount": found.amount_total == price and (row is None or row.amount_rappen == price),
        "credits": row is None or package is None or row.credits == package.credits,
        "tax": price is not None and 0 <= found.amount_tax <= price,
        "currency": found.currency == CURRENCY,
        "mode": found.mode == "payment",
        "livemode": found.livemode == is_live(),
        "user": found.client_reference_id == found.metadata.get("user_id") == str(order.user_id),
        "checkout": found.metadata.get("checkout_id") == str(order.checkout_id),
        "session": row is None or row.stripe_session_id in (None, found.id),
        "payment_intent": found.payment_intent is not None,
    }
    return [name for name, does_fit in fits.items() if not does_fit]


def _rebuild_row(found: StripeCheckout, order: _Order, package: Package) -> Checkout:
    row = Checkout(
        id=order.checkout_id,
        user_id=order.user_id,
        # The key is lost. A hash never looks like this, so no request can meet it.
        idempotency_key=f"lost:{found.id}",
        package=package.name,
        amount_rappen=package.price_rappen,
        currency=CURRENCY,
        credits=package.credits,
        price_list=order.price_list,
        created_at=found.created,
    )
    db.session.add(row)
    return row


def _end(found: StripeCheckout, order: _Order, state: str) -> None:
    """Set the end state of a session that was not paid, unless it has one. Paid is final."""
    db.session.execute(
        sa.update(Checkout)
        .where(
            Checkout.id == order.checkout_id,
            Checkout.state == "open",
            sa.or_(Checkout.stripe_session_id.is_(None), Checkout.stripe_session_id == found.id),
        )
        .values(state=state)
        .execution_options(synchronize_session=False)
    )
