"""Responses about credits, entries and prices. Exact numbers are strings, because JSON's may lose digits."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from backend.billing.prices.figures import to_francs
from backend.billing.prices.price_list import PriceList
from backend.billing.prices.price_page import TYPICAL_ITEM, PricePage
from backend.billing.prices.questions import Question
from backend.billing.statements.entries import EntryView
from backend.billing.statements.files import StatementFormat
from backend.billing.statements.freezing import Freeze
from backend.billing.types import CREDITS_PER_CHF, CreditBalance, CreditsPerMillion, EntryKind, LotBalance, LotSource
from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.pagination import PageQuery
from backend.settings import Settings

_EXACT = "An exact decimal number."
_CREDITS_PER_MILLION = "Credits per million tokens, an exact decimal number."


class FreezeResponse(ResponseBody):
    """Why credits cannot be spent."""

    code: Literal["dispute_open", "negative_balance"]
    detail: str = Field(description="A sentence for the user in their language.")


class LotResponse(ResponseBody):
    """Credits granted at once, as far as they are left."""

    id: UUID
    source: LotSource
    is_paid: bool
    granted: int
    left: int = Field(description="Credits that have not been spent, including those that are held.")
    held: int
    expires_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, lot: LotBalance) -> Self:
        return cls(
            id=lot.id,
            source=lot.source,
            is_paid=lot.source is LotSource.PURCHASE,
            granted=lot.amount,
            left=lot.balance,
            held=lot.held,
            expires_at=lot.expires_at,
            created_at=lot.created_at,
        )


class CreditsResponse(ResponseBody):
    """Your credits. `paid` and `free` add up to `balance`."""

    billing_is_on: bool = Field(description="Whether runs cost credits here. If not, everything is free of charge.")
    balance: int = Field(description="Negative if more was refunded or disputed than was left.")
    paid: int
    free: int
    held: int = Field(description="Credits reserved for runs in progress.")
    available: int = Field(description="`balance` without `held`.")
    is_frozen: bool = Field(description="Whether nothing can be spent at the moment.")
    freeze: FreezeResponse | None = Field(description="The reason if `is_frozen`.")
    lots: list[LotResponse] = Field(description="Lots with credits left, in the order in which they are spent.")

    @classmethod
    def of(
        cls, balance: CreditBalance, lots: Iterable[LotBalance], freeze: Freeze | None, *, billing_is_on: bool
    ) -> Self:
        return cls(
            billing_is_on=billing_is_on,
            balance=balance.balance,
            paid=balance.paid,
            free=balance.free,
            held=balance.held,
            available=balance.available,
            is_frozen=freeze is not None,
            freeze=None if freeze is None else FreezeResponse.model_validate(freeze),
            lots=[LotResponse.of(lot) for lot in lots],
        )


class EntriesQuery(PageQuery):
    run_id: UUID | None = Field(None, description="Only entries of this run.")


class EntryResponse(ResponseBody):
    """A change of your credits."""

    id: UUID
    kind: EntryKind
    amount: int = Field(description="Change of the balance.")
    held: int = Field(description="Change of the credits that are held.")
    balance_after: int
    held_after: int
    source: LotSource = Field(description="Where the credits came from.")
    lot_id: UUID
    run_id: UUID | None
    payment_id: UUID | None = Field(description="The payment that was made, refunded or disputed.")
    description: str = Field(description="What it was for, in the user's language.")
    created_at: datetime

    @classmethod
    def of(cls, entry: EntryView, description: str) -> Self:
        return cls(
            id=entry.id,
            kind=entry.kind,
            amount=entry.amount,
            held=entry.held,
            balance_after=entry.balance_after,
            held_after=entry.held_after,
            source=entry.source,
            lot_id=entry.lot_id,
            run_id=entry.run_id,
            payment_id=entry.payment_id,
            description=description,
            created_at=entry.created_at,
        )


class EntryPage(ResponseBody):
    """A page of entries, newest first."""

    items: list[EntryResponse]
    next_cursor: str | None


class PackageResponse(ResponseBody):
    """Credits that can be bought at once."""

    name: str
    price: str = Field(description="Price in CHF, such as `5.00`.")
    price_rappen: int
    credits: int


class ModelPriceResponse(ResponseBody):
    """What a language model costs."""

    model: str
    input: str = Field(description=_CREDITS_PER_MILLION)
    cached_input: str = Field(description=_CREDITS_PER_MILLION)
    cache_write: str = Field(description=_CREDITS_PER_MILLION)
    output: str = Field(description=_CREDITS_PER_MILLION)
    long_context_above_tokens: int | None = Field(
        description="A request with more input tokens costs `long_context_factor` times as much."
    )
    long_context_factor: str = Field(description=_EXACT)

    @classmethod
    def of(cls, price: CreditsPerMillion) -> Self:
        return cls(
            model=price.model,
            input=_exact(price.input),
            cached_input=_exact(price.cached_input),
            cache_write=_exact(price.cache_write),
            output=_exact(price.output),
            long_context_above_tokens=price.long_context_above_tokens,
            long_context_factor=_exact(price.long_context_factor),
        )


class PriceListResponse(ResponseBody):
    """Prices from a date on. `name` identifies the version."""

    name: str
    applies_from: date
    packages: list[PackageResponse]
    models: list[ModelPriceResponse]

    @classmethod
    def of(cls, prices: PriceList) -> Self:
        models = (prices.find_model(model) for model in prices.models)
        return cls(
            name=prices.name,
            applies_from=prices.applies_from,
            packages=[
                PackageResponse(
                    name=package.name,
                    price=to_francs(package.price_rappen),
                    price_rappen=package.price_rappen,
                    credits=package.credits,
                )
                for package in prices.packages
            ],
            models=[ModelPriceResponse.of(price) for price in models if price is not None],
        )


class ModelInUseResponse(ResponseBody):
    """The language model that makes items now."""

    name: str | None = Field(description="Null for the built-in model.")
    is_free: bool = Field(description="The built-in model costs nothing.")
    price: ModelPriceResponse | None
    region_factor: str = Field(description="Multiplies `price`, because the data stays in a region. " + _EXACT)


class TypicalItemResponse(ResponseBody):
    """What a flashcard or question from dense notes costs with the model in use; sparse slides cost more."""

    input_tokens: int
    output_tokens: int
    credits: str | None = Field(description="Null if the model in use has no price. " + _EXACT)


class CreditQuestionResponse(ResponseBody):
    """A question about credits, answered in the user's language."""

    code: str
    question: str
    answer: str


