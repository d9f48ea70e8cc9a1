"""The connection to OpenAI or to a compatible server.

The only module that imports ``openai``. It owns the deadline of a request and translates failures of the network. It
does not retry: the call is scheduled again, and two layers of retries would multiply.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import openai

from backend.generation.language_models.interface import ModelError
from backend.generation.language_models.openai.dialects import Api


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: str


class Connection:
    """A client with its own event loop in its own thread.

    The SDK's timeouts bound each read, so a server that sends a byte now and then could hold a call forever. A
    coroutine can be stopped from outside at any point, so the deadline holds in every phase.
    """

    def __init__(self, api_key: str, base_url: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.new_event_loop()
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-model", daemon=True)
        self._thread.start()

    def post(self, api: Api, body: dict[str, Any], deadline: float) -> Response:
        """Send one request and return the response, whatever its status.

        ``deadline`` is a time on the monotonic clock, in seconds. Raises ModelError ``timeout`` and ``unavailable``.
        """
        try:
            return self._wait(self._post(api, body, deadline))
        except (TimeoutError, openai.APITimeoutError):
            message = f"no complete response within {self._timeout_s:g} s"
            raise ModelError("timeout", message, retryable=True) from None
        except openai.APIConnectionError as error:
            message = f"the language model's server is unreachable: {error.__cause__ or error}"
            raise ModelError("unavailable", message, retryable=True) from error
        except openai.APIStatusError as error:
            return Response(error.status_code, _lower(error.response.headers), error.response.text)

    def _wait(self, posting: Coroutine[Any, Any, Response]) -> Response:
        future = asyncio.run_coroutine_threadsafe(posting, self._loop)
        try:
            return future.result()
        except BaseException:
            # If the waiting thread is interrupted, nobody reads the response: stop the request.
            future.cancel()
            raise

    async def _post(self, api: Api, body: dict[str, Any], deadline: float) -> Response:
        async with asyncio.timeout(deadline - time.monotonic()):
            if api == "responses":
                answer = await self._client.responses.with_raw_response.create(**body)
            else:
                answer = await self._client.chat.completions.with_raw_response.create(**body)
            return Response(200, _lower(answer.headers), str(answer.text))

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
        connection = Connection("no-key", f"http://127.0.0.1:{closed.getsockname()[1]}/v1", 1.0)
        with suppress(ModelError):
            connection.post("chat", {"model": "none", "messages": []}, time.monotonic() + 1.0)
        connection.close()
