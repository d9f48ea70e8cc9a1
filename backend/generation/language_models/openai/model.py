"""The language model behind OpenAI's API, or behind any compatible server: what it is asked, and how it is read."""

from dataclasses import replace
from typing import Any, Literal

from backend.generation.language_models.interface import (
    BeforeCall,
    ConnectReply,
    ConnectRequest,
    DraftLink,
    ModelAnswer,
    ModelError,
    ModelRequest,
    SectionReply,
    SectionRequest,
    Usage,
)
from backend.generation.language_models.openai.dialects import NO_REASONING
from backend.generation.language_models.openai.hosts import OPENAI_URL, is_openai, read_host
from backend.generation.language_models.openai.output import ParsedConnections, parse_connections, parse_section
from backend.generation.language_models.openai.prompts import (
    CONNECT_SCHEMA,
    SECTION_SCHEMA,
    connect_prompt,
    section_prompt,
)
from backend.generation.language_models.openai.sending import Sender, ServerSettings

TEMPERATURE = 0.2
"""Low, so that items stay close to the pages; not zero, so that a retry may give another result."""

_OUTPUT_PER_ITEM = 250
_OUTPUT_PER_TOPIC = 60
_OUTPUT_BESIDE = 400
_MARGIN = 1.5


class OpenAIModel:
    """Writes study material with a chat model. Safe to share between threads and across a fork."""

    is_draft = False
    is_remote: Literal[True] = True

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        base_url: str | None = None,
        timeout_s: float = 120.0,
        max_output_tokens: int = 16_000,
        effort: str | None = NO_REASONING,
        service_tier: str | None = None,
    ) -> None:
        """Does not connect yet.

        ``timeout_s`` bounds one call with all its HTTP requests, in seconds; ``max_output_tokens`` bounds one answer.
        ``effort`` None leaves it to the model how much it reasons. ``service_tier`` is that of calls that nobody waits
        for.
        """
        self.name = model
        # Set even for OpenAI itself: otherwise the SDK would read the environment, bypassing our settings.
        url = (base_url or OPENAI_URL).rstrip("/")
        self.host = read_host(url)
        self._effort = effort
        self._max_output_tokens = max_output_tokens
        self._sender = Sender(ServerSettings(api_key, url, timeout_s, max_output_tokens, service_tier))

    def ask_section(self, request: SectionRequest) -> ModelRequest:
        system, user = section_prompt(request, schema_in_text=self._schema_in_text)
        expected = _OUTPUT_BESIDE + _OUTPUT_PER_ITEM * request.wanted.total
        asked = self._request("study_material", SECTION_SCHEMA, system, user, expected)
        return replace(asked, cache_key=f"document-{request.document_id}")

    def ask_connections(self, request: ConnectRequest) -> ModelRequest:
        system, user = connect_prompt(request, schema_in_text=self._schema_in_text)
        expected = _OUTPUT_BESIDE + _OUTPUT_PER_TOPIC * len(request.topics)
        return self._request("concept_map", CONNECT_SCHEMA, system, user, expected)

    @property
    def _schema_in_text(self) -> bool:
        # OpenAI shows the schema to the model itself. Other servers at most enforce it, token by token, and a model
        # that does not know the coming fields writes worse material, so their prompt includes the schema.
        return not is_openai(self.host)

    def _request(self, name: str, schema: dict[str, Any], system: str, user: str, expected: int) -> ModelRequest:
        reasons = self._effort not in (NO_REASONING, None)
        limit = self._max_output_tokens if reasons else min(round(expected * _MARGIN), self._max_output_tokens)
        return ModelRequest(
            name=name,
            schema=schema,
            system=system,
            user=user,
            model=self.name,
            max_output_tokens=limit,
            # A model that reasons refuses it.
            temperature=None if reasons else TEMPERATURE,
            effort=self._effort,
            host=self.host,
        )

    def send(self, request: ModelRequest, before_call: BeforeCall) -> ModelAnswer:
        """Call the server, in the dialect that it takes. Raises ModelError."""
        return self._sender.send(request, before_call)

    def close(self) -> None:
        """Close this process's connection, if there is one; the next call opens a new one."""
        self._sender.close()

    def read_section(self, answer: ModelAnswer, request: SectionRequest) -> SectionReply:
        """Read topics, flashcards and questions.

        ``truncated`` is set whenever the JSON ended early, whatever finish reason the server gave; the complete items
        are in the reply.
        """
        try:
            parsed = parse_section(answer.text)
        except ValueError as error:
            raise _unusable(answer, str(error)) from None
        # Topics whose items were cut off are a start: the section is halved.
        is_start = bool(parsed.topics) and not parsed.complete
        if request.wanted and not parsed.items and not is_start:
            raise _unusable(answer, f"no usable item, {parsed.malformed} malformed")
        return SectionReply(
            topics=parsed.topics,
            flashcards=parsed.flashcards,
            questions=parsed.questions,
            usage=answer.usage,
            truncated=not parsed.complete,
            malformed=parsed.malformed,
        )

    def read_connections(self, answer: ModelAnswer, request: ConnectRequest) -> ConnectReply:
        """Read parents and links.

        Parents never form a cycle: a topic whose parent would close one becomes a root.
        """
        try:
            parsed = parse_connections(answer.text)
        except ValueError as error:
            raise _unusable(answer, str(error)) from None
        if not parsed.parents and not parsed.links and (parsed.malformed or not parsed.complete):
            raise _unusable(answer, f"no usable connection, {parsed.malformed} malformed")
        return _connect(request, parsed, answer.usage)


def _unusable(answer: ModelAnswer, reason: str) -> ModelError:
    if answer.is_filtered:
        message = f"the vendor's content filter stopped the response: {reason}"
        return ModelError("refused", message, retryable=False, usage=answer.usage)
    if answer.is_cut:
        message = f"the response was cut off at the token limit: {reason}"
        return ModelError("truncated", message, retryable=False, usage=answer.usage)
    return ModelError("bad_output", f"the response is unusable: {reason}", retryable=True, usage=answer.usage)


def _connect(request: ConnectRequest, parsed: ParsedConnections, usage: Usage) -> ConnectReply:
    """Keep only parents and links of the requested topics, under exactly their names."""
    names = {_name_key(topic.name): topic.name for topic in request.topics}
    parents: dict[str, str | None] = {}
    for child, parent in parsed.parents:
        name = names.get(_name_key(child))
        if name is None or name in parents:
            continue
        parents[name] = _parent_without_cycle(name, names.get(_name_key(parent)) if parent else None, parents)
    links: dict[tuple[str, str], DraftLink] = {}
    for link in parsed.links:
        source, target = names.get(_name_key(link.source)), names.get(_name_key(link.target))
        if source and target and source != target and link.label.strip():
            links.setdefault((source, target), DraftLink(source, target, link.label.strip()))
    return ConnectReply(parents=parents, links=tuple(links.values()), usage=usage)


def _parent_without_cycle(name: str, parent: str | None, parents: dict[str, str | None]) -> str | None:
    above = parent
    while above is not None:
        if above == name:
            return None
        above = parents.get(above)
    return parent


def _name_key(name: str) -> str:
    return " ".join(name.split()).casefold()
