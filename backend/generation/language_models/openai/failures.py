"""What a server's refusals and failures mean.

Compatible servers differ in what they refuse and how: OpenAI names the parameter, vLLM sends a validation list,
llama.cpp answers HTTP 500.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.generation.language_models.interface import ModelError, RateLimits, Usage
from backend.generation.language_models.openai.rate_limits import read_rate_limits, read_retry_after
from backend.generation.language_models.openai.usage import read_usage

_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|maximum context|prompt is too long|too many tokens|exceed_context_size",
    re.IGNORECASE,
)
# A request with more tokens than are allowed per minute never passes, no matter how long we wait.
_ABOVE_RATE = re.compile(r"request too large", re.IGNORECASE)
# Not just "billing": the message of a plain rate limit may link to the page for adding a payment method.
_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|billing_(?:hard_limit_reached|not_active)|insufficient balance",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content_policy|content management policy", re.IGNORECASE)
# Groq's server checks the JSON itself. The next answer may be good.
_BAD_SAMPLE = re.compile(r"json_validate_failed|failed_generation", re.IGNORECASE)
_NOT_CHAT = re.compile(r"only supported in v1/responses|not supported in the v1/chat/completions", re.IGNORECASE)
_TIER_FULL = re.compile(r"resource[ _]unavailable", re.IGNORECASE)

FORMAT = re.compile(
    r"response_format|text\.format|json_schema|json_object|json schema|structured output|grammar", re.IGNORECASE
)
LIMIT = re.compile(r"max_completion_tokens|max_output_tokens|max_tokens", re.IGNORECASE)
TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
EFFORT = re.compile(r"reasoning[._ ]?effort|\breasoning\b", re.IGNORECASE)

_BY_STATUS = {
    402: ("quota_exhausted", False),
    408: ("timeout", True),
    409: ("unavailable", True),
    413: ("context_too_long", False),
    429: ("rate_limited", True),
    # Groq's, for its flex tier.
    498: ("unavailable", True),
    504: ("timeout", True),
}
_REFUSING_STATUSES = frozenset({400, 422, 500, 501})


@dataclass(frozen=True, slots=True)
class Failure:
    """A response with an HTTP status of 400 or above, as far as it can be understood."""

    status: int
    code: str
    param: str
    message: str
    retry_after_s: float | None
    usage: Usage
    rate_limits: RateLimits

    @property
    def text(self) -> str:
        """Everything that the server said, for searching."""
        return f"{self.code} {self.param} {self.message}"

    @property
    def named(self) -> str:
        """The refused parameter, or all that was said if none is named."""
        return self.param or self.text

    @property
    def may_be_dialect(self) -> bool:
        """Whether the server may have refused the form of the request, not its content."""
        return self.status in _REFUSING_STATUSES and self._classify()[0] in ("misconfigured", "unavailable")

    @property
    def is_unexplained(self) -> bool:
        """Whether the server refused without naming a parameter, as llama.cpp does with HTTP 500."""
        named = any(words.search(self.text) for words in (FORMAT, LIMIT, TEMPERATURE, EFFORT))
        return self.may_be_dialect and not named

    @property
    def wants_responses(self) -> bool:
        """Whether the model is behind the Responses API only."""
        return self.status in (400, 404) and _NOT_CHAT.search(self.text) is not None

    @property
    def tier_is_full(self) -> bool:
        """Whether only the cheaper service tier has no room. Nothing is charged for such a call."""
        return self.status == 498 or (self.status == 429 and _TIER_FULL.search(self.text) is not None)

    def to_model_error(self) -> ModelError:
        code, retryable = self._classify()
        # A vendor's message about a wrong key quotes part of the key, so it is left out.
        detail = "" if self.status in (401, 403) else f": {shorten(self.message)}"
        return ModelError(
            code,
            f"the language model's server answered {self.status}{detail}",
            retryable=retryable,
            retry_after_s=self.retry_after_s if retryable else None,
            usage=self.usage,
            rate_limits=self.rate_limits,
        )

    def _classify(self) -> tuple[str, bool]:
        if self.status == 400 and _BAD_SAMPLE.search(self.text):
            return "bad_output", True
        too_long = _ABOVE_RATE if self.status == 429 else _TOO_LONG
        if self.status in (400, 422, 429, 500) and too_long.search(self.text):
            return "context_too_long", False
        if self.status in (400, 403, 429) and _QUOTA.search(self.text):
            return "quota_exhausted", False
        if self.status in (400, 403) and _FILTERED.search(self.text):
            return "refused", False
        outage = ("unavailable", True) if self.status >= 500 else ("misconfigured", False)
        return _BY_STATUS.get(self.status, outage)


def read_failure(status: int, headers: Mapping[str, str], body: str, now: datetime | None = None) -> Failure:
    """Parse a response with an HTTP status of 400 or above; ``now`` is the reference for dates."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, list) and data:
        # Gemini puts the error into a list.
        data = data[0]
    error: Any = data.get("error", data) if isinstance(data, dict) else None
    details: Mapping[str, Any] = error if isinstance(error, dict) else {}
    message = details.get("message") or details.get("detail") or (error if isinstance(error, str) else body)
    return Failure(
        status=status,
        code=f"{details.get('code') or ''} {details.get('type') or ''}".strip(),
        param=str(details.get("param") or ""),
        message=message if isinstance(message, str) else json.dumps(message),
        retry_after_s=read_retry_after(headers, now or datetime.now(UTC)),
        usage=read_usage(data),
        rate_limits=read_rate_limits(headers),
    )


def shorten(text: str) -> str:
    return text if len(text) <= 300 else text[:299] + "…"
