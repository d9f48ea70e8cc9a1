"""How a request is written for a server, and what to write instead when the server refuses it."""

import base64
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from backend.generation.language_models.interface import ModelRequest, PageImage
from backend.generation.language_models.openai.failures import EFFORT, FORMAT, LIMIT, TEMPERATURE, Failure

Api = Literal["chat", "responses"]

NO_REASONING = "none"

_FORMATS = ("json_schema", "json_object_with_schema", "json_object", "none")
_LIMITS = ("max_completion_tokens", "max_tokens")
_EFFORTS = (NO_REASONING, "minimal", "low", "medium", "high", "xhigh", "max")
_QUOTED_EFFORT = re.compile(rf"['\"]({'|'.join(_EFFORTS)})['\"]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to write requests to a server: the first entry of each tuple, followed by those left to try.

    ``limits`` are the names of the parameter that bounds the output. ``temperature`` and ``effort`` say whether one is
    sent; ``other_effort`` is sent instead of one that the model does not know. ``extras`` are the further parameters
    that the server takes. ``reasons``: the model was seen to reason, which takes some of the output.
    """

    api: Api = "chat"
    formats: tuple[str, ...] = _FORMATS
    limits: tuple[str, ...] = _LIMITS
    temperature: bool = True
    effort: bool = True
    other_effort: str | None = None
    extras: frozenset[str] = frozenset({"service_tier"})
    reasons: bool = False

    @classmethod
    def of(cls, *, openai: bool) -> "Dialect":
        """Return what to try first.

        OpenAI's newer models refuse the old name of the limit, and it alone knows all further parameters; many other
        servers silently ignore the new name.
        """
        if openai:
            return cls(extras=frozenset({"service_tier", "prompt_cache_key", "store"}))
        return cls(limits=_LIMITS[::-1])

    def body(self, request: ModelRequest, service_tier: str | None) -> dict[str, Any]:
        """Return the body of a request. ``service_tier`` is that of requests that nobody waits for."""
        body: dict[str, Any] = {"model": request.model}
        body |= self._responses_body(request) if self.api == "responses" else self._chat_body(request)
        if self.temperature and request.temperature is not None:
            body["temperature"] = request.temperature
        if "store" in self.extras:
            # The pages belong to the user: the vendor keeps no copy for its own tools.
            body["store"] = False
        if "prompt_cache_key" in self.extras and request.cache_key:
            body["prompt_cache_key"] = request.cache_key
        if "service_tier" in self.extras and service_tier and not request.is_awaited:
            body["service_tier"] = service_tier
        return body

    def _chat_body(self, request: ModelRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"messages": _messages(request, "text", _chat_image)}
        match self.formats[0]:
            case "json_schema":
                strict = {"name": request.name, "strict": True, "schema": request.schema}
                body["response_format"] = {"type": "json_schema", "json_schema": strict}
            case "json_object_with_schema":
                body["response_format"] = {"type": "json_object", "schema": request.schema}
            case "json_object":
                body["response_format"] = {"type": "json_object"}
        if self.limits:
            body[self.limits[0]] = request.max_output_tokens
        if effort := self._effort(request):
            body["reasoning_effort"] = effort
        return body

    def _responses_body(self, request: ModelRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"input": _messages(request, "input_text", _responses_image)}
        match self.formats[0]:
            case "json_schema":
                strict = {"name": request.name, "strict": True, "schema": request.schema}
                body["text"] = {"format": {"type": "json_schema", **strict}}
            case "json_object_with_schema" | "json_object":
                body["text"] = {"format": {"type": "json_object"}}
        if self.limits:
            body["max_output_tokens"] = request.max_output_tokens
        if effort := self._effort(request):
            body["reasoning"] = {"effort": effort}
        return body

    def _effort(self, request: ModelRequest) -> str | None:
        if not self.effort or request.effort is None:
            return None
        return self.other_effort or request.effort

    def easier(self, failure: Failure, request: ModelRequest) -> "Dialect | None":
        """Return what to try after ``failure`` of ``request``, or None if it names nothing that could be left out.

        Each step gives something up, so the attempts come to an end.
        """
        if failure.wants_responses:
            return replace(self, api="responses") if self.api == "chat" else None
        if not failure.may_be_dialect:
            return None
        return self._without_refused_parameter(failure, request) or (
            self.with_next_format() if FORMAT.search(failure.text) else None
        )

    def _without_refused_parameter(self, failure: Failure, request: ModelRequest) -> "Dialect | None":
        for name in sorted(self.extras):
            if re.search(rf"\b{name}\b", failure.named):
                return replace(self, extras=self.extras - {name})
        if self.temperature and TEMPERATURE.search(failure.named):
            return replace(self, temperature=False)
        if self.limits and LIMIT.search(failure.named):
            return replace(self, limits=self.limits[1:])
        if self.effort and EFFORT.search(failure.named):
            return self._with_other_effort(failure, request.effort)
        return None

    def _with_other_effort(self, failure: Failure, asked: str | None) -> "Dialect":
        """Take the next greater effort that the server lists, or the greatest, or leave the choice to it."""
        listed = [each for each in _EFFORTS if each != asked and each in _QUOTED_EFFORT.findall(failure.text)]
        if not listed or self.other_effort is not None or asked not in _EFFORTS:
            return replace(self, effort=False)
        greater = [each for each in listed if _EFFORTS.index(each) > _EFFORTS.index(asked)]
        return replace(self, other_effort=(greater or listed[::-1])[0])

    def with_next_format(self) -> "Dialect | None":
        """Return the dialect with the next way to ask for JSON, or None after the last one."""
        return replace(self, formats=self.formats[1:]) if len(self.formats) > 1 else None


def _messages(request: ModelRequest, text_type: str, write_image: Any) -> list[dict[str, Any]]:
    user: Any = request.user
    if request.images:
        images = [write_image(_data_url(image)) for image in request.images]
        user = [{"type": text_type, "text": request.user}, *images]
    return [{"role": "system", "content": request.system}, {"role": "user", "content": user}]


def _chat_image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def _responses_image(url: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, "detail": "low"}


def _data_url(image: PageImage) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
