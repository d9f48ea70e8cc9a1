"""Reads the body of a response with HTTP status 200, of chat completions and of the Responses API."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.generation.language_models.interface import ModelAnswer, ModelError, Usage
from backend.generation.language_models.openai.failures import shorten
from backend.generation.language_models.openai.usage import read_usage

# "model_length" is Mistral's, for the end of the context; "max_tokens" is what some gateways pass through.
_CUT = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_FILTERED = "content_filter"


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Function(_Lenient):
    arguments: str | dict[str, Any] = ""


class _ToolCall(_Lenient):
    function: _Function = _Function()


class _Message(_Lenient):
    content: str | list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(_Lenient):
    finish_reason: str | None = None
    message: _Message


class _Completion(_Lenient):
    choices: list[_Choice] = Field(min_length=1)


class _Reason(_Lenient):
    reason: str | None = None


class _Problem(_Lenient):
    code: str | None = None
    message: str = ""


class _Output(_Lenient):
    """One element of a response: a message with parts, a call with arguments, or thoughts, which have neither."""

    content: list[Any] | None = None
    arguments: str | dict[str, Any] | None = None


class _Response(_Lenient):
    status: str | None = None
    error: _Problem | None = None
    incomplete_details: _Reason | None = None
    output: list[_Output]


def read_completion(body: str) -> ModelAnswer:
    """Parse a chat completion.

    Raises ModelError ``refused`` if the model or a filter declined, ``bad_output`` if the body is not a completion.
    """
    data = _decode(body)
    try:
        choice = _Completion.model_validate(data).choices[0]
    except ValidationError:
        raise _not_an_answer(data) from None
    message = choice.message
    parts = [message.content] if isinstance(message.content, str) else _texts_of(message.content or [])
    called = [_as_text(call.function.arguments) for call in message.tool_calls or []]
    finish = (choice.finish_reason or "").lower()
    return _make(data, parts, called, message.refusal, finish)


def read_response(body: str) -> ModelAnswer:
    """Parse a response of the Responses API. Raises ModelError as above, and if the response says that it failed."""
    data = _decode(body)
    try:
        response = _Response.model_validate(data)
    except ValidationError:
        raise _not_an_answer(data) from None
    if response.status == "failed":
        problem = response.error or _Problem()
        code = "rate_limited" if problem.code == "rate_limit_exceeded" else "unavailable"
        message = f"the response failed: {shorten(problem.message)}"
        raise ModelError(code, message, retryable=True, usage=_usage(data))
    parts = [part for output in response.output for part in output.content or []]
    called = [_as_text(output.arguments) for output in response.output if output.arguments]
    refusals = [str(part.get("refusal")) for part in parts if isinstance(part, dict) and part.get("refusal")]
    finish = (response.incomplete_details.reason or "") if response.incomplete_details else ""
    return _make(data, list(_texts_of(parts)), called, "\n".join(refusals), finish)


def _make(data: Any, parts: Any, called: list[str], refusal: str | None, finish: str) -> ModelAnswer:
    usage = _usage(data)
    if refusal:
        raise ModelError("refused", f"the model refused: {shorten(refusal)}", retryable=False, usage=usage)
    text = "".join(parts)
    if "{" not in text and called:
        text = "\n".join(called)
    if finish == _FILTERED and "{" not in text:
        message = "the vendor's content filter stopped the response"
        raise ModelError("refused", message, retryable=False, usage=usage)
    tier = data.get("service_tier")
    return ModelAnswer(
        text=_storable(text),
        usage=usage,
        is_cut=finish in _CUT,
        is_filtered=finish == _FILTERED,
        service_tier=tier if isinstance(tier, str) else None,
    )


def _decode(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _usage(data: Any) -> Usage:
    return replace(read_usage(data), calls=1)


def _not_an_answer(data: Any) -> ModelError:
    message = "the server's response is not a chat completion"
    return ModelError("bad_output", message, retryable=True, usage=read_usage(data))


def _texts_of(parts: list[Any]) -> Iterator[str]:
    """Yield the text of each part that is for the reader. Mistral's models that reason put their thoughts beside it."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _as_text(arguments: str | dict[str, Any] | None) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _storable(text: str) -> str:
    """Return ``text`` without what the database refuses: NUL, and half of a surrogate pair."""
    return text.replace("\x00", "").encode(errors="replace").decode()
