"""The language model behind OpenAI's chat completions, or behind any compatible server.

The only module that imports ``openai``. It owns the deadline of a call and translates the vendor's errors. It does not
retry: the step that called is scheduled again, and two layers of retries would multiply.
"""

import asyncio
import math
import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

import openai

from backend.core.database.transaction import refuse_open_transaction
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
from backend.generation.language_models.openai.output import ParsedConnections, parse_connections, parse_section
from backend.generation.language_models.openai.prompts import (
    CONNECT_SCHEMA,
    SECTION_SCHEMA,
    connect_prompt,
    section_prompt,
)
from backend.generation.language_models.openai.server import (
    TEMPERATURE,
    Dialect,
    Failure,
    read_completion,
    read_failure,
    read_rate_limits,
)

_OPENAI_URL = "https://api.openai.com/v1"

GUESS_HOLDS_S = 600.0
"""How long a guessed dialect is kept: an outage that ends between two requests looks just like a refusal."""

_dialects: dict[tuple[str, str], tuple[Dialect, float]] = {}
"""The known dialect by base URL and model, and until when it is valid on the monotonic clock."""


class _Connection:
    """A client with its own event loop in its own thread.

    The SDK's timeouts bound each read, so a server that sends a byte now and then could hold a call forever. A
    coroutine can be stopped from outside at any point, so the deadline holds in every phase.
    """

    def __init__(self, api_key: str, base_url: str, timeout_s: float) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-model", daemon=True)
        self._thread.start()

    def post(self, body: dict[str, Any], deadline: float) -> tuple[dict[str, str], str]:
        """Send one chat completion request and return the response's headers and body.

        ``deadline`` is a time on the monotonic clock, in seconds. Raises TimeoutError and openai.APIError.
        """
        future = asyncio.run_coroutine_threadsafe(self._post(body, deadline), self._loop)
        try:
            return future.result()
        except BaseException:
            # If the waiting thread is interrupted, nobody reads the response: stop the request.
            future.cancel()
            raise

    async def _post(self, body: dict[str, Any], deadline: float) -> tuple[dict[str, str], str]:
        async with asyncio.timeout(deadline - time.monotonic()):
            raw = await self._client.chat.completions.with_raw_response.create(**body)
            return _lower(raw.headers), str(raw.text)

    def close(self) -> None:
        """Close the sockets and end the thread."""
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(timeout=5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5.0)
        self._loop.close()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def rehearse_call() -> None:
    """Make a call that cannot connect, before a worker forks.

    The SDK loads and builds much of itself at its first call: half a second and 11 MB, which each process of a worker
    would otherwise pay for itself.
    """
    with socket.socket() as closed:
        # Bound but not listening, so the system refuses the connection immediately.
        closed.bind(("127.0.0.1", 0))
        connection = _Connection("no-key", f"http://127.0.0.1:{closed.getsockname()[1]}/v1", 1.0)
        with suppress(TimeoutError, openai.APIError):
            connection.post({"model": "none", "messages": []}, time.monotonic() + 1.0)
        connection.close()


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
        max_output_tokens: int = 6000,
    ) -> None:
        """Does not connect yet.

        ``timeout_s`` bounds one method call with all its HTTP requests, in seconds; ``max_output_tokens`` bounds one
        response.
        """
        self.name = model
        self._api_key = api_key
        # Set even for OpenAI itself: otherwise the SDK would read the environment, bypassing our settings.
        self._base_url = base_url or _OPENAI_URL
        self.host: str | None = urlsplit(str(self._base_url)).hostname
        self._timeout_s = timeout_s
        self._max_output_tokens = max_output_tokens
        # By process id. A forked child opens its own connection and keeps a reference to the parent's, because closing
        # that would affect the parent's sockets.
        self._connections: dict[int, _Connection] = {}

    def ask_section(self, request: SectionRequest) -> ModelRequest:
        system, user = section_prompt(request, schema_in_text=not self._is_openai)
        asked = self._request("study_material", SECTION_SCHEMA, system, user)
        return replace(asked, cache_key=f"document-{request.document_id}")

    def ask_connections(self, request: ConnectRequest) -> ModelRequest:
        system, user = connect_prompt(request, schema_in_text=not self._is_openai)
        return self._request("concept_map", CONNECT_SCHEMA, system, user)

    def _request(self, name: str, schema: dict[str, Any], system: str, user: str) -> ModelRequest:
        return ModelRequest(
            name=name,
            schema=schema,
            system=system,
            user=user,
            model=self.name,
            max_output_tokens=self._max_output_tokens,
            temperature=TEMPERATURE,
            host=self.host,
        )

    def read_section(self, answer: ModelAnswer, request: SectionRequest) -> SectionReply:
        """Read topics, flashcards and questions.

        ``truncated`` is set whenever the JSON ended early, whatever finish reason the server gave; the complete items
        are in the reply.
        """
        try:
            parsed = parse_section(answer.text)
        except ValueError as error:
            raise _unusable(answer, str(error)) from None
        if not parsed.kept and (parsed.malformed or not parsed.complete):
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

    def close(self) -> None:
        """Close this process's connection, if there is one; the next call opens a new one."""
        connection = self._connections.pop(os.getpid(), None)
        if connection:
            connection.close()

    def send(self, request: ModelRequest, before_call: BeforeCall) -> ModelAnswer:
        """Send in the known dialect, or find one by trying. Raises ModelError."""
        place = (self._base_url, self.name)
        deadline = time.monotonic() + self._timeout_s
        known, until = _dialects.get(place, (None, 0.0))
        if until < time.monotonic():
            known = None
        # OpenAI's newer models refuse the old name; many other servers silently ignore the new one.
        limits = ("max_completion_tokens", "max_tokens")
        dialect = known or Dialect(limits=limits if self._is_openai else limits[::-1])
        # OpenAI names what it refuses. On another server, an unexplained failure may mean that it refuses the response
        # format. We guess that once; a second unexplained failure is an outage, and the first one is reported.
        may_guess = known is None and not self._is_openai
        guessed: Failure | None = None
        while True:
            before_call()
            refuse_open_transaction()
            outcome = self._send(dialect, request, deadline)
            if isinstance(outcome, ModelAnswer):
                if dialect != known:
                    holds_s = GUESS_HOLDS_S if guessed else math.inf
                    _dialects[place] = (dialect, time.monotonic() + holds_s)
                return outcome
            easier = dialect.easier(outcome)
            if easier is None and may_guess and outcome.is_unexplained:
                may_guess, guessed = False, outcome
                easier = dialect.with_next_format()
            if easier is None:
                cause = guessed if guessed and outcome.is_unexplained else outcome
                raise cause.to_model_error()
            dialect = easier

    @property
    def _is_openai(self) -> bool:
        # OpenAI shows the schema to the model itself. Other servers at most enforce it, token by token, and a model
        # that does not know the coming fields writes worse material, so their prompt includes the schema.
        return self._base_url == _OPENAI_URL

    def _send(self, dialect: Dialect, request: ModelRequest, deadline: float) -> ModelAnswer | Failure:
        body = {
            "model": request.model,
            "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}],
            **dialect.parameters(request),
        }
        try:
            headers, text = self._connection().post(body, deadline)
            return replace(read_completion(text), rate_limits=read_rate_limits(headers))
        except (TimeoutError, openai.APITimeoutError):
            message = f"no complete response within {self._timeout_s:g} s"
            raise ModelError("timeout", message, retryable=True) from None
        except openai.APIConnectionError as error:
            message = f"the language model's server is unreachable: {error.__cause__ or error}"
            raise ModelError("unavailable", message, retryable=True) from error
        except openai.APIStatusError as error:
            return read_failure(error.status_code, _lower(error.response.headers), error.response.text)

    def _connection(self) -> _Connection:
        # No lock, because a fork could copy it while it is held; ``setdefault`` lets one thread win.
        process = os.getpid()
        connection = self._connections.get(process)
        if connection is None:
            mine = _Connection(self._api_key, self._base_url, self._timeout_s)
            connection = self._connections.setdefault(process, mine)
            if connection is not mine:
                mine.close()
        return connection


def _unusable(answer: ModelAnswer, reason: str) -> ModelError:
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