class PricesResponse(ResponseBody):
    """Everything that a page with prices needs."""

    billing_is_on: bool = Field(description="Whether runs cost credits here. If not, everything is free of charge.")
    publishable_key: str | None = Field(description="Stripe's publishable key, if billing is on.")
    currency: Literal["chf"]
    vat_included: bool = Field(description="Whether prices include VAT where it is due. If not, none is charged.")
    credits_per_chf: int
    sign_up_credits: int = Field(description="Free credits for each new person with a verified address.")
    current: PriceListResponse
    next: PriceListResponse | None = Field(description="The price list that will follow, if it is known already.")
    model_in_use: ModelInUseResponse
    typical_item: TypicalItemResponse
    questions: list[CreditQuestionResponse] = Field(description="Empty if billing is off.")

    @classmethod
    def of(cls, page: PricePage, questions: Iterable[Question], settings: Settings) -> Self:
        is_on, key = settings.billing_is_on, settings.stripe_publishable_key
        typical = page.typical_item_credits
        return cls(
            billing_is_on=is_on,
            publishable_key=key.get_secret_value() if is_on and key is not None else None,
            currency="chf",
            vat_included=settings.stripe_tax == "automatic",
            credits_per_chf=CREDITS_PER_CHF,
            sign_up_credits=settings.signup_credits if is_on else 0,
            current=PriceListResponse.of(page.in_force),
            next=None if page.following is None else PriceListResponse.of(page.following),
            model_in_use=ModelInUseResponse(
                name=page.model,
                is_free=page.model is None,
                price=None if page.model_price is None else ModelPriceResponse.of(page.model_price),
                region_factor=_exact(page.region_factor),
            ),
            typical_item=TypicalItemResponse(
                input_tokens=TYPICAL_ITEM.input_tokens,
                output_tokens=TYPICAL_ITEM.output_tokens,
                credits=None if typical is None else _exact(typical),
            ),
            questions=[CreditQuestionResponse.model_validate(each) for each in questions] if is_on else [],
        )


class StatementQuery(RequestBody):
    year: int = Field(ge=2020, le=2100, description="A calendar year in Switzerland.")
    format: StatementFormat | None = Field(None, description="Overrides the Accept header.")


def _exact(number: Decimal) -> str:
    return f"{number.normalize():f}"
