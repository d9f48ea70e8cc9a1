"""A plain HTTP client of the Chat Completions API: one attempt, no retries."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import requests

from backend.generation.language_models.interface import RateLimits

_TIMEOUT_S = 8.0
_DURATION = re.compile(r"([\d.]+)(ms|s|m|h)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. ``failed`` is a timeout, a broken or cut answer, or a 5xx."""

    kind: Literal["answered", "refused", "failed"]
    retry_after_s: float | None
    limits: RateLimits | None


def call(session: requests.Session, base_url: str, body: dict[str, Any]) -> Outcome:
    """Make one attempt, streamed."""
    try:
        with session.post(
            f"{base_url}/chat/completions",
            data=json.dumps({**body, "stream": True}),
            headers={"Authorization": "Bearer judge", "Content-Type": "application/json"},
            timeout=_TIMEOUT_S,
            stream=True,
        ) as response:
            limits, retry_after_s = _limits(response), _retry_after_s(response)
            if response.status_code == 429:
                return Outcome("refused", retry_after_s, limits)
            if response.ok and _is_complete(response.iter_lines()):
                return Outcome("answered", None, limits)
            return Outcome("failed", retry_after_s, limits)
    except requests.RequestException:
        return Outcome("failed", None, None)


def _is_complete(lines: Iterator[bytes]) -> bool:
    """A stream that ends without a reason was cut."""
    finished = False
    for line in lines:
        text = line.decode().removeprefix("data: ").strip()
        if text.startswith("{"):
            finished |= any(choice.get("finish_reason") for choice in json.loads(text)["choices"])
    return finished


def _limits(response: requests.Response) -> RateLimits:
    def number(name: str) -> int | None:
        value = response.headers.get(f"x-ratelimit-{name}")
        return None if value is None else int(value)

    def seconds(name: str) -> float | None:
        value = response.headers.get(f"x-ratelimit-{name}")
        if value is None:
            return None
        return sum(float(count) * _UNITS_S[unit] for count, unit in _DURATION.findall(value))

    return RateLimits(
        number("limit-requests"),
        number("remaining-requests"),
        seconds("reset-requests"),
        number("limit-tokens"),
        number("remaining-tokens"),
        seconds("reset-tokens"),
    )


def _retry_after_s(response: requests.Response) -> float | None:
    precise = response.headers.get("retry-after-ms")
    if precise is not None:
        return float(precise) / 1000
    rounded = response.headers.get("retry-after")
    return None if rounded is None else float(rounded)
