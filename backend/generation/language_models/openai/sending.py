"""Sends requests to a server in its dialect, which it finds by trying, with more room for an answer if need be."""

import math
import os
import time
from dataclasses import dataclass, replace

from backend.core.database.transaction import refuse_open_transaction
from backend.core.process.logging import get_logger
from backend.generation.language_models.interface import BeforeCall, ModelAnswer, ModelError, ModelRequest, Usage
from backend.generation.language_models.openai.answers import read_completion, read_response
from backend.generation.language_models.openai.connection import Connection
from backend.generation.language_models.openai.content import holds_object
from backend.generation.language_models.openai.dialects import Dialect
from backend.generation.language_models.openai.failures import Failure, read_failure
from backend.generation.language_models.openai.hosts import is_openai, read_host
from backend.generation.language_models.openai.rate_limits import read_rate_limits

log = get_logger(__name__)

GUESS_HOLDS_S = 600.0
"""How long a guessed dialect is kept: an outage that ends between two requests looks just like a refusal."""

MORE_OUTPUT = 4
"""How many times the output limit is raised for a model that reasons before it answers."""

_CONTEXT_STEP = 1024
"""Sizes of a context are multiples of this. A prompt that Ollama cuts fills the context exactly."""

_dialects: dict[tuple[str, str], tuple[Dialect, float]] = {}
"""The known dialect by base URL and model, and until when it is valid on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``timeout_s`` bounds all requests of one call together, in seconds; ``max_output_tokens`` bounds one answer."""

    api_key: str
    base_url: str
    timeout_s: float
    max_output_tokens: int
    service_tier: str | None = None


