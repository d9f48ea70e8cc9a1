"""The failures of the OpenAI stand-in, in the words of OpenAI and of other vendors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.openai_answers import effort_of
from tests.stand_ins.openai_script import Rule

_BAD = "invalid_request_error"


@dataclass(frozen=True)
class Refusal:
    """The status and body of a failure, with headers beside the usual ones."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def error_body(
    message: str, *, kind: str = _BAD, param: str | None = None, code: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return an error as OpenAI writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code, **more}}


def refusal_of(rule: Rule, body: Mapping[str, Any]) -> Refusal | None:
    """Return what the rule answers, or None if it breaks the connection instead."""
    return _busy(rule) or _unwilling(rule, body) or _of_a_parameter(rule, body)


def _busy(rule: Rule) -> Refusal | None:
    match rule.do:
        case "rate_limit":
            headers = {"Retry-After": rule.retry_after} if rule.retry_after else {}
            headers |= {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "1m30s", **rule.headers}
            return Refusal(429, error_body(rule.message, kind="requests", code="rate_limit_exceeded"), headers)
        case "quota_exhausted":
            text = "You exceeded your current quota, please check your plan and billing details."
            return Refusal(429, error_body(text, kind="insufficient_quota", code="insufficient_quota"))
        case "tier_full":
            text = "Resource unavailable: there is no flex capacity for this model at the moment."
            return Refusal(429, error_body(text, kind="resource_unavailable", code="resource_unavailable"))
        case "payment_required":
            return Refusal(402, error_body("Insufficient Balance"))
        case "server_error" | "fail_json_schema":
            return Refusal(rule.status, error_body(rule.message, kind="server_error"))
    return None


def _unwilling(rule: Rule, body: Mapping[str, Any]) -> Refusal | None:
    match rule.do:
        case "bad_request":
            return Refusal(400, error_body(rule.message, param=rule.param, code=rule.code))
        case "unauthorized":
            return Refusal(401, error_body("Incorrect API key provided: sk-secr***ret.", code="invalid_api_key"))
        case "forbidden":
            return Refusal(403, error_body("Project does not have access to this model."))
        case "unknown_model":
            text = f"The model `{body.get('model')}` does not exist or you do not have access to it."
            return Refusal(404, error_body(text, code="model_not_found"))
        case "only_responses":
            text = "This model is only supported in v1/responses and not in v1/chat/completions."
            return Refusal(404, error_body(text, param="model"))
        case "context_too_long":
            text = "This model's maximum context length is 8192 tokens. However, your messages are longer."
            return Refusal(400, error_body(text, param="messages", code="context_length_exceeded"))
        case "json_validate_failed":
            text = "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details."
            return Refusal(400, error_body(text, code="json_validate_failed", failed_generation='{"topics": ['))
        case "error_list":
            return Refusal(400, [{"error": {"code": 400, "message": rule.message, "status": "INVALID_ARGUMENT"}}])
    return None


def _of_a_parameter(rule: Rule, body: Mapping[str, Any]) -> Refusal | None:
    match rule.do:
        case "refuse_json_schema" | "refuse_json_object" | "refuse_schema_dialect":
            text = "Invalid parameter: 'response_format' of this type is not supported with this model."
            return Refusal(400, error_body(text, param="response_format"))
        case "refuse_parameter":
            text = f"Unsupported parameter: '{rule.param}' is not supported with this model."
            return Refusal(400, error_body(text, param=rule.param, code="unsupported_parameter"))
        case "forbid_parameter":
            extra = {"type": "extra_forbidden", "loc": ["body", rule.param], "msg": "Extra inputs are not permitted"}
            return Refusal(422, {"object": "error", "message": {"detail": [extra]}, "type": "invalid_request_error"})
        case "refuse_effort":
            asked, known = effort_of(body), ", ".join(f"'{each}'" for each in rule.efforts)
            text = f"Unsupported value: 'reasoning_effort' does not support '{asked}' with this model."
            text += f" Supported values are: {known}."
            return Refusal(400, error_body(text, param="reasoning_effort", code="unsupported_value"))
        case "refuse_temperature":
            text = "Unsupported parameter: 'temperature' is not supported when the model reasons."
            return Refusal(400, error_body(text, param="temperature", code="unsupported_parameter"))
    return None
