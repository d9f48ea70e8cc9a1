"""A stand-in for OpenAI: a real HTTP server on loopback that answers both of its APIs, well or badly.

As a process it prints its base URL and runs until it is stopped:

    python -m tests.stand_ins.openai_server --port 0 --delay 1.0

In a test:

    with OpenAIStandIn(script=[{"do": "rate_limit", "on": [1], "retry_after": "2"}]) as server: ...

``POST /__script`` with a list of rules (see openai_script) changes its behaviour, ``GET /__calls`` lists the calls so
far, ``DELETE /__calls`` forgets them.
"""

import argparse
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.patience import patient_s
from tests.stand_ins.openai_answers import CHARS_PER_TOKEN, as_completion, as_response, write_answer
from tests.stand_ins.openai_contract import problems_of_request, problems_of_response_request, text_of
from tests.stand_ins.openai_material import Prompt, read_prompt
from tests.stand_ins.openai_refusals import error_body, refusal_of
from tests.stand_ins.openai_script import ANSWERS, Rule, Script

MODEL = "stand-in"


class OpenAIStandIn:
    """The server, in this process: it listens from construction on and responds between enter and exit.

    ``delay_s``: the duration of a good response in seconds, counted from the request.
    """

    def __init__(
        self,
        delay_s: float = 0.0,
        script: Iterable[Mapping[str, Any]] = (),
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.delay_s = delay_s
        self._lock = threading.Lock()
        self._script = Script.from_json(script)
        self._calls: list[dict[str, Any]] = []
        self._systems: set[str] = set()
        self._connections = 0
        self._released = threading.Event()
        self._server = _Server((host, port), self)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls so far, in order of arrival; a call without ``at_out`` has no response yet."""
        with self._lock:
            return [dict(call) for call in self._calls]

    @property
    def connections(self) -> int:
        """Number of TCP connections opened."""
        return self._connections

    def set_script(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace the script; calls are counted from 1 again. Raises ValueError for unknown names."""
        script = Script.from_json(list(rules))
        with self._lock:
            self._script = script
            # Release what an earlier script holds, in case its test failed.
            self._released.set()
            self._released = threading.Event()

    def release(self) -> None:
        """Release the responses held by a ``hold`` rule, and later ones, until the script is replaced."""
        self._released.set()

    def wait_for_release(self, max_s: float) -> None:
        """Wait until ``release`` is called, for at most ``max_s`` seconds."""
        self._released.wait(max_s)

    def forget_calls(self) -> None:
        with self._lock:
            self._calls.clear()

    def serve_forever(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and drop responses on their way."""
        self._server.shutdown()
        self._server.server_close()

    def begin(self, body: Any) -> tuple[dict[str, Any], Prompt, list[Rule]]:
        """Record a call; return the record, the parsed prompt, and the rules that apply."""
        messages = body.get("messages") or body.get("input") if isinstance(body, dict) else None
        user = text_of(messages[-1].get("content")) if messages else ""
        system = text_of(messages[0].get("content")) if messages else ""
        prompt = read_prompt(user)
        with self._lock:
            rules = self._script.rules_for(body, user) if isinstance(body, dict) else []
            tokens = (len(system) + len(user)) // CHARS_PER_TOKEN
            call = {
                "number": len(self._calls) + 1,
                "at_in": time.time(),
                "behaviours": [rule.do for rule in rules],
                "kind": "connect" if prompt.topics else "section",
                "document": prompt.document,
                "pages": [number for number, _, _ in prompt.pages],
                "flashcards": prompt.flashcards,
                "questions": prompt.questions,
                "prompt_tokens": tokens,
                "cached_tokens": len(system) // CHARS_PER_TOKEN if system in self._systems else 0,
                "request": body,
            }
            self._systems.add(system)
            self._calls.append(call)
        return call, prompt, rules

    def count_connection(self) -> None:
        with self._lock:
            self._connections += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], stand_in: OpenAIStandIn) -> None:
        super().__init__(address, _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that disconnect: the tests make them do so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: _Server
    _call: dict[str, Any] | None = None

    def setup(self) -> None:
        super().setup()
        self.server.stand_in.count_connection()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: a benchmark makes sixteen calls per second."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}
            self._send(200, {"object": "list", "data": [model]})
        elif self.path == "/__calls":
            self._send(200, self.server.stand_in.calls)
        else:
            self._send_error(404, f"Invalid URL (GET {self.path})")

    def do_DELETE(self) -> None:
        self.server.stand_in.forget_calls()
        self._send(200, {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            self._send_error(400, "We could not parse the JSON body of your request.")
            return
        # A client that takes this server for its proxy sends the whole address.
        path = urlsplit(self.path).path
        if path == "/__script":
            try:
                self.server.stand_in.set_script(body)
            except (TypeError, ValueError) as error:
                self._send_error(400, str(error))
            else:
                self._send(200, {})
        elif path in ("/v1/chat/completions", "/v1/responses"):
            self._complete(body, is_chat=path == "/v1/chat/completions")
        else:
            self._send_error(404, f"Invalid URL (POST {self.path})")

    def _complete(self, body: Any, *, is_chat: bool) -> None:
        call, prompt, rules = self.server.stand_in.begin(body)
        # Tells a test which process waits for this response.
        call["client_port"] = self.client_address[1]
        self._call = call
        try:
            if not (self.headers.get("Authorization") or "").startswith("Bearer "):
                self._send_error(401, "You didn't provide an API key.", code="invalid_api_key")
                return
            answering = next((rule for rule in rules if rule.do in ANSWERS), None)
            if answering:
                self._misbehave(answering, body)
                return
            # Refused parameters and formats are checked first: a server knows its own dialect, not OpenAI's.
            problems = self._problems(body) if is_chat else problems_of_response_request(body)
            if problems:
                self._send_error(400, "; ".join(problems))
                return
            self._answer(call, body, prompt, rules)
        finally:
            self._call = None

    def _problems(self, body: Any) -> list[str]:
        wanted = body.get("response_format") if isinstance(body, dict) else None
        lenient = isinstance(wanted, dict) and "schema" in wanted
        return problems_of_request({**body, "response_format": {"type": "json_object"}} if lenient else body)

    def _answer(self, call: dict[str, Any], body: dict[str, Any], prompt: Prompt, rules: list[Rule]) -> None:
        by_name = {rule.do: rule for rule in rules}
        answer = write_answer(call, body, prompt, rules)
        call["completion_tokens"] = answer.output_tokens
        if "input" in body:
            sent = as_response(answer, call, body)
        else:
            sent = as_completion(answer, call, body, usage="no_usage" not in by_name)
        if "hold" in by_name:
            self.server.stand_in.wait_for_release(by_name["hold"].seconds)
        wait = self.server.stand_in.delay_s + (by_name["sleep"].seconds if "sleep" in by_name else 0.0)
        # What waits for it has more patience on a busy machine too.
        wait = patient_s(wait)
        time.sleep(max(0.0, call["at_in"] + wait - time.time()))
        drip = by_name.get("drip") or by_name.get("drip_headers")
        headers = by_name["limits"].headers if "limits" in by_name else None
        self._send(200, sent, headers=headers, drip=drip)

    def _note(self, status: int) -> None:
        """Record how the call ends, before the client can know it: a test may look right after."""
        if self._call is not None:
            self._call.update(status=status, at_out=time.time())

    def _misbehave(self, rule: Rule, body: dict[str, Any]) -> None:
        refusal = refusal_of(rule, body)
        if refusal is not None:
            self._send(refusal.status, refusal.body, headers=refusal.headers)
            return
        match rule.do:
            case "html":
                self._send_raw(200, b"<!doctype html><title>Welcome</title>", "text/html")
            case "not_a_completion":
                self._send(200, {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 7}})
            case "close":
                self._note(0)
                self.wfile.write(
                    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"id"'
                )
                self.close_connection = True
            case _:
                self._note(0)
                # With a linger time of zero the kernel sends RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

    def _send_error(self, status: int, message: str, *, code: str | None = None) -> None:
        self._send(status, error_body(message, code=code))

    def _send(
        self, status: int, body: Any, *, headers: Mapping[str, str] | None = None, drip: Rule | None = None
    ) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self._send_raw(status, data, "application/json", headers=headers, drip=drip)

    def _send_raw(
        self,
        status: int,
        data: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        drip: Rule | None = None,
    ) -> None:
        self._note(status)
        lines = [f"HTTP/1.1 {status} {self.responses[status][0]}", f"Content-Type: {content_type}"]
        lines += [f"Content-Length: {len(data)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if drip is None:
            # In one piece: two small writes would wait for each other's acknowledgement.
            self.wfile.write(head + data)
            return
        quick = b"" if drip.do == "drip_headers" else head
        self.wfile.write(quick)
        for byte in (head + data)[len(quick) :]:
            self.wfile.write(bytes((byte,)))
            time.sleep(drip.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server on loopback that writes study material.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on, loopback outside of containers")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--delay", type=float, default=0.0, help="duration of a good response in seconds")
    parser.add_argument("--script", default="[]", help="rules as JSON")
    arguments = parser.parse_args()
    server = OpenAIStandIn(arguments.delay, json.loads(arguments.script), arguments.port, arguments.host)
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
