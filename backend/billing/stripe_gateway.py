"""Gateway to Stripe. Only this module imports Stripe's SDK, and no object of the SDK leaves it."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import stripe
from stripe.params import DisputeListParams, RefundCreateParams, RefundListParams
from stripe.params.checkout import SessionCreateParams

from backend.billing import stripe_objects
from backend.billing.stripe_objects import (
    CheckoutAtStripe,
    ReceivedEvent,
    StripeCheckout,
    StripeDispute,
    StripeRefund,
)
from backend.core.database.transaction import refuse_open_transaction

# The SDK's types fit this version. The webhook endpoint has its own, which may be older.
API_VERSION: Final = "2026-10-28.endive"
BASE_URL: Final = "https://api.stripe.com"
CURRENCY: Final = "chf"

_CONNECT_S, _READ_S = 3.0, 10.0
# The SDK alone retries: after a lost connection, a conflict or a 5xx, with the same idempotency key. Nothing else does.
_MAX_RETRIES = 1
_PAGE_SIZE = 100
_TOLERANCE_S = 300
_CHECKOUT_DETAILS = "payment_intent.latest_charge"
_CODE = re.compile(r"[a-z0-9_.\[\]]{1,100}")

T = TypeVar("T")


class InvalidSignature(Exception):
    """The webhook is not from Stripe, was changed, or was signed more than 5 minutes ago."""


class UnreadableEvent(Exception):
    """The webhook is signed, but is not a snapshot event."""


class StripeUnavailable(Exception):
    """Stripe cannot be reached, is failing or limits our rate. Retry with the same idempotency key."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StripeRefused(Exception):
    """Stripe refused the request, and would again. ``code`` is Stripe's, such as ``resource_missing``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StripeGateway:
    """Stripe's API with one key. Threads may share it, and it survives a fork.

    Every method that calls Stripe raises StripeUnavailable or StripeRefused.
    """

    def __init__(self, api_key: str, *, base_url: str = BASE_URL, timeout_s: float = _READ_S) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._made: tuple[int, stripe.StripeClient] | None = None

    def create_checkout(
        self,
        *,
        package_name: str,
        amount: int,
        client_reference_id: str,
        metadata: Mapping[str, str],
        customer_email: str | None,
        locale: str,
        success_url: str,
        cancel_url: str,
        expires_at: datetime,
        automatic_tax: bool,
        idempotency_key: str,
    ) -> CheckoutAtStripe:
        """Create a session for one package at ``amount`` rappen. Stripe offers the methods that fit the currency."""
        params: SessionCreateParams = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "line_items": [
                {
                    "price_data": {
                        "currency": CURRENCY,
                        "unit_amount": amount,
                        "product_data": {"name": package_name},
                    },
                    "quantity": 1,
                }
            ],
            # Otherwise customers abroad would pay in their own currency, and the amount would not match.
            "adaptive_pricing": {"enabled": False},
            "client_reference_id": client_reference_id,
            "metadata": dict(metadata),
            "payment_intent_data": {"metadata": dict(metadata)},
            "locale": locale,
            "success_url": success_url,
            "cancel_url": cancel_url,
            "expires_at": int(expires_at.timestamp()),
        }
        if customer_email is not None:
            params["customer_email"] = customer_email
        if automatic_tax:
            params["automatic_tax"] = {"enabled": True}
            params["line_items"][0]["price_data"]["tax_behavior"] = "inclusive"
        with self._calling("create_checkout") as client:
            made = client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
            return stripe_objects.read_new_checkout(made.to_dict())

    def read_checkout(self, checkout_id: str) -> StripeCheckout:
        with self._calling("read_checkout") as client:
            found = client.v1.checkout.sessions.retrieve(checkout_id, {"expand": [_CHECKOUT_DETAILS]})
            return stripe_objects.read_checkout(found.to_dict())

    def find_checkouts(self, *, payment_intent: str) -> tuple[StripeCheckout, ...]:
        """Find the session of a payment: one, or none if the payment is not from a session."""
        with self._calling("find_checkouts") as client:
            found = client.v1.checkout.sessions.list(
                {"payment_intent": payment_intent, "limit": _PAGE_SIZE, "expand": [f"data.{_CHECKOUT_DETAILS}"]}
            )
            return _read_all(found.auto_paging_iter(), stripe_objects.read_checkout)

    def list_checkouts(self, since: datetime) -> tuple[StripeCheckout, ...]:
        """List the sessions created since then, the newest first."""
        with self._calling("list_checkouts") as client:
            found = client.v1.checkout.sessions.list(
                {"created": _since(since), "limit": _PAGE_SIZE, "expand": [f"data.{_CHECKOUT_DETAILS}"]}
            )
            return _read_all(found.auto_paging_iter(), stripe_objects.read_checkout)

    def create_refund(
        self,
        *,
        payment_intent: str,
        amount: int,
        reason: str | None,
        metadata: Mapping[str, str],
        idempotency_key: str,
    ) -> StripeRefund:
        """Refund ``amount`` rappen. ``reason``: duplicate, fraudulent or requested_by_customer."""
        params: RefundCreateParams = {"payment_intent": payment_intent, "amount": amount, "metadata": dict(metadata)}
        if reason is not None:
            params["reason"] = reason
        with self._calling("create_refund") as client:
            made = client.v1.refunds.create(params, {"idempotency_key": idempotency_key})
            return stripe_objects.read_refund(made.to_dict())

    def read_refund(self, refund_id: str) -> StripeRefund:
        with self._calling("read_refund") as client:
            return stripe_objects.read_refund(client.v1.refunds.retrieve(refund_id).to_dict())

    def list_refunds(
        self, *, since: datetime | None = None, payment_intent: str | None = None
    ) -> tuple[StripeRefund, ...]:
        """List the refunds created since then, or those of a payment, the newest first."""
        params: RefundListParams = {"limit": _PAGE_SIZE}
        if since is not None:
            params["created"] = _since(since)
        if payment_intent is not None:
            params["payment_intent"] = payment_intent
        with self._calling("list_refunds") as client:
            return _read_all(client.v1.refunds.list(params).auto_paging_iter(), stripe_objects.read_refund)

    def read_dispute(self, dispute_id: str) -> StripeDispute:
        with self._calling("read_dispute") as client:
            return stripe_objects.read_dispute(client.v1.disputes.retrieve(dispute_id).to_dict())

    def list_disputes(
        self, *, since: datetime | None = None, payment_intent: str | None = None
    ) -> tuple[StripeDispute, ...]:
        """List the disputes created since then, or those of a payment, the newest first."""
        params: DisputeListParams = {"limit": _PAGE_SIZE}
        if since is not None:
            params["created"] = _since(since)
        if payment_intent is not None:
            params["payment_intent"] = payment_intent
        with self._calling("list_disputes") as client:
            return _read_all(client.v1.disputes.list(params).auto_paging_iter(), stripe_objects.read_dispute)

    def list_undelivered_events(self, since: datetime) -> tuple[ReceivedEvent, ...]:
        """List the events since then that some endpoint has not accepted, the newest first. Stripe keeps 30 days."""
        with self._calling("list_undelivered_events") as client:
            found = client.v1.events.list({"created": _since(since), "delivery_success": False, "limit": _PAGE_SIZE})
            return _read_all(found.auto_paging_iter(), stripe_objects.read_event)

    @contextmanager
    def _calling(self, action: str) -> Iterator[stripe.StripeClient]:
        """Give the client, and translate its errors."""
        refuse_open_transaction()
        try:
            yield self._client()
        except stripe.StripeError as error:
            translated: StripeUnavailable | StripeRefused = _translate(action, error)
        except stripe_objects.Unreadable as error:
            translated = StripeRefused("unreadable_response", f"{action}: Stripe's response lacks {error}.")
        else:
            return
        # The SDK's error quotes what we sent, so it must not be reported with ours.
        raise translated from None

    def _client(self) -> stripe.StripeClient:
        """Return this process's client. A forked process must not use the connections of its parent."""
        made = self._made
        if made is None or made[0] != os.getpid():
            made = self._made = (os.getpid(), self._make_client())
        return made[1]

    def _make_client(self) -> stripe.StripeClient:
        # Telemetry would write a file in the home directory; the log would quote parameters, with addresses in them.
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)
        timeouts = (min(_CONNECT_S, self._timeout_s), self._timeout_s)
        return stripe.StripeClient(
            self._api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": self._base_url},
            max_network_retries=_MAX_RETRIES,
            http_client=stripe.RequestsClient(timeout=timeouts),
        )


