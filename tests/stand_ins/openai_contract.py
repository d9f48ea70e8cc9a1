"""OpenAI's requirements for a chat completion request, strict schemas included, as far as we use them."""

import json
import re
from functools import lru_cache
from typing import Any

_KNOWN = {
    "model", "messages", "response_format", "temperature", "max_completion_tokens", "max_tokens", "top_p", "seed",
    "stop", "n", "user", "stream", "store", "metadata", "frequency_penalty", "presence_penalty", "reasoning_effort",
    "prompt_cache_key", "service_tier",
}  # fmt: skip
_ALLOWED_KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "description", "title", "pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip


_KNOWN_OF_RESPONSES = {
    "model", "input", "instructions", "text", "temperature", "max_output_tokens", "reasoning", "store",
    "prompt_cache_key", "service_tier", "stream", "metadata", "top_p",
}  # fmt: skip


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, or a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content if isinstance(content, str) else ""


def problems_of_response_request(body: Any) -> list[str]:
    """Return the problems of a body of ``POST /v1/responses``."""
    problems = [f"unknown parameter: {name}" for name in body if name not in _KNOWN_OF_RESPONSES]
    wanted = (body.get("text") or {}).get("format")
    if wanted is not None and wanted.get("type") == "json_schema":
        problems.extend(_problems_of_format({"type": "json_schema", "json_schema": wanted}, ""))
    if not body.get("input"):
        problems.append("missing required parameter: input")
    return problems


def problems_of_request(body: Any) -> list[str]:
    """Return the problems of a body of ``POST /v1/chat/completions``; an empty list if there are none."""
    if not isinstance(body, dict):
        return ["the body is not a JSON object"]
    problems = [f"unknown parameter: {name}" for name in body if name not in _KNOWN]
    if not isinstance(body.get("model"), str) or not body["model"]:
        problems.append("you must provide a model parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        problems.append("messages must be a non-empty array")
    else:
        for message in messages:
            if message.get("role") not in ("system", "developer", "user", "assistant"):
                problems.append(f"invalid role {message.get('role')!r}")
            if not text_of(message.get("content")):
                problems.append("content must be a non-empty string, or parts with text")
    if "max_tokens" in body and "max_completion_tokens" in body:
        problems.append("max_tokens and max_completion_tokens cannot both be set")
    wanted = body.get("response_format")
    if wanted is not None:
        problems.extend(_problems_of_format(wanted, json.dumps(messages).lower()))
    return problems


def _problems_of_format(wanted: Any, messages: str) -> list[str]:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        return [] if "json" in messages else ["messages must contain the word 'json' to use json_object"]
    if kind != "json_schema":
        return [f"invalid response_format type {kind!r}"]
    given = wanted.get("json_schema") or {}
    problems = []
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", str(given.get("name", ""))):
        problems.append("invalid json_schema name")
    if given.get("strict") is not True:
        problems.append("json_schema must be strict")
    return problems + list(_problems_of_serialised(json.dumps(given.get("schema"))))


@lru_cache(maxsize=32)
def _problems_of_serialised(schema: str) -> tuple[str, ...]:
    return tuple(problems_of_strict_schema(json.loads(schema)))


def problems_of_strict_schema(schema: Any) -> list[str]:
    """Return where ``schema`` leaves the subset of JSON schema that strict mode accepts."""
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        return ["the root must be an object without anyOf"]
    return _problems_at(schema, "#", schema)


def _problems_at(schema: Any, place: str, root: dict[str, Any]) -> list[str]:
    if not isinstance(schema, dict):
        return [f"{place}: not a schema"]
    problems = [f"{place}: keyword {word} is not permitted" for word in schema if word not in _ALLOWED_KEYWORDS]
    if "$ref" in schema:
        if len(schema) > 1:
            problems.append(f"{place}: $ref cannot have keywords beside it")
        target: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(part) if isinstance(target, dict) else None
        if target is None:
            problems.append(f"{place}: {schema['$ref']} leads nowhere")
        return problems
    if not {"type", "anyOf", "enum", "const"} & schema.keys():
        problems.append(f"{place}: no type")
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            problems.append(f"{place}: additionalProperties must be false")
        if sorted(schema.get("required", [])) != sorted(properties):
            problems.append(f"{place}: required must name every property")
    if schema.get("type") == "array" and "items" not in schema:
        problems.append(f"{place}: an array needs items")
    children = {**schema.get("properties", {}), **schema.get("$defs", {})}
    if "items" in schema:
        children["items"] = schema["items"]
    children.update({str(index): variant for index, variant in enumerate(schema.get("anyOf", []))})
    for name, child in children.items():
        problems.extend(_problems_at(child, f"{place}/{name}", root))
    return problems
