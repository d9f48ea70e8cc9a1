"""Values that the billing room takes and returns, independent of its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

CREDITS_PER_CHF = 1000
RAPPEN_PER_CHF = 100
CREDITS_PER_RAPPEN = CREDITS_PER_CHF // RAPPEN_PER_CHF


class LotSource(StrEnum):
    """Where the credits of a lot come from. Those of a purchase are paid; all others are free."""

    PURCHASE = "purchase"
    SIGN_UP = "sign_up"
    GOODWILL = "goodwill"


class EntryKind(StrEnum):
    """What an entry books. ``reserved`` and ``released`` change only what is held, not the balance."""

    GRANTED = "granted"
    RESERVED = "reserved"
    CAPTURED = "captured"
    RELEASED = "released"
    REFUNDED = "refunded"
    REFUND_RETURNED = "refund_returned"
    DISPUTED = "disputed"
    REINSTATED = "reinstated"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class CreditBalance:
    """A user's credits. ``paid`` and ``free`` add up to ``balance``; ``available`` is ``balance`` without ``held``.

    ``paid``, ``balance`` and ``available`` are negative if more was refunded or disputed than was left.
    ``is_frozen`` tells whether an open dispute stops spending.
    """

    paid: int
    free: int
    held: int
    is_frozen: bool = False

    @property
    def balance(self) -> int:
        return self.paid + self.free

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass(frozen=True, slots=True)
class Hold:
    """Credits reserved for a run. ``captured`` have been spent; ``is_open`` tells whether the rest is still held."""

    id: UUID
    user_id: UUID
    run_id: UUID
    amount: int
    captured: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one model call. ``input_tokens`` includes cached tokens and those written to the cache."""

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class CallCost:
    """Exact cost of one model call: what the vendor charges us, and the price in credits at the standard tier."""

    price_list: str
    usd: Decimal
    chf: Decimal
    credits: Decimal


@dataclass(frozen=True, slots=True)
class CreditsPerMillion:
    """Price of a model in credits per million tokens.

    A request with more input tokens than ``long_context_above_tokens`` costs ``long_context_factor`` times as much.
    """

    model: str
    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    output: Decimal
    long_context_above_tokens: int | None = None
    long_context_factor: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Package:
    """Credits that can be bought at once. The price is in rappen (CHF 1 = 100 rappen)."""

    name: str
    price_rappen: int
    credits: int


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant of the ledger that does not hold, with the ids concerned."""

    invariant: str
    user_id: UUID | None
    detail: str


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The last check of the ledger: violations by invariant, including 0, and how long ago it ended."""

    violations: Mapping[str, int]
    age_s: float


@dataclass(frozen=True, slots=True)
class LotBalance:
    """A lot and what is left of it."""

    id: UUID
    source: LotSource
    amount: int
    balance: int
    held: int
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """A ledger entry as administrators see it. ``balance_after`` is that of the account."""

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
    stripe_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A payment as administrators see it, without the payer's data.

    ``refunded_rappen`` includes refunds in progress; ``disputed_rappen`` is what open and lost disputes have withdrawn.
    """

    id: UUID
    user_id: UUID
    package: str
    amount_rappen: int
    tax_rappen: int
    credits: int
    method: str | None
    is_live: bool
    stripe_payment_intent_id: str
    state: str
    refunded_rappen: int
    disputed_rappen: int
    paid_at: datetime

    @property
    def refundable_rappen(self) -> int:
        return max(self.amount_rappen - self.refunded_rappen - self.disputed_rappen, 0)


@dataclass(frozen=True, slots=True)
class UnhandledEvent:
    """An event of Stripe that somebody must look at. ``reason`` is a code."""

    id: UUID
    event_id: str
    type: str
    object_type: str | None
    object_id: str | None
    outcome: str | None
    reason: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DayRevenue:
    """Money of one day in Swiss time. ``refunds`` and ``disputes`` are what was paid back, less what came back."""

    day: date
    payments: int
    purchases_rappen: int
    tax_rappen: int
    credits_sold: int
    refunds_rappen: int
    disputes_rappen: int

    @property
    def net_rappen(self) -> int:
        return self.purchases_rappen - self.refunds_rappen - self.disputes_rappen


@dataclass(frozen=True, slots=True)
class RunCharge:
    """What a run reserved and spent. ``captured_paid`` is the part of ``captured`` that was bought."""

    reserved: int = 0
    captured: int = 0
    captured_paid: int = 0


class RefundReason(StrEnum):
    """Why an administrator refunds a payment. A fixed list, because the audit log must not contain free text."""

    OWN_WISH = "own_wish"
    DUPLICATE = "duplicate"
    FRAUD = "fraud"
    FAULT = "fault"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """A refund that may be made. ``is_repeated`` tells that Stripe may have been asked for it before."""

    key: UUID
    user_id: UUID
    payment_id: UUID
    payment_intent_id: str
    amount_rappen: int
    reason: RefundReason
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class RefundState:
    """A refund at Stripe. ``status`` is Stripe's word: pending, succeeded, failed, canceled, or a new one.

    A refund in a state that we do not know is not booked.
    """

    stripe_id: str
    payment_id: UUID
    amount_rappen: int
    status: str
    is_booked: bool
