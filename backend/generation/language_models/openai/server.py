"""Requests to an OpenAI-compatible server and its responses, as plain data without any SDK.

Compatible servers differ in what they refuse and how: OpenAI names the parameter, vLLM sends a validation list,
llama.cpp answers HTTP 500. Only this module knows these differences.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.generation.language_models.interface import ModelAnswer, ModelError, ModelRequest, RateLimits, Usage

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
_FORMAT = re.compile(r"response_format|json_schema|json_object|json schema|structured output|grammar", re.IGNORECASE)
_LIMIT = re.compile(r"max_completion_tokens|max_tokens", re.IGNORECASE)
_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_PLAIN_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_MAX_DIGITS = 15
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

_BY_STATUS = {
    402: ("quota_exhausted", False),
    408: ("timeout", True),
    409: ("unavailable", True),
    413: ("context_too_long", False),
    429: ("rate_limited", True),
    504: ("timeout", True),
}
_REFUSING_STATUSES = frozenset({400, 422, 500, 501})
TEMPERATURE = 0.2
"""Low, so that items stay close to the pages; not zero, so that a retry may give another result."""

_FORMATS = ("json_schema", "json_object_with_schema", "json_object", "none")


class _TokenDetails(BaseModel):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Tokens(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _TokenDetails | None = None


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    finish_reason: str | None = None
    message: _Message


class _CompletionBody(BaseModel):
    model_config = ConfigDict(extra="ignore")

    choices: list[_Choice] = Field(min_length=1)


def read_completion(body: str) -> ModelAnswer:
    """Parse the body of a response with HTTP status 200.

    Raises ModelError ``refused`` if the model or a filter declined, ``bad_output`` if the body is not a completion.
    """
    data: Any = None
    try:
        data = json.loads(body)
        choice = _CompletionBody.model_validate(data).choices[0]
    except (ValueError, RecursionError):
        message = "the server's response is not a chat completion"
        raise ModelError("bad_output", message, retryable=True, usage=_read_usage(data)) from None
    usage = replace(_read_usage(data), calls=1)
    if choice.message.refusal:
        message = f"the model refused: {_shorten(choice.message.refusal)}"
        raise ModelError("refused", message, retryable=False, usage=usage)
    if choice.finish_reason == "content_filter":
        message = "the vendor's content filter stopped the response"
        raise ModelError("refused", message, retryable=False, usage=usage)
    return ModelAnswer(_storable(choice.message.content or ""), usage, is_cut=choice.finish_reason == "length")


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
    def may_be_dialect(self) -> bool:
        """Whether the server may have refused the form of the request, not its content."""
        return self.status in _REFUSING_STATUSES and self._classify()[0] in ("misconfigured", "unavailable")

    @property
    def is_unexplained(self) -> bool:
        """Whether the server refused without naming a parameter, as llama.cpp does with HTTP 500."""
        named = any(words.search(self.text) for words in (_FORMAT, _LIMIT, _TEMPERATURE))
        return self.may_be_dialect and not named

    def to_model_error(self) -> ModelError:
        code, retryable = self._classify()
        # A vendor's message about a wrong key quotes part of the key, so it is left out.
        detail = "" if self.status in (401, 403) else f": {_shorten(self.message)}"
        return ModelError(
            code,
            f"the language model's server answered {self.status}{detail}",
            retryable=retryable,
            retry_after_s=self.retry_after_s if retryable else None,
            usage=self.usage,
            rate_limits=self.rate_limits,
        )

    def _classify(self) -> tuple[str, bool]:
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
    error: Any = data.get("error", data) if isinstance(data, dict) else None
    details: Mapping[str, Any] = error if isinstance(error, dict) else {}
    message = details.get("message") or details.get("detail") or (error if isinstance(error, str) else body)
    return Failure(
        status=status,
        code=f"{details.get('code') or ''} {details.get('type') or ''}".strip(),
        param=str(details.get("param") or ""),
        message=message if isinstance(message, str) else json.dumps(message),
        retry_after_s=read_retry_after(headers, now or datetime.now(UTC)),
        usage=_read_usage(data),
        rate_limits=read_rate_limits(headers),
    )


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the vendor asks us to wait, or None if it does not say.

    ``headers`` have lower-case names. ``Retry-After`` is in seconds or an HTTP date (RFC 9110, 10.2.3); its
    millisecond variant comes first. Otherwise the later of OpenAI's ``x-ratelimit-reset-*`` counts, written like
    ``6m0s`` or ``20ms``.
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
    return float(value) if _PLAIN_NUMBER.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to write requests to a server: the first entry of each tuple, followed by those left to try.

    ``limits`` are the names of the parameter that bounds the output; ``temperature`` says whether one is sent.
    """

    formats: tuple[str, ...] = _FORMATS
    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    temperature: bool = True

    def parameters(self, request: ModelRequest) -> dict[str, Any]:
        """Return the request parameters that depend on the dialect."""
        parameters: dict[str, Any] = {}
        match self.formats[0]:
            case "json_schema":
                strict = {"name": request.name, "strict": True, "schema": request.schema}
                parameters["response_format"] = {"type": "json_schema", "json_schema": strict}
            case "json_object_with_schema":
                parameters["response_format"] = {"type": "json_object", "schema": request.schema}
            case "json_object":
                parameters["response_format"] = {"type": "json_object"}
        if self.limits:
            parameters[self.limits[0]] = request.max_output_tokens
        if self.temperature and request.temperature is not None:
            parameters["temperature"] = request.temperature
        return parameters

    def easier(self, failure: Failure) -> "Dialect | None":
        """Return what to try after ``failure``, or None if it names nothing that could be left out.

        Each step gives something up, so the attempts come to an end.
        """
        if not failure.may_be_dialect:
            return None
        named = failure.param or failure.text
        if self.temperature and _TEMPERATURE.search(named):
            return replace(self, temperature=False)
        if self.limits and _LIMIT.search(named):
            return replace(self, limits=self.limits[1:])
        return self.with_next_format() if _FORMAT.search(failure.text) else None

    def with_next_format(self) -> "Dialect | None":
        """Return the dialect with the next way to ask for JSON, or None after the last one."""
        return replace(self, formats=self.formats[1:]) if len(self.formats) > 1 else None


def _read_usage(data: object) -> Usage:
    """Parse a ``usage`` object; missing or invalid values count as zero, because servers may leave it out."""
    try:
        tokens = _Tokens.model_validate(data.get("usage") if isinstance(data, dict) else None)
    except ValidationError:
        return Usage()
    details = tokens.prompt_tokens_details or _TokenDetails()
    return Usage(
        input_tokens=tokens.prompt_tokens or 0,
        cached_tokens=details.cached_tokens or 0,
        output_tokens=tokens.completion_tokens or 0,
        cache_write_tokens=details.cache_write_tokens or 0,
    )


def _storable(text: str) -> str:
    """Return ``text`` without what the database refuses: NUL, and half of a surrogate pair."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _shorten(text: str) -> str:
    return text if len(text) <= 300 else text[:299] + "…"
