"""What the page with prices shows: the price list in force, the next one, and the model in use."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from backend.billing.prices.price_list import PriceList, find_next_price_list, get_price_list
from backend.billing.types import CreditsPerMillion, TokenUsage
from backend.settings import get_settings

TYPICAL_ITEM = TokenUsage(input_tokens=570, output_tokens=205)
"""Tokens of one flashcard or question, measured with the present prompts on dense notes (November 2026).

Sparse slides take up to 2,400 input tokens, because the model reads more for each item.
"""


@dataclass(frozen=True, slots=True)
class PricePage:
    """``model`` is the language model in use, None for the built-in one; ``model_price`` is None if it has no price.

    ``region_factor`` multiplies all prices of the model in use, because of where its data stays.
    ``typical_item_credits`` is what ``TYPICAL_ITEM`` costs, 0 with the built-in model.
    """

    in_force: PriceList
    following: PriceList | None
    model: str | None
    model_price: CreditsPerMillion | None
    region_factor: Decimal
    typical_item_credits: Decimal | None


def build_price_page() -> PricePage:
    settings = get_settings()
    prices = get_price_list()
    model = settings.openai_model if settings.openai_api_key is not None else None
    host = urlsplit(settings.openai_base_url or "").hostname
    if model is None:
        typical: Decimal | None = Decimal(0)
    else:
        cost = prices.cost(model, TYPICAL_ITEM, host=host)
        typical = None if cost is None else cost.credits
    return PricePage(
        in_force=prices,
        following=find_next_price_list(),
        model=model,
        model_price=None if model is None else prices.find_model(model),
        region_factor=prices.find_region_factor(host),
        typical_item_credits=typical,
    )
