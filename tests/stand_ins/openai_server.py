"""A stand-in for OpenAI: a real HTTP server on loopback that answers chat completions, well or badly.

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

from tests.patience import patient_s
from tests.stand_ins.openai_contract import problems_of_request
from tests.stand_ins.openai_material import SPOILERS, Prompt, read_prompt, spoil, write_material
from tests.stand_ins.openai_script import ANSWERS, Rule, Script

MODEL = "stand-in"
_CHARS_PER_TOKEN = 4


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
        messages = body.get("messages") if isinstance(body, dict) else None
        user = messages[-1].get("content", "") if messages else ""
        system = messages[0].get("content", "") if messages else ""
        prompt = read_prompt(user)
        with self._lock:
            rules = self._script.rules_for(body, user) if isinstance(body, dict) else []
            tokens = (len(system) + len(user)) // _CHARS_PER_TOKEN
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
                "cached_tokens": len(system) // _CHARS_PER_TOKEN if system in self._systems else 0,
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
        if self.path == "/__script":
            try:
                self.server.stand_in.set_script(body)
            except (TypeError, ValueError) as error:
                self._send_error(400, str(error))
            else:
                self._send(200, {})
        elif self.path == "/v1/chat/completions":
            self._complete(body)
        else:
            self._send_error(404, f"Invalid URL (POST {self.path})")

    def _complete(self, body: Any) -> None:
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
            wanted = body.get("response_format") if isinstance(body, dict) else None
            lenient = isinstance(wanted, dict) and "schema" in wanted
            problems = problems_of_request({**body, "response_format": {"type": "json_object"}} if lenient else body)
            if problems:
                self._send_error(400, "; ".join(problems))
                return
            self._answer(call, body, prompt, rules)
        finally:
            self._call = None

    def _answer(self, call: dict[str, Any], body: dict[str, Any], prompt: Prompt, rules: list[Rule]) -> None:
        by_name = {rule.do: rule for rule in rules}
        material = write_material(prompt)
        for rule in rules:
            if rule.do in SPOILERS:
                spoil(material, rule.do, rule.items)
        content: str | None = json.dumps(material, ensure_ascii=False)
        message: dict[str, Any] = {"role": "assistant", "refusal": None}
        finish = "stop"
        if "cut" in by_name or "cut_silently" in by_name:
            rule = by_name.get("cut") or by_name["cut_silently"]
            content = content[: int(len(content) * rule.at)] if content else content
            finish = "length" if rule.do == "cut" else "stop"
        if "invalid_json" in by_name:
            content = "I am sorry, here are no braces."
        if "fenced" in by_name:
            content = f"Here is the material:\n```json\n{content}\n```\n"
        if "content_filter" in by_name:
            content, finish = "", "content_filter"
        if "refusal" in by_name:
            content, message["refusal"] = None, "I'm sorry, I can't help with that."
        output_tokens = len(content or message["refusal"] or "") // _CHARS_PER_TOKEN
        call["completion_tokens"] = output_tokens
        completion = {
            "id": f"chatcmpl-{call['number']}",
            "object": "chat.completion",
            "created": int(call["at_in"]),
            "model": body["model"],
            "choices": [
                {"index": 0, "message": {**message, "content": content}, "finish_reason": finish, "logprobs": None}
            ],
        }
        if "no_usage" not in by_name:
            completion["usage"] = {
                "prompt_tokens": call["prompt_tokens"],
                "completion_tokens": output_tokens,
                "total_tokens": call["prompt_tokens"] + output_tokens,
                "prompt_tokens_details": {"cached_tokens": call["cached_tokens"]},
            }
        if "hold" in by_name:
            self.server.stand_in.wait_for_release(by_name["hold"].seconds)
        wait = self.server.stand_in.delay_s + (by_name["sleep"].seconds if "sleep" in by_name else 0.0)
        # What waits for it has more patience on a busy machine too.
        wait = patient_s(wait)
        time.sleep(max(0.0, call["at_in"] + wait - time.time()))
        drip = by_name.get("drip") or by_name.get("drip_headers")
        self._send(200, completion, drip=drip)

    def _note(self, status: int) -> None:
        """Record how the call ends, before the client can know it: a test may look right after."""
        if self._call is not None:
            self._call.update(status=status, at_out=time.time())

    def _misbehave(self, rule: Rule, body: dict[str, Any]) -> None:
        bad = "invalid_request_error"
        match rule.do:
            case "rate_limit":
                headers = {"Retry-After": rule.retry_after} if rule.retry_after else {}
                headers |= {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "1m30s"}
                self._send_error(429, rule.message, kind="requests", code="rate_limit_exceeded", headers=headers)
            case "quota_exhausted":
                text = "You exceeded your current quota, please check your plan and billing details."
                self._send_error(429, text, kind="insufficient_quota", code="insufficient_quota")
            case "payment_required":
                self._send_error(402, "Insufficient Balance")
            case "server_error" | "fail_json_schema":
                self._send_error(rule.status, rule.message, kind="server_error")
            case "bad_request":
                self._send_error(400, rule.message, kind=bad, param=rule.param, code=rule.code)
            case "unauthorized":
                text = "Incorrect API key provided: sk-secr***ret."
                self._send_error(401, text, kind=bad, code="invalid_api_key")
            case "forbidden":
                self._send_error(403, "Project does not have access to this model.")
            case "unknown_model":
                text = f"The model `{body.get('model')}` does not exist or you do not have access to it."
                self._send_error(404, text, kind=bad, code="model_not_found")
            case "context_too_long":
                text = "This model's maximum context length is 8192 tokens. However, your messages are longer."
                self._send_error(400, text, kind=bad, param="messages", code="context_length_exceeded")
            case "refuse_json_schema" | "refuse_json_object" | "refuse_schema_dialect":
                text = "Invalid parameter: 'response_format' of this type is not supported with this model."
                self._send_error(400, text, kind=bad, param="response_format")
            case "refuse_parameter":
                text = f"Unsupported parameter: '{rule.param}' is not supported with this model."
                self._send_error(400, text, kind=bad, param=rule.param, code="unsupported_parameter")
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

    def _send_error(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        error = {"message": message, "type": kind, "param": param, "code": code}
        self._send(status, {"error": error}, headers=headers)

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
