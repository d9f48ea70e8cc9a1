"""The answer of the OpenAI stand-in: what the model writes, how a vendor distorts it, and both APIs' way to send it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.openai_material import SPOILERS, Prompt, spoil, write_material
from tests.stand_ins.openai_script import Rule

CHARS_PER_TOKEN = 4


@dataclass
class Answer:
    """``finish`` is a finish reason of chat completions; ``arguments`` are those of a tool call."""

    content: str | None
    finish: str = "stop"
    refusal: str | None = None
    arguments: str | None = None
    thoughts: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    shown_tokens: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.count()

    def count(self) -> None:
        """Count the tokens of what is shown, after a change."""
        self.shown_tokens = len(self.content or self.refusal or self.arguments or "") // CHARS_PER_TOKEN

    @property
    def output_tokens(self) -> int:
        return self.shown_tokens + self.reasoning_tokens


def limit_of(body: Mapping[str, Any]) -> int | None:
    """Return the output limit of a request."""
    names = ("max_output_tokens", "max_completion_tokens", "max_tokens")
    return next((body[name] for name in names if name in body), None)


def effort_of(body: Mapping[str, Any]) -> str | None:
    """Return the reasoning effort of a request, of either API."""
    return body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")


def write_answer(call: Mapping[str, Any], body: Mapping[str, Any], prompt: Prompt, rules: Sequence[Rule]) -> Answer:
    """Write the material and distort it as the rules say."""
    by_name = {rule.do: rule for rule in rules}
    material = write_material(prompt)
    for rule in rules:
        if rule.do in SPOILERS:
            spoil(material, rule.do, rule.items)
    if "wrapped" in by_name:
        material = {"study_material": material}
    answer = Answer(
        json.dumps(material, ensure_ascii=False),
        prompt_tokens=call["prompt_tokens"],
        cached_tokens=call["cached_tokens"],
    )
    _distort(answer, by_name)
    answer.count()
    if "reason" in by_name:
        _reason(answer, by_name["reason"], body)
    if "context" in by_name:
        answer.prompt_tokens = min(answer.prompt_tokens, by_name["context"].tokens)
    if "cache_writes" in by_name:
        answer.cache_write_tokens = by_name["cache_writes"].tokens
    return answer


def _distort(answer: Answer, by_name: Mapping[str, Rule]) -> None:
    content = answer.content or ""
    for name, finish in (("cut", "length"), ("cut_silently", "stop"), ("filtered_midway", "content_filter")):
        if name in by_name:
            answer.content, answer.finish = content[: int(len(content) * by_name[name].at)], finish
    if "invalid_json" in by_name:
        answer.content = "I am sorry, here are no braces."
    if "nothing" in by_name:
        answer.content = '{"topics": [], "flashcards": [], "questions": []}'
    if "fenced" in by_name:
        answer.content = f"Here is the material:\n```json\n{content}\n```\n"
    if "thoughts" in by_name:
        answer.content = by_name["thoughts"].message + content
    if "parts" in by_name:
        answer.thoughts = "I should write {about} three cards."
    if "tool_call" in by_name:
        answer.content, answer.arguments, answer.finish = None, content, "tool_calls"
    if "content_filter" in by_name:
        answer.content, answer.finish = "", "content_filter"
    if "refusal" in by_name:
        answer.content, answer.refusal = None, "I'm sorry, I can't help with that."


def _reason(answer: Answer, rule: Rule, body: Mapping[str, Any]) -> None:
    """Spend ``tokens`` on thoughts first, unless the request turns that off, and stop at the limit."""
    if effort_of(body) == "none" and not rule.always:
        return
    limit = limit_of(body) or 10**9
    answer.reasoning_tokens = min(rule.tokens, limit)
    left = limit - answer.reasoning_tokens
    if answer.shown_tokens > left:
        answer.content, answer.finish = (answer.content or "")[: left * CHARS_PER_TOKEN], "length"
        answer.count()


def as_completion(answer: Answer, call: Mapping[str, Any], body: Mapping[str, Any], *, usage: bool) -> dict[str, Any]:
    """Return the body of a chat completion."""
    content: Any = answer.content
    if answer.thoughts is not None:
        thoughts = {"type": "thinking", "thinking": [{"type": "text", "text": answer.thoughts}]}
        content = [thoughts, {"type": "text", "text": answer.content}]
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": answer.refusal}
    if answer.arguments is not None:
        function = {"name": "study_material", "arguments": answer.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{call['number']}",
        "object": "chat.completion",
        "created": int(call["at_in"]),
        "model": body["model"],
        "service_tier": body.get("service_tier", "default"),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish, "logprobs": None}],
    }
    if usage:
        read = {"cached_tokens": answer.cached_tokens, "cache_write_tokens": answer.cache_write_tokens}
        completion["usage"] = {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.output_tokens,
            "total_tokens": answer.prompt_tokens + answer.output_tokens,
            "prompt_tokens_details": read,
            "completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        }
    return completion


def as_response(answer: Answer, call: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a response of the Responses API."""
    parts: list[dict[str, Any]] = []
    if answer.content:
        parts.append({"type": "output_text", "text": answer.content, "annotations": []})
    if answer.refusal:
        parts.append({"type": "refusal", "refusal": answer.refusal})
    output: list[dict[str, Any]] = [{"type": "reasoning", "id": "rs_1", "summary": []}]
    if parts:
        output.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": parts})
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.finish)
    return {
        "id": f"resp_{call['number']}",
        "object": "response",
        "created_at": int(call["at_in"]),
        "model": body["model"],
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": {
            "input_tokens": answer.prompt_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
            "total_tokens": answer.prompt_tokens + answer.output_tokens,
        },
    }
