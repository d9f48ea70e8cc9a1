"""Notices servers that do not say what a call used, so that nothing can be charged for it."""

import time

from backend.core.process.logging import get_logger
from backend.generation.charging.prices import RunPrices
from backend.generation.language_models.interface import Usage
from backend.settings import get_settings

log = get_logger(__name__)

_PAUSE_S = 3600.0


class _Told:
    """When this process last told the operator, on the monotonic clock."""

    at: float | None = None


def report_missing_usage(prices: RunPrices, usage: Usage) -> None:
    """Tell the operator, once an hour in each process, if a call that was to be charged says that it used no input."""
    if usage.input_tokens > 0 or prices.is_draft or not get_settings().billing_is_on:
        return
    moment = time.monotonic()
    if _Told.at is None or moment - _Told.at >= _PAUSE_S:
        _Told.at = moment
        log.error("generation.model.usage_missing", model=prices.model, host=prices.host)
