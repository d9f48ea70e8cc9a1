"""Makes Stripe's objects as the API returns them, each with all of its keys."""

import secrets
from typing import Any

from tests.stand_ins.stripe_shapes import ENDIVE, fill

# Stripe's name of the charges and refunds that are not on a card.
_CARD, _OTHER = {"charge": "ch", "refund": "re"}, {"charge": "py", "refund": "pyr"}
VAT_PER_MILLE = 81


def new_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{secrets.token_hex(length)[:length]}"


def inclusive_vat(amount: int) -> int:
    """Return the Swiss VAT that a price includes, rounded half up to a rappen."""
    return (2 * amount * VAT_PER_MILLE + 1000 + VAT_PER_MILLE) // (2 * (1000 + VAT_PER_MILLE))


def exclusive_vat(amount: int) -> int:
    """Return the Swiss VAT that is added to a price, rounded half up to a rappen."""
    return (amount * VAT_PER_MILLE + 500) // 1000


def make_checkout(params: dict[str, Any], *, now: int, livemode: bool) -> dict[str, Any]:
    """Make an open session from checked parameters."""
    checkout_id = new_id("cs_live" if livemode else "cs_test", 58)
    amount = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in params["line_items"])
    currency = params["line_items"][0]["price_data"]["currency"].lower()
    taxed = bool(params.get("automatic_tax", {}).get("enabled"))
    methods = params.get("payment_method_types") or (
        ["card", "twint", "paypal"] if currency == "chf" else ["card", "paypal"]
    )
    ui_mode = params.get("ui_mode", "hosted_page")
    return fill(
        "checkout.session",
        id=checkout_id,
        object="checkout.session",
        adaptive_pricing={"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        amount_subtotal=amount,
        amount_total=amount,
        automatic_tax=fill(
            "checkout.session/automatic_tax",
            enabled=taxed,
            liability={"type": "self"} if taxed else None,
            status="requires_location_inputs" if taxed else None,
            provider="stripe" if taxed else None,
        ),
        billing_address_collection=params.get("billing_address_collection"),
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        client_secret=None if ui_mode == "hosted_page" else f"{checkout_id}_secret_{secrets.token_hex(8)}",
        created=now,
        currency=currency,
        customer_creation=params.get("customer_creation", "if_required"),
        customer_email=params.get("customer_email"),
        expires_at=params.get("expires_at", now + 24 * 3600),
        livemode=livemode,
        locale=params.get("locale"),
        metadata=params.get("metadata", {}),
        mode=params["mode"],
        payment_method_collection="if_required",
        payment_method_types=methods,
        payment_status="unpaid",
        phone_number_collection={"enabled": False},
        status="open",
        success_url=params.get("success_url"),
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode=ui_mode,
        url=f"https://checkout.stripe.com/c/pay/{checkout_id}" if ui_mode == "hosted_page" else None,
    )


def make_line(line: dict[str, Any], *, now: int, livemode: bool) -> dict[str, Any]:
    """Make the session's line item from its parameters."""
    data = line["price_data"]
    unit, quantity = data["unit_amount"], line.get("quantity", 1)
    price = fill(
        "item/price",
        id=new_id("price"),
        object="price",
        active=False,
        billing_scheme="per_unit",
        created=now,
        currency=data["currency"].lower(),
        livemode=livemode,
        product=new_id("prod", 14),
        tax_behavior=data.get("tax_behavior", "unspecified"),
        type="one_time",
        unit_amount=unit,
        unit_amount_decimal=str(unit),
    )
    return fill(
        "item",
        id=new_id("li"),
        object="item",
        amount_discount=0,
        amount_subtotal=unit * quantity,
        amount_tax=0,
        amount_total=unit * quantity,
        currency=data["currency"].lower(),
        description=data["product_data"]["name"],
        price=price,
        quantity=quantity,
    )


def make_payment_intent(checkout: dict[str, Any], *, metadata: dict[str, str], method: str, now: int) -> dict[str, Any]:
    intent_id = new_id("pi")
    return fill(
        "payment_intent",
        id=intent_id,
        object="payment_intent",
        amount=checkout["amount_total"],
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic_async",
        client_secret=f"{intent_id}_secret_{secrets.token_hex(8)}",
        confirmation_method="automatic",
        created=now,
        currency=checkout["currency"],
        livemode=checkout["livemode"],
        metadata=metadata,
        payment_method=new_id("pm"),
        payment_method_types=[method],
        status="processing",
    )


def make_charge(
    intent: dict[str, Any], *, method: str, name: str, email: str, country: str, now: int
) -> dict[str, Any]:
    """Make a charge that is pending."""
    charge_id = new_id((_CARD if method == "card" else _OTHER)["charge"])
    card = fill(
        "charge/payment_method_details/card",
        amount_authorized=intent["amount"],
        brand="visa",
        country=country,
        exp_month=12,
        exp_year=2034,
        funding="credit",
        last4="4242",
        network="visa",
    )
    return fill(
        "charge",
        id=charge_id,
        object="charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=fill("charge/billing_details", address=address(country), email=email, name=name),
        captured=False,
        created=now,
        currency=intent["currency"],
        disputed=False,
        fraud_details={},
        livemode=intent["livemode"],
        metadata=intent["metadata"],
        outcome=fill("charge/outcome", network_status="approved_by_network", type="authorized"),
        paid=False,
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        payment_method_details={"type": method, method: card if method == "card" else {}},
        receipt_url=f"https://pay.stripe.com/receipts/payment/{secrets.token_urlsafe(24)}",
        refunded=False,
        status="pending",
    )


def make_refund(
    charge: dict[str, Any], *, amount: int, reason: str | None, metadata: dict[str, str], status: str, now: int
) -> dict[str, Any]:
    method = charge["payment_method_details"]["type"]
    on_card = method == "card"
    card = fill("refund/destination_details/card", type="refund", reference_status="pending")
    return fill(
        "refund",
        id=new_id((_CARD if on_card else _OTHER)["refund"]),
        object="refund",
        amount=amount,
        charge=charge["id"],
        created=now,
        currency=charge["currency"],
        destination_details={"type": method, method: card if on_card else {}},
        metadata=metadata,
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=reason,
        status=status,
    )


def make_dispute(charge: dict[str, Any], *, amount: int, reason: str, inquiry: bool, now: int) -> dict[str, Any]:
    method = charge["payment_method_details"]["type"]
    card = {
        "brand": "visa",
        "case_type": "inquiry" if inquiry else "chargeback",
        "network_reason_code": "10.4",
        "network": "visa",
    }
    return fill(
        "dispute",
        id=new_id("du"),
        object="dispute",
        amount=amount,
        charge=charge["id"],
        created=now,
        currency=charge["currency"],
        evidence_details=fill(
            "dispute/evidence_details",
            due_by=now + 7 * 86_400,
            has_evidence=False,
            past_due=False,
            submission_count=0,
            submission_method="not_submitted",
        ),
        intended_submission_method="manual",
        is_charge_refundable=inquiry,
        livemode=charge["livemode"],
        payment_intent=charge["payment_intent"],
        payment_method_details={"type": method, method: card if method == "card" else {}},
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )


def make_balance_transaction(
    source: str, *, amount: int, fee: int, kind: str, category: str, currency: str, now: int
) -> dict[str, Any]:
    fees = [{"amount": fee, "application": None, "currency": currency, "description": "Fee", "type": "stripe_fee"}]
    return fill(
        "balance_transaction",
        id=new_id("txn"),
        object="balance_transaction",
        amount=amount,
        available_on=now + 2 * 86_400,
        balance_type="payments",
        created=now,
        currency=currency,
        fee=fee,
        fee_details=fees if fee else [],
        net=amount - fee,
        reporting_category=category,
        source=source,
        status="pending",
        type=kind,
    )


def make_event(kind: str, snapshot: dict[str, Any], *, livemode: bool, key: str | None, now: int) -> dict[str, Any]:
    """Make an event with a copy of the object as it is now."""
    return fill(
        "event",
        id=new_id("evt"),
        object="event",
        api_version=ENDIVE,
        created=now,
        data={"object": snapshot},
        livemode=livemode,
        pending_webhooks=1,
        request={"id": new_id("req", 14) if key else None, "idempotency_key": key},
        type=kind,
    )


def address(country: str | None) -> dict[str, str | None]:
    return fill("charge/billing_details/address", country=country)
