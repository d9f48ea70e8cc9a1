"""Request and response bodies of the administration of credits and money. None names a person or a study set."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StrictInt, WithJsonSchema, model_validator

from backend.administration.billing import AdjustmentReason, CreditsView
from backend.billing.types import (
    CREDITS_PER_CHF,
    EntryKind,
    LotSource,
    RefundReason,
)
from backend.core.web.http import RequestBody, ResponseBody
from backend.generation.types import RunCost, RunState

MAX_DAYS = 366
_MAX_ADJUSTMENT = 10_000_000
_MAX_REFUND_RAPPEN = 10_000_000

_Ticket = Annotated[StrictInt, Field(ge=1, le=2**53, description="Number of the support case.")]
# A day at the edge of the calendar would have no day before or after it.
_Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(3000, 1, 1))]
_Exact = Annotated[
    Decimal,
    # Never with an exponent, so that every program can read it.
    PlainSerializer(lambda value: f"{value.normalize():f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["0.00345"]}),
]


class AdjustmentRequest(RequestBody):
    """Why credits are granted or removed. No free text, because the audit log keeps it permanently."""

    amount: StrictInt = Field(
        ge=-_MAX_ADJUSTMENT,
        le=_MAX_ADJUSTMENT,
        description="Whole credits. A positive number grants free credits; a negative one removes credits.",
        json_schema_extra={"not": {"const": 0}},
    )
    reason: AdjustmentReason
    ticket: _Ticket

    @model_validator(mode="after")
    def _refuse_nothing(self) -> Self:
        if not self.amount:
            raise ValueError("amount must not be 0")
        return self


class RefundRequest(RequestBody):
    """Why a payment is refunded. No free text, because the audit log keeps it permanently."""

    amount_rappen: StrictInt | None = Field(
        None, ge=1, le=_MAX_REFUND_RAPPEN, description="Left out, all that is left of the payment is refunded."
    )
    reason: RefundReason
    ticket: _Ticket


class DaysQuery(BaseModel):
    """Days in Swiss time, both ends included."""

    model_config = ConfigDict(extra="forbid")

    first: _Day = Field(alias="from", description="First day, in Swiss time.")
    last: _Day = Field(alias="to", description=f"Last day. At most {MAX_DAYS} days.")

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if not 0 <= (self.last - self.first).days < MAX_DAYS:
            raise ValueError(f"from and to must span 1 to {MAX_DAYS} days")
        return self


class SupportedBalance(ResponseBody):
    """A user's credits. Negative if more was refunded or disputed than was left."""

    balance: int = Field(description="`paid` and `free` together.")
    paid: int
    free: int
    held: int = Field(description="Reserved for runs in progress.")
    available: int = Field(description="`balance` without `held`.")
    is_frozen: bool = Field(description="An open dispute stops spending.")


class AdjustmentResponse(ResponseBody):
    """An adjustment, and the user's credits afterwards."""

    id: UUID
    amount: int
    balance: SupportedBalance


class SupportedLot(ResponseBody):
    """Credits granted at once, and what is left of them."""

    id: UUID
    source: LotSource
    amount: int
    balance: int
    held: int
    expires_at: datetime | None
    created_at: datetime


class SupportedEntry(ResponseBody):
    """An entry of the ledger."""

    id: UUID
    number: int
    kind: EntryKind
    lot_id: UUID
    lot_source: LotSource
    amount: int
    held: int
    balance_after: int
    held_after: int
    run_id: UUID | None
    stripe_id: str | None = Field(description="The refund or dispute at Stripe that caused it.")
    created_at: datetime


class SupportedCredits(ResponseBody):
    """A user's credits: balance, the newest 100 lots, and a page of entries, newest first."""

    balance: SupportedBalance
    lots: list[SupportedLot]
    entries: list[SupportedEntry]
    next_cursor: str | None

    @classmethod
    def of(cls, view: CreditsView) -> Self:
        return cls(
            balance=SupportedBalance.model_validate(view.balance),
            lots=[SupportedLot.model_validate(lot) for lot in view.lots],
            entries=[SupportedEntry.model_validate(entry) for entry in view.entries.items],
            next_cursor=view.entries.next_cursor,
        )


