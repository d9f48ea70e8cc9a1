"""Routes of payments, and Stripe's webhook."""

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue

from backend.accounts import service as accounts
from backend.billing.errors import UnsignedWebhook
from backend.billing.models import Checkout
from backend.billing.payments import checkout as checkouts
from backend.billing.payments.events import read_webhook, store_event
from backend.billing.payments.fulfilment import settle_checkout
from backend.billing.payments.gateway import is_live, while_a_request_waits
from backend.billing.payments.payments import PaymentState, list_payments
from backend.billing.payments.schemas import CheckoutRequest, CheckoutResponse, PaymentPage, PaymentResponse
from backend.billing.stripe_gateway import StripeRefused, StripeUnavailable
from backend.core.database.transaction import transaction
from backend.core.errors import Unavailable
from backend.core.process.logging import get_logger
from backend.core.web.idempotency import get_key, requires_key
from backend.core.web.pagination import PageQuery
from backend.core.web.rate_limits import limit_address_of_request

log = get_logger(__name__)

payments = APIBlueprint("payments", __name__, tag="Payments")


@payments.post("/billing/checkout-sessions")
@payments.input(CheckoutRequest, arg_name="body")
@payments.output(CheckoutResponse, status_code=201)
@payments.doc(responses={404: "Payments are off", 409: "Too many open checkouts", 503: "Stripe is unreachable"})
@requires_key
def create_checkout(body: CheckoutRequest) -> ResponseReturnValue:
    """Start to pay for a package: send the user to the URL of the response.

    Stripe sends them back to `/credits/paid?checkout={id}` or `/credits/cancelled?checkout={id}` of the browser app.
    Repeating the request with the same key returns the same checkout.
    """
    key = get_key()
    with transaction():
        contact = accounts.get_contact(g.user_id)
        checkout, is_known = checkouts.begin_checkout(g.user_id, body.package, key)
    if checkouts.needs_session(checkout):
        with while_a_request_waits():
            session = checkouts.open_session(checkout, contact)
        with transaction():
            checkout = checkouts.attach_session(checkout.id, session)
    headers = {"Location": url_for(".get_checkout", checkout_id=checkout.id)}
    if is_known:
        headers["Idempotency-Replayed"] = "true"
    return _render(checkout).model_dump(mode="json"), 201, headers


@payments.get("/billing/checkout-sessions/<uuid:checkout_id>")
@payments.output(CheckoutResponse)
def get_checkout(checkout_id: UUID) -> CheckoutResponse:
    """Read a checkout, for the page after the payment. If Stripe says that it is paid, the credits are there."""
    with transaction():
        checkout = checkouts.get_checkout(g.user_id, checkout_id)
        session_id = checkouts.claim_question(checkout.id)
    if session_id is not None:
        try:
            with while_a_request_waits():
                settle_checkout(session_id)
        except (StripeUnavailable, StripeRefused, Unavailable) as error:
            # The webhook or reconciliation will tell.
            log.warning("billing.checkout.not_asked", checkout_id=str(checkout_id), error=str(error))
        with transaction():
            checkout = checkouts.get_checkout(g.user_id, checkout_id)
    return _render(checkout)


def _render(checkout: Checkout) -> CheckoutResponse:
    response = CheckoutResponse.model_validate(checkout)
    return response if checkout.state == "open" else response.model_copy(update={"url": None})


@payments.get("/billing/payments")
@payments.input(PageQuery, location="query", arg_name="page")
@payments.output(PaymentPage)
def list_own_payments(page: PageQuery) -> PaymentPage:
    """List your payments, newest first."""
    with transaction():
        found = list_payments(g.user_id, page)
        items = [_render_payment(each) for each in found.items]
    return PaymentPage(items=items, next_cursor=found.next_cursor)


def _render_payment(found: PaymentState) -> PaymentResponse:
    payment = found.payment
    return PaymentResponse(
        id=payment.id,
        checkout_id=payment.checkout_id,
        package=payment.package,
        amount_rappen=payment.amount_rappen,
        tax_rappen=payment.tax_rappen,
        currency=payment.currency,
        credits=payment.credits,
        method=payment.method,
        paid_at=payment.paid_at,
        receipt_url=payment.receipt_url,
        state=found.name,
        refunded_rappen=found.refunded_rappen,
        disputed_rappen=found.disputed_rappen,
    )


@payments.post("/payment/webhook")
@payments.doc(responses={204: "Stored, or stored before", 400: "Not signed by Stripe", 404: "Payments are off"})
def receive_event() -> Response:
    """Take an event from Stripe: verify its signature, store it, and let a worker handle it."""
    # Off: 404 like the other routes.
    is_live()
    raw = request.get_data(cache=False)
    try:
        event = read_webhook(raw, request.headers.get("Stripe-Signature"))
    except UnsignedWebhook:
        limit_address_of_request()
        raise
    with transaction():
        store_event(event)
    return Response(status=204)
