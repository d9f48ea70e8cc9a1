"""A stand-in for Stripe: a real HTTP server on loopback with the state of one account.

As a process it prints its base URL and runs until it is stopped:

    python -m tests.stand_ins.stripe_server --port 0

In a test:

    with StripeStandIn() as stripe:
        events = stripe.account.pay(checkout_id, "twint")
        request = sign(events[0], "whsec_test")

Other processes control it over HTTP. ``POST /__account/<verb>`` with a JSON object of arguments calls a verb of the
account, such as ``pay``, and returns its events. ``POST /__sign`` with ``event`` (an id), ``secrets`` and ``version``
returns a signed webhook. ``POST /__faults`` with a list replaces the faults. ``GET /__requests`` lists the requests.
"""

import argparse
import json
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import stripe

from tests.patience import HANG_S, pause
from tests.stand_ins.stripe_account import StripeAccount
from tests.stand_ins.stripe_api import Request, Response, StripeApi, show_event
from tests.stand_ins.stripe_shapes import ENDIVE

Json = dict[str, Any]
_VERBS = frozenset(
    {"pay", "pay_later", "confirm_payment", "fail_payment", "expire", "refund", "finish_refund", "dispute", "escalate"}
    | {"review", "win", "lose", "close", "say"}
)
_FAULTS = frozenset({"slow", "hold", "hold_response", "server_error", "rate_limit", "cut", "lose_response"})


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose method and path match.

    ``slow`` (by ``seconds``) and ``hold`` (until ``release``) delay; ``hold_response`` does so after the execution, so
    that the response is outdated when it arrives; ``server_error`` and ``rate_limit`` refuse;
    ``cut`` drops the connection before the request is executed, and ``lose_response`` after it.
    """

    do: str
    times: int = 1
    method: str = ""
    path: str = ""
    seconds: float = 0.0
    retry_after: str | None = None

    def __post_init__(self) -> None:
        if self.do not in _FAULTS:
            raise ValueError(f"unknown fault: {self.do}")


@dataclass(frozen=True)
class Webhook:
    """A signed request as Stripe sends it."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def signature(self) -> str:
        return self.headers["Stripe-Signature"]


def sign(event: Json, *secrets: str, version: str = ENDIVE, at: int | None = None) -> Webhook:
    """Sign an event with each of the secrets, as Stripe does while a secret is rolled.

    ``version`` is the API version of the endpoint, ``at`` the time of the signature, now by default.
    """
    body = json.dumps(show_event(event, version), indent=2, ensure_ascii=False)
    at = int(time.time()) if at is None else at
    made = [stripe.WebhookSignature.generate_signature_header(body, secret, at) for secret in secrets]
    # Each header has the same time and its own signature.
    signature = ",".join([f"t={at}", *(header.split(",", 1)[1] for header in made)])
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    return Webhook(body.encode(), headers)


class StripeStandIn:
    """The server, in this process: it listens from construction on and responds between enter and exit."""

    def __init__(self, port: int = 0) -> None:
        self.account = StripeAccount()
        self.api = StripeApi(self.account)
        self._faults: list[Fault] = []
        self._requests: list[Json] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)

    @property
    def url(self) -> str:
        """The base address for clients."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Json]:
        """The requests so far: method, path, form, version, idempotency_key, and status once it is known."""
        with self._lock:
            return [dict(each) for each in self._requests]

    def set_faults(self, *faults: Fault) -> None:
        """Replace the faults. Requests that an earlier one holds go on."""
        with self._lock:
            self._faults = list(faults)
            self._released.set()
            self._released = threading.Event()

    def release(self) -> None:
        """Let the requests go on that a ``hold`` fault delays."""
        self._released.set()

    def serve_forever(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def note(self, request: Request, client_port: int) -> tuple[Json, Fault | None]:
        """Record a request; return the record, and the fault that it meets."""
        record: Json = {**asdict(request), "client_port": client_port}
        del record["api_key"]
        with self._lock:
            self._requests.append(record)
            for fault in self._faults:
                if fault.times > 0 and fault.method in ("", request.method) and fault.path in request.path:
                    fault.times -= 1
                    return record, fault
        return record, None

    def delay(self, fault: Fault | None) -> None:
        if fault is not None and fault.do == "slow":
            pause(fault.seconds, "Stripe is slow")
        if fault is not None and fault.do == "hold":
            self._released.wait(HANG_S)

    def delay_response(self, fault: Fault | None) -> None:
        if fault is not None and fault.do == "hold_response":
            self._released.wait(HANG_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], stand_in: StripeStandIn) -> None:
        super().__init__(address, _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that disconnect: the tests make them do so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        if self.path == "/__requests":
            self._send(Response(200, {"requests": self.server.stand_in.requests}))
        else:
            self._answer("GET", urlsplit(self.path).query)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path.startswith("/__"):
            self._control(json.loads(raw or "{}"))
        else:
            self._answer("POST", raw)

    def do_DELETE(self) -> None:
        self._answer("DELETE", urlsplit(self.path).query)

    def _answer(self, method: str, form: str) -> None:
        stand_in = self.server.stand_in
        request = Request(
            method=method,
            path=urlsplit(self.path).path,
            form=form,
            api_key=(self.headers.get("Authorization") or "").removeprefix("Bearer "),
            version=self.headers.get("Stripe-Version") or ENDIVE,
            idempotency_key=self.headers.get("Idempotency-Key"),
        )
        record, fault = stand_in.note(request, self.client_address[1])
        if fault is not None and fault.do == "cut":
            record["status"] = 0
            self._cut()
            return
        response = self._fail(fault) or stand_in.api.respond(request, lambda: stand_in.delay(fault))
        record["status"] = response.status
        stand_in.delay_response(fault)
        if fault is not None and fault.do == "lose_response":
            record["status"] = 0
            self._cut()
            return
        self._send(response)

    def _fail(self, fault: Fault | None) -> Response | None:
        headers = {"Request-Id": "req_failed"}
        match fault:
            case Fault(do="server_error"):
                error = {"message": "An unknown error occurred", "type": "api_error"}
                return Response(500, {"error": error}, headers)
            case Fault(do="rate_limit"):
                error = {
                    "message": "Request rate limit exceeded",
                    "type": "invalid_request_error",
                    "code": "rate_limit",
                }
                if fault.retry_after is not None:
                    headers["Retry-After"] = fault.retry_after
                return Response(429, {"error": error}, headers)
        return None

    def _control(self, body: Any) -> None:
        stand_in = self.server.stand_in
        room, _, verb = self.path.removeprefix("/__").partition("/")
        try:
            match room:
                case "account" if verb in _VERBS:
                    self._send(Response(200, {"events": getattr(stand_in.account, verb)(**body)}))
                case "sign":
                    made = sign(stand_in.account.get(body["event"]), *body["secrets"], version=body["version"])
                    self._send(Response(200, {"body": made.body.decode(), "headers": made.headers}))
                case "faults":
                    stand_in.set_faults(*(Fault(**each) for each in body))
                    self._send(Response(200, {}))
                case _:
                    self._send(Response(404, {}))
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            self._send(Response(400, {"error": {"message": repr(error)}}))

    def _send(self, response: Response) -> None:
        content = json.dumps(response.body).encode()
        self.send_response(response.status)
        for name, value in {**response.headers, "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _cut(self) -> None:
        # With a linger time of zero the kernel sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Stripe.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    stand_in = StripeStandIn(parser.parse_args().port)
    sys.stdout.write(stand_in.url + "\n")
    sys.stdout.flush()
    try:
        stand_in.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