def verify_event(raw: bytes, header: str | None, secrets: Sequence[str]) -> ReceivedEvent:
    """Read a webhook that is signed with one of the secrets. Raises InvalidSignature or UnreadableEvent."""
    if not any(_is_signed(raw, header, secret) for secret in secrets):
        raise InvalidSignature("The signature does not match, or is too old.")
    try:
        return stripe_objects.read_event(json.loads(raw))
    except (stripe_objects.Unreadable, ValueError, OverflowError, AttributeError):
        pass
    raise UnreadableEvent("The webhook is not a snapshot event.")


def _is_signed(raw: bytes, header: str | None, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(raw, header, secret, _TOLERANCE_S)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        # Neither a body that is not UTF-8 nor a header that is not ASCII can be signed.
        return False
    return True


def _translate(action: str, error: stripe.StripeError) -> StripeUnavailable | StripeRefused:
    """Translate without Stripe's own text, which quotes addresses and parts of keys."""
    status = error.http_status
    request = _known(error.request_id)
    if isinstance(error, stripe.RateLimitError):
        return StripeUnavailable(f"{action}: Stripe limits our rate ({request}).", _retry_after_s(error.headers))
    if status is None or status < 400 or status >= 500 or status == 409:
        reason = "no response" if status is None else f"status {status}"
        return StripeUnavailable(f"{action}: {reason} ({request}).", _retry_after_s(error.headers))
    code = "authentication_failed" if isinstance(error, stripe.AuthenticationError) else _known(error.code)
    if isinstance(error, stripe.IdempotencyError):
        code = "idempotency_error"
    parameter = _known(getattr(error, "param", None))
    return StripeRefused(code, f"{action}: status {status}, code {code}, parameter {parameter} ({request}).")


def _known(word: object) -> str:
    """Return a code, or the name of a parameter, if that is what it looks like."""
    return word if isinstance(word, str) and _CODE.fullmatch(word.lower()) else "unknown"


def _retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    value = (headers or {}).get("Retry-After", "")
    return float(value) if re.fullmatch(r"\d{1,6}", value) else None


def _since(since: datetime) -> Any:
    return {"gte": int(since.timestamp())}


def _read_all(found: Iterable[stripe.StripeObject], read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    return tuple(read(each.to_dict()) for each in found)
