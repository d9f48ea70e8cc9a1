"""An account at Stripe: its objects, and all that a customer, a bank or Stripe does to them.

Each change returns the events that it makes, in the order in which it makes them. Nothing is delivered.
"""

import copy
import threading
import time
from typing import Any

from tests.stand_ins import stripe_objects as objects
from tests.stand_ins.stripe_shapes import fill

Json = dict[str, Any]
# What Stripe charges for a dispute, in rappen.
DISPUTE_FEE = 2000
_INQUIRY_REVIEW = {"warning_needs_response": "warning_under_review"}


class StripeAccount:
    """The account. ``ahead_s`` sets its clock ahead; ``vat_registered`` is whether Stripe Tax computes Swiss VAT."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ahead_s = 0
        self.vat_registered = True
        self.refunds_start_as = "succeeded"
        self._objects: dict[str, Json] = {}
        self._live: dict[str, bool] = {}
        self._lines: dict[str, list[Json]] = {}
        self._intent_metadata: dict[str, dict[str, str]] = {}

    def now(self) -> int:
        return int(time.time()) + self.ahead_s

    def objects(self, kind: str, *, livemode: bool) -> list[Json]:
        """Return the objects of a kind, the oldest first."""
        return [o for o in self._objects.values() if o["object"] == kind and self._live[o["id"]] == livemode]

    def find(self, object_id: str, *, livemode: bool) -> Json | None:
        return self._objects.get(object_id) if self._live.get(object_id) == livemode else None

    def is_in_other_mode(self, object_id: str, *, livemode: bool) -> bool:
        return self._live.get(object_id) == (not livemode)

    def lines(self, checkout_id: str) -> list[Json]:
        return self._lines[checkout_id]

    def get(self, object_id: str) -> Json:
        """Return a copy of an object of either mode, for tests."""
        with self.lock:
            return copy.deepcopy(self._objects[object_id])

    @property
    def events(self) -> list[Json]:
        """All events so far, the oldest first."""
        with self.lock:
            return [copy.deepcopy(each) for each in self._objects.values() if each["object"] == "event"]

    def mark_delivered(self, *event_ids: str) -> None:
        """Record that the endpoint accepted the events."""
        with self.lock:
            for event_id in event_ids:
                self._objects[event_id]["pending_webhooks"] = 0

    # Checkout

    def open_checkout(self, params: Json, *, livemode: bool) -> Json:
        with self.lock:
            checkout = self._add(objects.make_checkout(params, now=self.now(), livemode=livemode), livemode)
            lines = [objects.make_line(each, now=self.now(), livemode=livemode) for each in params["line_items"]]
            self._lines[checkout["id"]] = lines
            self._intent_metadata[checkout["id"]] = params.get("payment_intent_data", {}).get("metadata", {})
            return checkout

    def expire(self, checkout_id: str) -> list[Json]:
        """Let a session's time run out."""
        with self.lock:
            checkout = self._open(checkout_id)
            checkout.update(status="expired", url=None)
            return [self._record("checkout.session.expired", checkout)]

    def pay(self, checkout_id: str, method: str = "card", **payer: str) -> list[Json]:
        """Let the customer pay with a method that is confirmed immediately. ``payer``: name, email, country."""
        with self.lock:
            checkout, intent, charge = self._start_payment(checkout_id, method, payer)
            events = self._succeed(checkout, intent, charge)
            return [*events, self._record("checkout.session.completed", checkout), self._settle(charge)]

    def pay_later(self, checkout_id: str, method: str = "sepa_debit", **payer: str) -> list[Json]:
        """Let the customer pay with a method that takes days: the session is complete, but unpaid."""
        with self.lock:
            checkout, _, _ = self._start_payment(checkout_id, method, payer)
            return [self._record("checkout.session.completed", checkout)]

    def confirm_payment(self, checkout_id: str) -> list[Json]:
        """Let a delayed payment succeed."""
        with self.lock:
            checkout, intent, charge = self._processing(checkout_id)
            events = self._succeed(checkout, intent, charge)
            done = self._record("checkout.session.async_payment_succeeded", checkout)
            return [*events, done, self._settle(charge)]

    def fail_payment(self, checkout_id: str) -> list[Json]:
        """Let a delayed payment fail."""
        with self.lock:
            checkout, intent, charge = self._processing(checkout_id)
            intent.update(status="requires_payment_method", last_payment_error={"type": "card_error"})
            charge.update(status="failed", failure_code="debit_not_authorized", failure_message="It was refused.")
            return [self._record("checkout.session.async_payment_failed", checkout)]

    # Refunds

    def refundable(self, charge: Json) -> int:
        return int(charge["amount"] - charge["amount_refunded"])

    def paid_charge(self, intent_or_charge_id: str) -> Json | None:
        """Find the charge that succeeded by its id or its payment intent's."""
        found = self._objects.get(intent_or_charge_id)
        if found is not None and found["object"] == "payment_intent":
            found = self._objects.get(found["latest_charge"] or "")
        return found if found is not None and found.get("paid") else None

    def refund(
        self,
        payment: str,
        amount: int | None = None,
        *,
        status: str | None = None,
        reason: str | None = "requested_by_customer",
        metadata: dict[str, str] | None = None,
        key: str | None = None,
    ) -> list[Json]:
        """Refund a payment intent or charge, all that is left of it by default. The first event has the refund."""
        with self.lock:
            charge = self.paid_charge(payment)
            assert charge is not None, f"{payment} is not paid"
            amount = self.refundable(charge) if amount is None else amount
            refund = objects.make_refund(
                charge,
                amount=amount,
                reason=reason,
                metadata=metadata or {},
                status=status or self.refunds_start_as,
                now=self.now(),
            )
            self._add(refund, charge["livemode"])
            refund["balance_transaction"] = self._book(refund["id"], -amount, 0, "refund", "refund", charge)["id"]
            self._set_refunded(charge, charge["amount_refunded"] + amount)
            return [
                self._record("refund.created", refund, key=key),
                self._record("charge.refunded", charge, key=key),
            ]

    def finish_refund(self, refund_id: str, status: str) -> list[Json]:
        """Set a refund's status: succeeded, failed, canceled, or one that nobody knows yet."""
        with self.lock:
            refund = self._objects[refund_id]
            charge = self._objects[refund["charge"]]
            undone = ("failed", "canceled")
            if status in undone and refund["status"] not in undone:
                self._book(refund_id, refund["amount"], 0, "refund_failure", "refund_failure", charge)
                self._set_refunded(charge, charge["amount_refunded"] - refund["amount"])
            refund["status"] = status
            events = [self._record("refund.updated", refund)]
            return [*events, self._record("refund.failed", refund)] if status == "failed" else events

    # Disputes

    def dispute(
        self, payment: str, amount: int | None = None, *, inquiry: bool = False, reason: str = "fraudulent"
    ) -> list[Json]:
        """Let the bank dispute a payment. An inquiry withdraws no funds yet. The first event has the dispute."""
        with self.lock:
            charge = self.paid_charge(payment)
            assert charge is not None, f"{payment} is not paid"
            dispute = objects.make_dispute(
                charge, amount=amount or charge["amount"], reason=reason, inquiry=inquiry, now=self.now()
            )
            self._add(dispute, charge["livemode"])
            charge["disputed"] = True
            if inquiry:
                return [self._record("charge.dispute.created", dispute)]
            self._withdraw(dispute)
            return [
                self._record("charge.dispute.created", dispute),
                self._record("charge.dispute.funds_withdrawn", dispute),
            ]

    def escalate(self, dispute_id: str) -> list[Json]:
        """Let an inquiry become a dispute, which withdraws the funds."""
        with self.lock:
            dispute = self._objects[dispute_id]
            dispute.update(status="needs_response", is_charge_refundable=False)
            self._withdraw(dispute)
            return [
                self._record("charge.dispute.updated", dispute),
                self._record("charge.dispute.funds_withdrawn", dispute),
            ]

    def review(self, dispute_id: str) -> list[Json]:
        """Let the bank look at the evidence that was submitted."""
        with self.lock:
            dispute = self._objects[dispute_id]
            dispute["status"] = _INQUIRY_REVIEW.get(dispute["status"], "under_review")
            dispute["evidence_details"].update(has_evidence=True, submission_count=1, submission_method="manual")
            return [self._record("charge.dispute.updated", dispute)]

    def win(self, dispute_id: str) -> list[Json]:
        """Close a dispute in our favour: the funds come back."""
        with self.lock:
            dispute = self._objects[dispute_id]
            dispute["status"] = "won"
            self._reinstate(dispute)
            return [
                self._record("charge.dispute.funds_reinstated", dispute),
                self._record("charge.dispute.closed", dispute),
            ]

    def lose(self, dispute_id: str) -> list[Json]:
        return self.close(dispute_id, "lost")

    def close(self, dispute_id: str, status: str) -> list[Json]:
        """Close a dispute without moving funds: lost, warning_closed, or a status that nobody knows yet."""
        with self.lock:
            dispute = self._objects[dispute_id]
            dispute["status"] = status
            return [self._record("charge.dispute.closed", dispute)]

    # Events that nobody expects

    def say(self, kind: str, object_id: str) -> list[Json]:
        """Make an event of any type about an object."""
        with self.lock:
            return [self._record(kind, self._objects[object_id])]

    def _add(self, made: Json, livemode: bool) -> Json:
        self._objects[made["id"]] = made
        self._live[made["id"]] = livemode
        return made

    def _record(self, kind: str, subject: Json, key: str | None = None) -> Json:
        livemode = self._live[subject["id"]]
        event = objects.make_event(kind, copy.deepcopy(subject), livemode=livemode, key=key, now=self.now())
        return copy.deepcopy(self._add(event, livemode))

    def _open(self, checkout_id: str) -> Json:
        checkout = self._objects[checkout_id]
        assert checkout["status"] == "open", f"the session is {checkout['status']}"
        return checkout

    def _start_payment(self, checkout_id: str, method: str, payer: dict[str, str]) -> tuple[Json, Json, Json]:
        checkout = self._open(checkout_id)
        name, country = payer.get("name", "Anna Muster"), payer.get("country", "CH")
        email = payer.get("email") or checkout["customer_email"] or "anna@example.org"
        self._tax(checkout, country)
        metadata = self._intent_metadata[checkout_id]
        intent = objects.make_payment_intent(checkout, metadata=dict(metadata), method=method, now=self.now())
        self._add(intent, checkout["livemode"])
        charge = objects.make_charge(intent, method=method, name=name, email=email, country=country, now=self.now())
        self._add(charge, checkout["livemode"])
        intent["latest_charge"] = charge["id"]
        checkout.update(
            customer_details=fill(
                "checkout.session/customer_details",
                address=objects.address(country),
                email=email,
                name=name,
                tax_exempt="none",
                tax_ids=[],
            ),
            payment_intent=intent["id"],
            status="complete",
            url=None,
        )
        return checkout, intent, charge

    def _tax(self, checkout: Json, country: str) -> None:
        if not checkout["automatic_tax"]["enabled"]:
            return
        checkout["automatic_tax"]["status"] = "complete"
        if not (self.vat_registered and country == "CH"):
            return
        for line in self._lines[checkout["id"]]:
            if line["price"]["tax_behavior"] == "inclusive":
                line["amount_tax"] = objects.inclusive_vat(line["amount_total"])
            else:
                line["amount_tax"] = objects.exclusive_vat(line["amount_total"])
                line["amount_total"] += line["amount_tax"]
        checkout["total_details"]["amount_tax"] = sum(each["amount_tax"] for each in self._lines[checkout["id"]])
        checkout["amount_total"] = sum(each["amount_total"] for each in self._lines[checkout["id"]])

    def _processing(self, checkout_id: str) -> tuple[Json, Json, Json]:
        checkout = self._objects[checkout_id]
        intent = self._objects[checkout["payment_intent"]]
        assert intent["status"] == "processing", f"the payment is {intent['status']}"
        return checkout, intent, self._objects[intent["latest_charge"]]

    def _succeed(self, checkout: Json, intent: Json, charge: Json) -> list[Json]:
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        intent.update(status="succeeded", amount_received=intent["amount"])
        checkout["payment_status"] = "paid"
        return [self._record("charge.succeeded", charge), self._record("payment_intent.succeeded", intent)]

    def _settle(self, charge: Json) -> Json:
        """Stripe computes its fee a moment later."""
        fee = 30 + charge["amount"] * 29 // 1000
        charge["balance_transaction"] = self._book(charge["id"], charge["amount"], fee, "charge", "charge", charge)[
            "id"
        ]
        return self._record("charge.updated", charge)

    def _set_refunded(self, charge: Json, amount: int) -> None:
        charge.update(amount_refunded=amount, refunded=amount == charge["amount"])

    def _withdraw(self, dispute: Json) -> None:
        booked = self._book(dispute["id"], -dispute["amount"], DISPUTE_FEE, "adjustment", "dispute", dispute)
        dispute["balance_transactions"].append(booked)

    def _reinstate(self, dispute: Json) -> None:
        booked = self._book(dispute["id"], dispute["amount"], 0, "adjustment", "dispute_reversal", dispute)
        dispute["balance_transactions"].append(booked)

    def _book(self, source: str, amount: int, fee: int, kind: str, category: str, about: Json) -> Json:
        booked = objects.make_balance_transaction(
            source,
            amount=amount,
            fee=fee,
            kind=kind,
            category=category,
            currency=about["currency"],
            now=self.now(),
        )
        return self._add(booked, self._live[about["id"]])
