"""The gateway to Stripe with the key in the settings."""

from functools import lru_cache

from backend.billing.errors import BillingOff
from backend.billing.stripe_gateway import StripeGateway
from backend.setting_rules import is_live_key
from backend.settings import get_settings

# One for each key and address: a process has one, tests have several.
_make = lru_cache(maxsize=8)(lambda key, url: StripeGateway(key, base_url=url))


def get_gateway() -> StripeGateway:
    """Raises BillingOff."""
    settings = get_settings()
    if settings.stripe_api_key is None:
        raise BillingOff
    return _make(settings.stripe_api_key.get_secret_value(), settings.stripe_url.rstrip("/"))


def is_live() -> bool:
    """Tell whether our key moves real money. Objects of the other mode are refused. Raises BillingOff."""
    key = get_settings().stripe_api_key
    if key is None:
        raise BillingOff
    return is_live_key(key)
