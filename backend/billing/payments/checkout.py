"""Attempts to pay for a package on Stripe's page.

The row comes first, then the session at Stripe with an idempotency key made from the row's id. Whatever breaks in
between, the same request repeated gives the same session.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.types import Contact
from backend.billing.errors import (
    BillingOff,
    PaymentsMisconfigured,
    TooManyOpenCheckouts,
    UnknownPackage,
)
from backend.billing.ledger.accounts import lock_account
from backend.billing.models import Checkout
from backend.billing.payments.gateway import get_gateway
from backend.billing.prices.price_list import use_price_list
from backend.billing.stripe_gateway import CURRENCY, StripeRefused, StripeUnavailable
from backend.billing.stripe_objects import CheckoutAtStripe
from backend.core.clock import database_now, now
from backend.core.database.database import db
from backend.core.errors import NotFound, Unavailable
from backend.core.hashing import hash_secret
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.core.web.idempotency import IdempotencyKeyReused
from backend.settings import get_settings

log = get_logger(__name__)

MAX_OPEN = 10
# Stripe allows 24 hours from when it makes the session, by its own clock.
_LIFE = timedelta(hours=23)
# Stripe refuses a session with less than 30 minutes left.
_MIN_LEFT = timedelta(minutes=35)
_ASK_EVERY = timedelta(seconds=2)
_SUCCESS_PATH, _CANCEL_PATH = "/credits/paid", "/credits/cancelled"


def begin_checkout(user_id: UUID, package_name: str, key: str) -> tuple[Checkout, bool]:
    """Return the user's checkout with this idempotency key, and whether it was there already. Needs a transaction.

    Raises BillingOff, UnknownPackage, IdempotencyKeyReused, TooManyOpenCheckouts.
    """
    if not get_settings().billing_is_on:
        raise BillingOff
    price_list = use_price_list()
    package = price_list.find_package(package_name)
    if package is None:
        raise UnknownPackage(each.name for each in price_list.packages)
    lock_account(user_id)
    hashed = hash_secret(key).hex()
    known = db.session.scalar(
        sa.select(Checkout).where(Checkout.user_id == user_id, Checkout.idempotency_key == hashed)
    )
    if known is not None:
        if known.package != package_name:
            raise IdempotencyKeyReused
        return known, True
    opened = sa.select(sa.func.count()).where(
        Checkout.user_id == user_id, Checkout.state == "open", Checkout.expires_at > now()
    )
    if db.session.scalars(opened).one() >= MAX_OPEN:
        raise TooManyOpenCheckouts(limit=MAX_OPEN)
    checkout = Checkout(
        id=new_id(),
        user_id=user_id,
        idempotency_key=hashed,
        package=package.name,
        amount_rappen=package.price_rappen,
        currency=CURRENCY,
        credits=package.credits,
        price_list=price_list.name,
        state="open",
        expires_at=now() + _LIFE,
    )
    db.session.add(checkout)
    db.session.flush()
    return checkout, False


def needs_session(checkout: Checkout) -> bool:
    """Tell whether the checkout has no session yet, and there is still time for one."""
    if checkout.stripe_session_id is not None or checkout.state != "open" or checkout.expires_at is None:
        return False
    return checkout.expires_at - now() > _MIN_LEFT


def open_session(checkout: Checkout, contact: Contact) -> CheckoutAtStripe:
    """Make the checkout's session at Stripe, or return the one that was made before.

    No transaction may be open. Raises Unavailable, PaymentsMisconfigured.
    """
    try:
        try:
            return _create(checkout, contact, contact.email)
        except StripeRefused as error:
            # Stripe knows fewer forms of addresses than mail servers do. The customer can type one.
            if error.code != "email_invalid":
                raise
            return _create(checkout, contact, None)
    except StripeUnavailable as error:
        log.warning("billing.checkout.stripe_unavailable", checkout_id=str(checkout.id), error=str(error))
        raise Unavailable from error
    except StripeRefused as error:
        log.error("billing.checkout.stripe_refused", checkout_id=str(checkout.id), error=str(error))
        raise PaymentsMisconfigured from error


def _create(checkout: Checkout, contact: Contact, email: str | None) -> CheckoutAtStripe:
    settings = get_settings()
    if checkout.expires_at is None:
        raise AssertionError("A checkout has a time at which it expires.")
    locale = contact.language or "auto"
    # Stripe refuses a key with other parameters, and these may change before the request is repeated. Of two sessions
    # then made, the user has only ever seen the page of the second one.
    changeable = (email, locale, settings.frontend_url, settings.stripe_tax)
    return get_gateway().create_checkout(
        # "Credits" is understood in all four languages.
        package_name=f"{checkout.credits} Credits",
        amount=checkout.amount_rappen,
        client_reference_id=str(checkout.user_id),
        metadata={
            "checkout_id": str(checkout.id),
            "user_id": str(checkout.user_id),
            "package": checkout.package,
            "price_list": checkout.price_list,
        },
        customer_email=email,
        locale=locale,
        success_url=f"{settings.frontend_url}{_SUCCESS_PATH}?checkout={checkout.id}",
        cancel_url=f"{settings.frontend_url}{_CANCEL_PATH}?checkout={checkout.id}",
        expires_at=checkout.expires_at,
        automatic_tax=settings.stripe_tax == "automatic",
        idempotency_key=hash_secret(f"{checkout.id} {changeable}").hex(),
    )


def attach_session(checkout_id: UUID, session: CheckoutAtStripe) -> Checkout:
    """Record the session of a checkout and return the checkout. Needs a transaction."""
    checkout = db.session.scalars(sa.select(Checkout).where(Checkout.id == checkout_id).with_for_update()).one()
    if checkout.stripe_session_id is None:
        checkout.stripe_session_id = session.id
        checkout.url = session.url
        checkout.expires_at = session.expires_at
    return checkout


def get_checkout(user_id: UUID, checkout_id: UUID) -> Checkout:
    """Raises NotFound, also for another user's checkout."""
    checkout = db.session.scalar(sa.select(Checkout).where(Checkout.id == checkout_id, Checkout.user_id == user_id))
    if checkout is None:
        raise NotFound
    return checkout


def claim_question(checkout_id: UUID) -> str | None:
    """Return the session to ask Stripe about, or None if the checkout has ended or Stripe was asked just before.

    Needs a transaction.
    """
    moment = database_now()
    return db.session.scalar(
        sa.update(Checkout)
        .where(
            Checkout.id == checkout_id,
            Checkout.state == "open",
            Checkout.stripe_session_id.is_not(None),
            sa.or_(Checkout.asked_at.is_(None), Checkout.asked_at <= moment - _ASK_EVERY),
        )
        .values(asked_at=moment)
        .returning(Checkout.stripe_session_id)
        .execution_options(synchronize_session=False)
    )
