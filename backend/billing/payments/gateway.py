"""The gateway to Stripe with the key in the settings."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from backend.billing.errors import BillingOff
from backend.billing.stripe_gateway import StripeGateway
from backend.core.errors import Unavailable
from backend.core.web.slots import Slots
from backend.setting_rules import is_live_key
from backend.settings import get_settings

_MAX_WAIT_S = 1.0

# One for each key and address: a process has one, tests have several.
_make = lru_cache(maxsize=8)(lambda key, url: StripeGateway(key, base_url=url))


def get_gateway() -> StripeGateway:
    """Raises BillingOff."""
    settings = get_settings()
    if settings.stripe_api_key is None:
        raise BillingOff
    return _make(settings.stripe_api_key.get_secret_value(), settings.stripe_url.rstrip("/"))


@lru_cache(maxsize=1)
def _places(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


@contextmanager
def while_a_request_waits() -> Iterator[None]:
    """Hold one of this process's few places for requests that wait for Stripe. A slow Stripe then leaves threads free.

    Raises Unavailable when none becomes free within a second.
    """
    places = _places(Slots.count())
    if not places.acquire(timeout=_MAX_WAIT_S):
        raise Unavailable
    try:
        yield
    finally:
        places.release()


def is_live() -> bool:
    """Tell whether our key moves real money. Objects of the other mode are refused. Raises BillingOff."""
    key = get_settings().stripe_api_key
    if key is None:
        raise BillingOff
    return is_live_key(key)