class SupportedPayment(ResponseBody):
    """A payment without the payer's data. Amounts are in rappen."""

    id: UUID
    user_id: UUID
    package: str
    amount_rappen: int
    tax_rappen: int = Field(description="Tax included in `amount_rappen`.")
    credits: int
    method: str | None
    is_live: bool
    stripe_payment_intent_id: str
    state: str = Field(description="`paid`, `partly_refunded`, `refunded`, `disputed` or `charged_back`.")
    refunded_rappen: int = Field(description="Includes refunds in progress.")
    disputed_rappen: int
    refundable_rappen: int = Field(description="What can still be refunded.")
    paid_at: datetime


class SupportedPaymentPage(ResponseBody):
    """A page of a user's payments, newest first."""

    items: list[SupportedPayment]
    next_cursor: str | None


class RefundResponse(ResponseBody):
    """A refund at Stripe."""

    stripe_id: str
    payment_id: UUID
    amount_rappen: int
    status: str = Field(description="Stripe's word, such as `pending`, `succeeded` or `failed`.")
    is_booked: bool = Field(description="False if it cannot be booked; its event is then among the unhandled ones.")


class UnhandledEventResponse(ResponseBody):
    """An event of Stripe that changed nothing, because we do not know what it means or could not handle it."""

    id: UUID
    event_id: str = Field(description="Its id at Stripe.")
    type: str
    object_type: str | None
    object_id: str | None
    outcome: str | None = Field(description="Null while it waits to be handled.")
    reason: str | None
    received_at: datetime


class UnhandledEventPage(ResponseBody):
    """A page of unhandled events, newest first."""

    items: list[UnhandledEventResponse]
    next_cursor: str | None


class DayRevenueResponse(ResponseBody):
    """Money of one day. Amounts are in rappen."""

    day: date
    payments: int
    purchases_rappen: int
    tax_rappen: int = Field(description="Tax included in `purchases_rappen`.")
    refunds_rappen: int = Field(description="Refunds, less those that failed afterwards.")
    disputes_rappen: int = Field(description="Withdrawn by disputes, less what was reinstated. Without Stripe's fees.")
    net_rappen: int = Field(description="Purchases without refunds and disputes.")
    credits_sold: int


class RevenueOfDaysResponse(ResponseBody):
    """Revenue by day, oldest first."""

    days: list[DayRevenueResponse]


class CallCostsResponse(ResponseBody):
    """What model calls used, cost us and were worth."""

    calls: int
    unpriced_calls: int = Field(description="Calls without a price list: cost and price are unknown.")
    input_tokens: int = Field(description="Includes cached tokens and those written to the cache.")
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_chf: _Exact = Field(description="What the vendor charges us, in CHF.")
    price_credits: _Exact = Field(description="Price of all calls, in credits.")
    charged_credits: _Exact = Field(description="The part of the price that users pay, in credits.")


class DayUsageResponse(CallCostsResponse):
    """Calls of one model on one day."""

    day: date
    model: str


class UsageOfDaysResponse(ResponseBody):
    """Usage by day and model, oldest first. Days without calls are left out."""

    days: list[DayUsageResponse]


class RunCostResponse(CallCostsResponse):
    """Cost, price and charge of one run."""

    run_id: UUID
    user_id: UUID | None
    state: RunState | None = Field(description="Null if the run has been deleted.")
    model: str
    reserved_credits: int
    captured_credits: int = Field(description="Whole credits that the user spent on the run.")
    captured_paid_credits: int = Field(description="The part of them that was bought.")
    margin_chf: _Exact = Field(description="`captured_credits` in CHF, less `cost_chf`.")
    paid_margin_chf: _Exact = Field(description="`captured_paid_credits` in CHF, less `cost_chf`.")

    @classmethod
    def of(cls, cost: RunCost) -> Self:
        charge = cost.charge
        return cls(
            **CallCostsResponse.model_validate(cost).model_dump(mode="python", by_alias=False, warnings=False),
            run_id=cost.run_id,
            user_id=cost.user_id,
            state=cost.state,
            model=cost.model,
            reserved_credits=charge.reserved,
            captured_credits=charge.captured,
            captured_paid_credits=charge.captured_paid,
            margin_chf=Decimal(charge.captured) / CREDITS_PER_CHF - cost.cost_chf,
            paid_margin_chf=Decimal(charge.captured_paid) / CREDITS_PER_CHF - cost.cost_chf,
        )


class RunCostPage(ResponseBody):
    """A page of runs that called the language model, newest first."""

    items: list[RunCostResponse]
    next_cursor: str | None
