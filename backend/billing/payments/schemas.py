"""Bodies of the payment routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import RequestBody, ResponseBody


class CheckoutRequest(RequestBody):
    package: str = Field(max_length=40, description="Name of a package of the price list, such as `chf-10`.")


class CheckoutResponse(ResponseBody):
    id: UUID
    url: str | None = Field(description="Stripe's page, where the user pays. Null once the checkout has ended.")
    state: Literal["open", "paid", "failed", "expired", "refused"] = Field(
        description="`refused`: the payment does not match what was ordered; support takes care of it."
    )
    package: str
    amount_rappen: int = Field(description="Price in rappen (CHF 1 = 100 rappen), VAT included.")
    currency: str
    credits: int
    created_at: datetime
    expires_at: datetime | None


class PaymentResponse(ResponseBody):
    id: UUID
    checkout_id: UUID
    package: str
    amount_rappen: int = Field(description="Price paid in rappen (CHF 1 = 100 rappen), VAT included.")
    tax_rappen: int = Field(description="VAT included in the price, in rappen.")
    currency: str
    credits: int
    method: str | None = Field(description="How it was paid, such as `card`, `twint` or `paypal`.")
    paid_at: datetime
    receipt_url: str | None = Field(description="Stripe's receipt.")
    state: Literal["paid", "partly_refunded", "refunded", "disputed", "charged_back"] = Field(
        description="`disputed`: the bank is looking at it. `charged_back`: the bank has taken the money back."
    )
    refunded_rappen: int
    disputed_rappen: int = Field(description="What the bank has withdrawn at present, in rappen.")


class PaymentPage(ResponseBody):
    """One page of the user's payments, newest first."""

    items: list[PaymentResponse]
    next_cursor: str | None
