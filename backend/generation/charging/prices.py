"""Prices of a run's calls, from the price list that was in force when the run was started."""

from dataclasses import dataclass
from decimal import Decimal

from backend.billing import service as billing
from backend.billing.errors import ModelNotPriced
from backend.billing.types import CallCost, TokenUsage
from backend.core.process.logging import get_logger
from backend.generation.language_models.choice import get_language_model
from backend.generation.language_models.interface import Usage
from backend.generation.models import Run
from backend.settings import get_settings

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunPrices:
    """What the calls of a run cost.

    ``is_charged`` tells whether the user pays for them. ``stored_list`` names the stored price list, if there is one.
    """

    model: str
    host: str | None
    is_draft: bool
    is_charged: bool
    price_list: billing.PriceList | None
    stored_list: str | None

    def cost(self, usage: Usage) -> CallCost | None:
        """Return what a call costs, or None if the model has no price. The built-in model costs nothing."""
        if self.is_draft:
            return CallCost("", Decimal(0), Decimal(0), Decimal(0))
        if self.price_list is None:
            return None
        tokens = TokenUsage(
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        return self.price_list.cost(self.model, tokens, host=self.host)

    def price(self, usage: Usage) -> Decimal:
        """Return the exact price of a call in credits; 0 if the user pays nothing."""
        cost = self.cost(usage) if self.is_charged else None
        return cost.credits if cost is not None else Decimal(0)


def prices_of_new_run() -> RunPrices:
    """Return the prices of a run that starts now, and store their list. Needs a transaction.

    Raises ModelNotPriced if the user would pay for a model without a price.
    """
    prices = current_prices()
    if prices.is_draft:
        return prices
    try:
        stored = billing.use_price_list()
    except ModelNotPriced:
        if prices.is_charged:
            raise
        # Nobody pays, so the run may start. Its calls are recorded at the prices of today's file.
        return prices
    return _make(prices.is_draft, prices.is_charged, prices.model, stored, stored.name)


def current_prices() -> RunPrices:
    """Return the prices in force. Raises ModelNotPriced if the user would pay for a model without a price."""
    model = get_language_model()
    return _checked(_make(model.is_draft, _is_charged(model.is_draft), model.name, billing.get_price_list(), None))


def prices_of(run: Run) -> RunPrices:
    """Return the prices of a run. Raises ModelNotPriced if the user would pay for a model without a price."""
    prices = billing.get_price_list(run.price_list)
    return _checked(_make(run.is_draft, _is_charged(run.is_draft), run.model, prices, run.price_list))


def prices_to_record(price_list: str | None) -> RunPrices:
    """Return the prices at which calls are recorded, whether somebody pays for them or not.

    ``price_list`` is that of the run; None means the one in force.
    """
    model = get_language_model()
    try:
        prices = billing.get_price_list(price_list)
    except ModelNotPriced:
        return _make(model.is_draft, False, model.name, None, None)
    return _make(model.is_draft, False, model.name, prices, price_list)


def _is_charged(is_draft: bool) -> bool:
    return get_settings().billing_is_on and not is_draft


def _make(
    is_draft: bool, is_charged: bool, model: str, price_list: billing.PriceList | None, stored: str | None
) -> RunPrices:
    return RunPrices(model, get_language_model().host, is_draft, is_charged, price_list, stored)


def _checked(prices: RunPrices) -> RunPrices:
    if prices.is_charged and (prices.price_list is None or prices.price_list.find_model(prices.model) is None):
        log.error("generation.model.not_priced", model=prices.model)
        raise ModelNotPriced
    return prices
