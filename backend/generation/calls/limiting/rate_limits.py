"""The vendor's limits, as the headers of one response state them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits, what is left of them, and the seconds until all of it is available again. None is unknown.

    Headers do not state the period. It is a minute at most vendors, but Groq and small OpenAI accounts count requests
    by the day.
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None
