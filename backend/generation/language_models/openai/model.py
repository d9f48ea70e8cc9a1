"""The language model behind OpenAI's chat completions, or behind any server compatible with them.

The only module that imports ``openai``. It owns the deadline of a call and the translation of the vendor's errors.
It does not retry: the step that called is scheduled again, and two layers of retries would multiply.
"""

import asyncio
import math
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import openai

from backend.core.database.transaction import refuse_open_transaction
from backend.generation.language_models.interface import (
    BeforeCall,
    ConnectReply,
    ConnectRequest,
    DraftLink,
    ModelError,
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
from backend.generation.language_models.openai.server import Answer, Dialect, Failure, read_answer, read_failure

_OPENAI_URL = "https://api.openai.com/v1"

GUESS_HOLDS_S = 600.0
"""How long a guessed dialect is kept: an outage that ends between two requests looks just like a refusal."""

_dialects: dict[tuple[str, str], tuple[Dialect, float]] = {}
"""What each server is known to understand, by base URL and model, and until when on the monotonic clock."""


class _Connection:
    """A client on an event loop of its own, in a thread of its own.

    The SDK's timeouts bound each read, so a server that sends a byte now and then would hold a call for ever.
    A coroutine can be stopped from outside at any point, which makes the deadline hold in every phase.
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

    def post(self, body: dict[str, Any], deadline: float) -> str:
        """Send one chat completion request; return the body of its answer.

        ``deadline`` is a reading of the monotonic clock, in seconds. Raises TimeoutError and openai.APIError.
        """
        future = asyncio.run_coroutine_threadsafe(self._post(body, deadline), self._loop)
        try:
            return future.result()
        except BaseException:
            # Whoever interrupts the waiting thread must not leave a request running that nobody reads.
            future.cancel()
            raise

    async def _post(self, body: dict[str, Any], deadline: float) -> str:
        async with asyncio.timeout(deadline - time.monotonic()):
            raw = await self._client.chat.completions.with_raw_response.create(**body)
            return str(raw.text)

    def close(self) -> None:
        """Close the sockets and end the thread."""
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result(timeout=5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5.0)
        self._loop.close()


def rehearse_call() -> None:
    """Make a call that reaches nobody, before a worker forks.

    The SDK loads and builds much of itself at its first call: half a second and 11 MB that each of a worker's
    processes would else have for itself.
    """
    with socket.socket() as nobody:
        # Bound, but nobody listens: the system refuses the connection at once.
        nobody.bind(("127.0.0.1", 0))
        connection = _Connection("no-key", f"http://127.0.0.1:{nobody.getsockname()[1]}/v1", 1.0)
        with suppress(TimeoutError, openai.APIError):
            connection.post({"model": "none", "messages": []}, time.monotonic() + 1.0)
        connection.close()


class OpenAIModel:
    """Writes study material with a chat model. Safe to share between threads and across a fork."""

    is_draft = False

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        base_url: str | None = None,
        timeout_s: float = 120.0,
        max_output_tokens: int = 6000,
    ) -> None:
        """Prepare without connecting.

        ``timeout_s`` bounds one verb with all its HTTP requests, in seconds; ``max_output_tokens`` one answer.
        """
        self.name = model
        self._api_key = api_key
        # Given even when it is OpenAI's own: the SDK would else read the environment behind our settings.
        self._base_url = base_url or _OPENAI_URL
        self._timeout_s = timeout_s
        self._max_output_tokens = max_output_tokens
        # By process. A child of a fork opens its own and leaves the parent's alone, still referenced: to close
        # it there would reach into the parent's sockets.
        self._connections: dict[int, _Connection] = {}

    def write_section(self, request: SectionRequest, before_call: BeforeCall) -> SectionReply:
        """Write topics, flashcards and questions for one section. Raises ModelError.

        ``truncated`` is set whenever the JSON ended early, whatever reason the server gave; the complete items
        are in the reply.
        """
        prompt = section_prompt(request, schema_in_text=not self._is_openai)
        answer = self._ask(prompt, "study_material", SECTION_SCHEMA, before_call)
        try:
            parsed = parse_section(answer.content)
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

    def connect_topics(self, request: ConnectRequest, before_call: BeforeCall) -> ConnectReply:
        """Put topics into a tree and link them. Raises ModelError.

        Parents never form a circle: a topic whose parent would close one becomes a root.
        """
        prompt = connect_prompt(request, schema_in_text=not self._is_openai)
        answer = self._ask(prompt, "concept_map", CONNECT_SCHEMA, before_call)
        try:
            parsed = parse_connections(answer.content)
        except ValueError as error:
            raise _unusable(answer, str(error)) from None
        if not parsed.parents and not parsed.links and (parsed.malformed or not parsed.complete):
            raise _unusable(answer, f"no usable connection, {parsed.malformed} malformed")
        return _connect(request, parsed, answer.usage)

    def close(self) -> None:
        """Close this process's connection, if there is one; the next call opens another."""
        connection = self._connections.pop(os.getpid(), None)
        if connection:
            connection.close()

    def _ask(self, prompt: tuple[str, str], name: str, schema: dict[str, Any], before_call: BeforeCall) -> Answer:
        """Ask in the dialect known to work; without one, find it on the way."""
        place = (self._base_url, self.name)
        deadline = time.monotonic() + self._timeout_s
        known, until = _dialects.get(place, (None, 0.0))
        if until < time.monotonic():
            known = None
        # OpenAI's newer models refuse the old name; many other servers silently ignore the new one.
        limits = ("max_completion_tokens", "max_tokens")
        dialect = known or Dialect(limits=limits if self._is_openai else limits[::-1])
        # OpenAI itself says what it refuses. Elsewhere a failure that names nothing may be a refusal of the
        # answer's format: it is guessed so once, and a second such failure is an outage, told as the first was.
        may_guess = known is None and not self._is_openai
        guessed: Failure | None = None
        while True:
            before_call()
            refuse_open_transaction()
            outcome = self._send(dialect, prompt, name, schema, deadline)
            if isinstance(outcome, Answer):
                if dialect != known:
                    holds_s = GUESS_HOLDS_S if guessed else math.inf
                    _dialects[place] = (dialect, time.monotonic() + holds_s)
                return outcome
            easier = dialect.easier(outcome)
            if easier is None and may_guess and outcome.is_unexplained:
                may_guess, guessed = False, outcome
                easier = dialect.with_next_format()
            if easier is None:
                told = guessed if guessed and outcome.is_unexplained else outcome
                raise told.to_model_error()
            dialect = easier

    @property
    def _is_openai(self) -> bool:
        # OpenAI shows the schema to the model itself. Others at most enforce it, token by token, and a model that
        # does not know the fields to come writes worse; so they get it in the prompt.
        return self._base_url == _OPENAI_URL

    def _send(
        self, dialect: Dialect, prompt: tuple[str, str], name: str, schema: dict[str, Any], deadline: float
    ) -> Answer | Failure:
        system, user = prompt
        body = {
            "model": self.name,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            **dialect.parameters(name, schema, self._max_output_tokens),
        }
        try:
            return read_answer(self._connection().post(body, deadline))
        except (TimeoutError, openai.APITimeoutError):
            message = f"no complete answer within {self._timeout_s:g} s"
            raise ModelError("timeout", message, retryable=True) from None
        except openai.APIConnectionError as error:
            message = f"the language model's server cannot be reached: {error.__cause__ or error}"
            raise ModelError("unavailable", message, retryable=True) from error
        except openai.APIStatusError as error:
            headers = {key.lower(): value for key, value in error.response.headers.items()}
            return read_failure(error.status_code, headers, error.response.text)

    def _connection(self) -> _Connection:
        # Without a lock, since a fork could copy it while it is held; ``setdefault`` lets one thread win.
        process = os.getpid()
        connection = self._connections.get(process)
        if connection is None:
            mine = _Connection(self._api_key, self._base_url, self._timeout_s)
            connection = self._connections.setdefault(process, mine)
            if connection is not mine:
                mine.close()
        return connection


def _unusable(answer: Answer, reason: str) -> ModelError:
    if answer.cut:
        message = f"the answer was cut at the token limit: {reason}"
        return ModelError("truncated", message, retryable=False, usage=answer.usage)
    return ModelError("bad_output", f"the answer cannot be used: {reason}", retryable=True, usage=answer.usage)


def _connect(request: ConnectRequest, parsed: ParsedConnections, usage: Usage) -> ConnectReply:
    """Keep what speaks of the topics that were asked about, under exactly their names."""
    names = {_fold(topic.name): topic.name for topic in request.topics}
    parents: dict[str, str | None] = {}
    for child, parent in parsed.parents:
        name = names.get(_fold(child))
        if name is None or name in parents:
            continue
        parents[name] = _parent_without_circle(name, names.get(_fold(parent)) if parent else None, parents)
    links: dict[tuple[str, str], DraftLink] = {}
    for link in parsed.links:
        source, target = names.get(_fold(link.source)), names.get(_fold(link.target))
        if source and target and source != target and link.label.strip():
            links.setdefault((source, target), DraftLink(source, target, link.label.strip()))
    return ConnectReply(parents=parents, links=tuple(links.values()), usage=usage)


def _parent_without_circle(name: str, parent: str | None, parents: dict[str, str | None]) -> str | None:
    above = parent
    while above is not None:
        if above == name:
            return None
        above = parents.get(above)
    return parent


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
