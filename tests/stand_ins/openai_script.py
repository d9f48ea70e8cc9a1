"""When and how the OpenAI stand-in misbehaves: a list of rules that can be sent as JSON."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tests.stand_ins.openai_material import SPOILERS

ANSWERS = frozenset(
    {
        "rate_limit",  # 429 with Retry-After: `retry_after` as text, in seconds or an HTTP date; "" leaves it out
        "quota_exhausted",  # 429 insufficient_quota
        "payment_required",  # 402
        "server_error",  # `status`, 500 by default, with `message`
        "bad_request",  # 400 with `message`, `param` and `code`
        "unauthorized",  # 401
        "forbidden",  # 403
        "unknown_model",  # 404
        "context_too_long",  # 400 context_length_exceeded
        "refuse_json_schema",  # 400 naming response_format, whenever json_schema is asked for
        "fail_json_schema",  # 500 naming nothing, as llama.cpp does, whenever json_schema is asked for
        "refuse_json_object",  # 400 naming response_format, whenever json_object without a schema is asked for
        "refuse_schema_dialect",  # 400 naming response_format, whenever json_object comes with a schema
        "refuse_parameter",  # 400 naming `param`, whenever the request carries it
        "forbid_parameter",  # 422 as Mistral writes it, whenever the request carries `param`
        "refuse_effort",  # 400 naming the known `efforts`, whenever the request asks for another
        "refuse_temperature",  # 400, whenever a request carries a temperature and does not turn reasoning off
        "only_responses",  # 404, whenever the request is a chat completion
        "tier_full",  # 429 that no capacity is left, whenever the request asks for flex
        "json_validate_failed",  # 400 as Groq writes it, for JSON that breaks the schema
        "error_list",  # 400 with `message` in a list, as Gemini writes it
        "reset",  # the connection is reset instead of an answer
        "close",  # the connection ends in the middle of the body
        "html",  # 200 with a web page
        "not_a_completion",  # 200 with JSON that is not a completion
    }
)
SHAPES = frozenset(
    {
        "hold",  # silence until the stand-in's `release`, or for `seconds`, then the answer
        "sleep",  # `seconds` of silence, then the answer
        "drip",  # the body one byte at a time, each after `seconds`
        "drip_headers",  # the headers one byte at a time, each after `seconds`
        "refusal",  # message.refusal instead of content
        "content_filter",  # finish_reason content_filter
        "cut",  # the JSON ends at the share `at` of its length, finish_reason length
        "cut_silently",  # the same with finish_reason stop
        "filtered_midway",  # the JSON ends at the share `at`, finish_reason content_filter
        "nothing",  # JSON of the schema without any item
        "thoughts",  # `message` before the JSON
        "parts",  # content as a list with thoughts and text, as Mistral's models that reason write it
        "tool_call",  # the JSON as arguments of a tool call
        "wrapped",  # the JSON in an object of its own
        "reason",  # `tokens` of thoughts before the answer, unless the effort is none; `always` despite that
        "context",  # the prompt is cut to `tokens` without a word, as Ollama does
        "cache_writes",  # `tokens` of the prompt are written to the cache
        "limits",  # the answer with `headers`
        "invalid_json",  # content that is not JSON
        "fenced",  # the JSON in a Markdown fence, with a sentence before it
        "no_usage",  # no usage in the answer
    }
)


@dataclass
class Rule:
    """One way to misbehave, and for which calls; a condition that is left out always holds.

    ``on``: numbers of calls, counted from 1 since the script was set. ``every``: every n-th call. ``probability``: of
    each call. ``contains``: text in the user message. ``times``: at most this often.
    """

    do: str
    on: list[int] | None = None
    every: int | None = None
    probability: float | None = None
    contains: str | None = None
    times: int | None = None
    retry_after: str = "1"
    status: int = 500
    message: str = "The server had an error while processing your request."
    param: str | None = None
    code: str | None = None
    seconds: float = 3600.0
    at: float = 0.6
    items: int = 1
    tokens: int = 0
    always: bool = False
    efforts: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown name, so that a typo cannot make a test pass."""
        if self.do not in ANSWERS | SHAPES | SPOILERS:
            raise ValueError(f"unknown behaviour: {self.do}")

    def applies(self, number: int, body: Mapping[str, Any], user: str, chance: random.Random) -> bool:
        """Whether the rule applies to call ``number``."""
        wanted = body.get("response_format") or {}
        effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
        needed = {
            "forbid_parameter": self.param in body,
            "refuse_effort": effort is not None and effort not in self.efforts,
            "refuse_temperature": "temperature" in body and effort != "none",
            "only_responses": "messages" in body,
            "tier_full": body.get("service_tier") == "flex",
            "refuse_json_schema": wanted.get("type") == "json_schema",
            "fail_json_schema": wanted.get("type") == "json_schema",
            "refuse_json_object": wanted.get("type") == "json_object" and "schema" not in wanted,
            "refuse_schema_dialect": wanted.get("type") == "json_object" and "schema" in wanted,
            "refuse_parameter": self.param in body,
        }
        return (
            needed.get(self.do, True)
            and (self.times is None or self.times > 0)
            and (self.on is None or number in self.on)
            and (self.every is None or number % self.every == 0)
            and (self.contains is None or self.contains in user)
            and (self.probability is None or chance.random() < self.probability)
        )


@dataclass
class Script:
    """Rules and a count of calls. The first answer that applies wins; shapes and spoilers add up."""

    rules: list[Rule] = field(default_factory=list)
    calls: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    @classmethod
    def from_json(cls, rules: Iterable[Mapping[str, Any]]) -> "Script":
        """Build from a list of objects. Raises ValueError for unknown names."""
        known = {each.name for each in fields(Rule)}
        unknown = {name for rule in rules for name in rule if name not in known}
        if unknown:
            raise ValueError(f"unknown fields: {sorted(unknown)}")
        return cls([Rule(**rule) for rule in rules])

    def rules_for(self, body: Mapping[str, Any], user: str) -> list[Rule]:
        """Count a call and return the rules that apply to it."""
        self.calls += 1
        held = [rule for rule in self.rules if rule.applies(self.calls, body, user, self.chance)]
        answers = [rule for rule in held if rule.do in ANSWERS][:1]
        chosen = answers or held
        for rule in chosen:
            if rule.times is not None:
                rule.times -= 1
        return chosen