class Sender:
    """Sends requests to one server. Safe to share between threads and across a fork."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._is_openai = is_openai(read_host(settings.base_url))
        # By process id. A forked child opens its own connection and keeps a reference to the parent's, because closing
        # that would affect the parent's sockets.
        self._connections: dict[int, Connection] = {}

    def send(self, request: ModelRequest, before_call: BeforeCall) -> ModelAnswer:
        """Send a request, and send it once more with a higher limit if the answer was cut before it began.

        Raises ModelError.
        """
        deadline = time.monotonic() + self._settings.timeout_s
        asked = self._with_room(request) if self._known_dialect(request).reasons else request
        answer = self._converse(asked, before_call, deadline)
        if not _is_used_up(answer):
            return self._checked(answer, request)
        raised = self._with_room(request)
        if raised.max_output_tokens <= asked.max_output_tokens:
            raise _used_up(answer.usage)
        log.warning("generation.model.output_used_up", model=request.model, limit=asked.max_output_tokens)
        try:
            second = self._converse(raised, before_call, deadline)
        except ModelError as error:
            error.usage = answer.usage + error.usage
            # The higher limit may not fit into the context beside the prompt.
            raise _used_up(error.usage) if error.code == "context_too_long" else error from None
        second = replace(second, usage=answer.usage + second.usage)
        if _is_used_up(second):
            raise _used_up(second.usage)
        self._learn_that_it_reasons(request)
        return second

    def close(self) -> None:
        """Close this process's connection, if there is one; the next call opens a new one."""
        connection = self._connections.pop(os.getpid(), None)
        if connection:
            connection.close()

    def _checked(self, answer: ModelAnswer, request: ModelRequest) -> ModelAnswer:
        if answer.usage.reasoning_tokens:
            self._learn_that_it_reasons(request)
        if not self._is_openai and _is_prompt_cut(answer.usage.input_tokens, request.input_tokens):
            log.warning("generation.model.prompt_cut", model=request.model, input_tokens=answer.usage.input_tokens)
            message = f"the server cut the prompt to its context of {answer.usage.input_tokens} tokens"
            raise ModelError("context_too_long", message, retryable=False, usage=answer.usage)
        return answer

    def _with_room(self, request: ModelRequest) -> ModelRequest:
        most = max(self._settings.max_output_tokens, request.max_output_tokens)
        return replace(request, max_output_tokens=min(request.max_output_tokens * MORE_OUTPUT, most))

    def _place(self, request: ModelRequest) -> tuple[str, str]:
        return self._settings.base_url, request.model

    def _find_dialect(self, request: ModelRequest) -> Dialect | None:
        known, until = _dialects.get(self._place(request), (None, 0.0))
        return known if until >= time.monotonic() else None

    def _known_dialect(self, request: ModelRequest) -> Dialect:
        return self._find_dialect(request) or Dialect.of(openai=self._is_openai)

    def _learn_that_it_reasons(self, request: ModelRequest) -> None:
        dialect, until = _dialects.get(self._place(request), (self._known_dialect(request), math.inf))
        _dialects[self._place(request)] = (replace(dialect, reasons=True), until)

    def _converse(self, request: ModelRequest, before_call: BeforeCall, deadline: float) -> ModelAnswer:
        """Send in the known dialect, or find one by trying."""
        known = self._find_dialect(request)
        dialect = known or Dialect.of(openai=self._is_openai)
        # OpenAI names what it refuses. On another server, an unexplained failure may mean that it refuses the response
        # format. We guess that once; a second unexplained failure is an outage, and the first one is reported.
        may_guess = known is None and not self._is_openai
        guessed: Failure | None = None
        while True:
            before_call()
            refuse_open_transaction()
            outcome = self._post(dialect, request, deadline)
            if isinstance(outcome, ModelAnswer):
                if dialect != known:
                    holds_s = GUESS_HOLDS_S if guessed else math.inf
                    _dialects[self._place(request)] = (dialect, time.monotonic() + holds_s)
                return outcome
            if outcome.tier_is_full and not request.is_awaited:
                # At the usual price, for this call only.
                request = replace(request, is_awaited=True)
                continue
            easier = dialect.easier(outcome, request)
            if easier is None and may_guess and outcome.is_unexplained:
                may_guess, guessed = False, outcome
                easier = dialect.with_next_format()
            if easier is None:
                cause = guessed if guessed and outcome.is_unexplained else outcome
                raise cause.to_model_error()
            dialect = easier

    def _post(self, dialect: Dialect, request: ModelRequest, deadline: float) -> ModelAnswer | Failure:
        body = dialect.body(request, self._settings.service_tier)
        response = self._connection().post(dialect.api, body, deadline)
        if response.status >= 400:
            return read_failure(response.status, response.headers, response.body)
        limits = read_rate_limits(response.headers)
        try:
            read = read_response if dialect.api == "responses" else read_completion
            return replace(read(response.body), rate_limits=limits)
        except ModelError as error:
            error.rate_limits = limits
            raise

    def _connection(self) -> Connection:
        # No lock, because a fork could copy it while it is held; ``setdefault`` lets one thread win.
        process = os.getpid()
        connection = self._connections.get(process)
        if connection is None:
            settings = self._settings
            mine = Connection(settings.api_key, settings.base_url, settings.timeout_s)
            connection = self._connections.setdefault(process, mine)
            if connection is not mine:
                mine.close()
        return connection


def _is_used_up(answer: ModelAnswer) -> bool:
    """Whether the answer was cut before it began: all output went into thoughts."""
    return answer.is_cut and not holds_object(answer.text)


def _used_up(usage: Usage) -> ModelError:
    message = (
        "the model used up the output limit before its answer began: set OPENAI_REASONING_EFFORT lower or "
        "OPENAI_MAX_OUTPUT_TOKENS higher"
    )
    return ModelError("output_used_up", message, retryable=False, usage=usage)


def _is_prompt_cut(input_tokens: int, estimated: int) -> bool:
    """Whether a server dropped a part of the prompt without saying so, as Ollama does.

    The section is halved then, as if the server had refused it: otherwise the model would see the end of the pages
    only. A prompt may fill a context exactly by chance, once in a thousand calls, and then costs a call more.
    """
    fills_context = input_tokens > 0 and input_tokens % _CONTEXT_STEP == 0
    return fills_context and input_tokens < estimated * 1.5
