"""Price lists: a price file with its margin. Each is stored when it is first used, and never changes afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.billing.errors import ModelNotPriced
from backend.billing.models import StoredPriceList
from backend.billing.prices.price_file import ModelPrice, PriceFile, read_price_files
from backend.billing.types import CREDITS_PER_CHF, CallCost, CreditsPerMillion, Package, TokenUsage
from backend.core.clock import now
from backend.core.database.database import db
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of packages and models, exact. ``name`` identifies the version."""

    name: str
    applies_from: date
    _file: PriceFile

    @property
    def margin(self) -> Decimal:
        return self._file.margin

    @property
    def usd_to_chf(self) -> Decimal:
        return self._file.usd_to_chf

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(Package(each.name, each.price_rappen, each.credits) for each in self._file.packages)

    def find_package(self, name: str) -> Package | None:
        return next((package for package in self.packages if package.name == name), None)

    @property
    def models(self) -> Sequence[str]:
        return tuple(self._file.models)

    def find_model(self, model: str) -> CreditsPerMillion | None:
        """Return what a model costs in credits, or None if it has no price."""
        price = self._file.models.get(model)
        if price is None:
            return None
        cached_input, cache_write = _cached(price)
        return CreditsPerMillion(
            model=model,
            input=self._credits(price.input),
            cached_input=self._credits(cached_input),
            cache_write=self._credits(cache_write),
            output=self._credits(price.output),
            long_context_above_tokens=price.long_context_above_tokens,
            long_context_factor=price.long_context_factor,
        )

    def find_region_factor(self, host: str | None) -> Decimal:
        """Return how many times the price is charged for calls to a host; some regions cost more."""
        return self._file.regions.get(host or "", Decimal(1))

    def cost(self, model: str, usage: TokenUsage, *, host: str | None = None) -> CallCost | None:
        """Return the exact cost of a call, or None if the model has no price.

        ``host`` is where the call went: some regions cost more. Long requests cost more, too.
        """
        price = self._file.models.get(model)
        if price is None:
            return None
        usd = _usd(price, usage) * self.find_region_factor(host)
        return CallCost(self.name, usd, usd * self.usd_to_chf, self._credits(usd))

    def _credits(self, usd: Decimal) -> Decimal:
        return usd * self.usd_to_chf * self.margin * CREDITS_PER_CHF


def _cached(price: ModelPrice) -> tuple[Decimal, Decimal]:
    return (
        price.input if price.cached_input is None else price.cached_input,
        price.input if price.cache_write is None else price.cache_write,
    )


def _usd(price: ModelPrice, usage: TokenUsage) -> Decimal:
    cached_price, write_price = _cached(price)
    plain = max(usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens, 0)
    usd = (
        plain * price.input
        + usage.cached_tokens * cached_price
        + usage.cache_write_tokens * write_price
        + usage.output_tokens * price.output
    ) / _MILLION
    above = price.long_context_above_tokens
    return usd * price.long_context_factor if above is not None and usage.input_tokens > above else usd


def get_price_list(name: str | None = None) -> PriceList:
    """Return the price list in force, or the one with this name, stored or from its file. Does not store it.

    Raises ModelNotPriced if there is no such price list.
    """
    in_force = _in_force()
    if name in (None, in_force.name):
        return in_force
    found = _read_stored(name) or _find_in_files(name)
    if found is None:
        log.error("billing.price_list.missing", price_list=name)
        raise ModelNotPriced
    return _of(found)


def find_next_price_list() -> PriceList | None:
    """Return the price list that will replace the one in force, or None if no file lies ahead."""
    following = choose_following(read_price_files(), now().date())
    return None if following is None else _of(following.with_margin(get_settings().credit_margin))


def use_price_list(name: str | None = None) -> PriceList:
    """Return the price list in force, or the one with this name, stored. Needs a transaction.

    A list that is asked for by name is the one that was stored: what was sold at its prices is booked at them, even if
    its file was changed since. Raises ModelNotPriced if there is no such list, or if the list in force was changed.
    """
    price_list = _in_force() if name is None else get_price_list(name)
    stored = _read_stored(price_list.name)
    if stored is not None and name is not None:
        return _of(stored)
    if stored is None:
        values = {
            "name": price_list.name,
            "applies_from": price_list.applies_from,
            "margin": price_list.margin,
            "content": price_list._file.to_json(),
        }
        db.session.execute(insert(StoredPriceList).values(values).on_conflict_do_nothing())
        # Another process may have been first, with another file.
        stored = _read_stored(price_list.name)
    if stored != price_list._file:
        # What was sold at these prices must stay reproducible.
        log.error("billing.price_list.changed", price_list=price_list.name)
        raise ModelNotPriced
    return price_list


def _read_stored(name: str) -> PriceFile | None:
    content = db.session.scalar(sa.select(StoredPriceList.content).where(StoredPriceList.name == name))
    # Compared as a price file: fields that a later release adds have defaults.
    return None if content is None else PriceFile.model_validate(content)


def _find_in_files(name: str) -> PriceFile | None:
    # A list is named after its date and its margin, so its file gives the same list again after a restore from backup.
    try:
        margin = Decimal(name.rpartition("x")[2])
    except InvalidOperation:
        return None
    lists = [each.with_margin(margin) for each in read_price_files()] if margin.is_finite() and margin >= 1 else []
    return next((each for each in lists if each.list_name == name), None)


def _in_force() -> PriceList:
    in_force = choose_in_force(read_price_files(), now().date())
    return _of(in_force.with_margin(get_settings().credit_margin))


def choose_in_force(files: Sequence[PriceFile], today: date) -> PriceFile:
    """Return the last of the files, oldest first, that applies today; the first if none does yet."""
    started = [each for each in files if each.applies_from <= today]
    return (started or files[:1])[-1]


def choose_following(files: Sequence[PriceFile], today: date) -> PriceFile | None:
    """Return the file that will replace the one in force, or None."""
    in_force = choose_in_force(files, today)
    return next((each for each in files if each.applies_from > in_force.applies_from), None)


def _of(price_file: PriceFile) -> PriceList:
    return PriceList(price_file.list_name, price_file.applies_from, price_file)
