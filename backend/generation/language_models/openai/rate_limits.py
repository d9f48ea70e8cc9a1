"""Reads from the headers of a response what the vendor allows, and how long it asks us to wait."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from backend.generation.language_models.interface import RateLimits

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|h|m|s)")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_DIGITS = 15


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the vendor asks us to wait, or None if it does not say.

    ``headers`` have lower-case names. ``Retry-After`` is in seconds or an HTTP date (RFC 9110, 10.2.3); its
    millisecond variant comes first. Otherwise the later of OpenAI's ``x-ratelimit-reset-*`` counts.
    """
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) / divisor
        except ValueError:
            continue
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    if "retry-after" in headers:
        try:
            date = parsedate_to_datetime(headers["retry-after"])
            # "-0000" and a missing zone give a naive date; RFC 9110 means GMT.
            aware = date if date.tzinfo else date.replace(tzinfo=UTC)
            return max((aware - now).total_seconds(), 0.0)
        except ValueError:
            return None
    limits = read_rate_limits(headers)
    waits = [wait for wait in (limits.reset_requests_s, limits.reset_tokens_s) if wait is not None]
    return max(waits, default=None)


def read_rate_limits(headers: Mapping[str, str]) -> RateLimits:
    """Read the limits from the headers of a response, whose names are in lower case."""
    return RateLimits(
        limit_requests=_read_count(headers, "limit-requests"),
        remaining_requests=_read_count(headers, "remaining-requests"),
        reset_requests_s=_read_duration(headers, "reset-requests"),
        limit_tokens=_read_count(headers, "limit-tokens"),
        remaining_tokens=_read_count(headers, "remaining-tokens"),
        reset_tokens_s=_read_duration(headers, "reset-tokens"),
    )


def _read_count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(f"x-ratelimit-{name}", "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else None


def _read_duration(headers: Mapping[str, str], name: str) -> float | None:
    """Read a duration such as ``6m0s`` or ``20ms``; a number alone is in seconds."""
    value = headers.get(f"x-ratelimit-{name}", "").strip()
    if parts := _DURATION.findall(value):
        return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
    return float(value) if _NUMBER.fullmatch(value) else None
