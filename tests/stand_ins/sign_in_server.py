"""The common part of the stand-ins for sign-in providers: a loopback server, its page, and ways to fail."""

import base64
import hashlib
import secrets
import threading
import time
from html import escape
from typing import Any, Self
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request
from werkzeug.serving import WSGIRequestHandler, make_server

_HUGE_CHARS = 20_000_000
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><form method="post">{buttons}
<button name="user" value="">Cancel</button></form></body></html>"""


class _Quiet(WSGIRequestHandler):
    """Logs no requests, because their URLs contain secrets that our logs must never contain."""

    def log_request(self, *_: object) -> None:
        """Write nothing."""


class SignInServer:
    """Listens on a free port, at ``url``.

    ``asked`` lists the requests so far, as ``GET /path``; ``given`` has the tokens that it issued and the verifiers
    that it received. ``failing`` maps a path to how it fails: a status, ``slow`` (no response before ``be_well``),
    ``trickle`` (a byte now and then), ``garbage``, ``nested`` (JSON of great depth), ``huge``, ``list``, ``redirect``,
    or ``once`` (500, then no more).
    """

    title = "Provider"
    host = "127.0.0.1"
    authorize_path = "/authorize"

    def __init__(self) -> None:
        self.client_id, self.client_secret = "client-of-tests", "secret-of-tests-0123456789"
        self.app = Flask(type(self).__name__, static_folder=None)
        self.app.before_request(self._fail)
        self.app.get(self.authorize_path)(self.show_page)
        self.app.post(self.authorize_path)(self.lead_back)
        self._server = make_server(self.host, 0, self.app, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True
        self._ends, self._well = threading.Event(), threading.Event()
        self.url = f"http://{self.host}:{self._server.port}"
        self.reset()

    def reset(self) -> None:
        """Forget all requests and stop failing."""
        self.asked: list[str] = []
        self.be_well()
        self.authorize_args: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.given: set[str] = set()
        self.users: dict[str, dict[str, Any]] = {}
        self.answer_issuer: str | None = None

    def be_well(self) -> None:
        """Stop failing, and respond to requests that are still waiting."""
        self.failing: dict[str, str | int] = {}
        self._well.set()
        self._well = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, even if requests are still waiting."""
        self._ends.set()
        self._well.set()
        self._server.shutdown()
        self._server.server_close()

    def times_asked(self, path: str) -> int:
        """Return the number of requests for the path."""
        return sum(line.split()[1] == path for line in self.asked)

    def show_page(self) -> str:
        """Return the sign-in page: a button for each user, and one to cancel."""
        self.authorize_args = request.args.to_dict()
        buttons = "".join(f'<button name="user" value="{escape(user)}">{escape(user)}</button>' for user in self.users)
        return _PAGE.format(title=self.title, buttons=buttons)

    def lead_back(self) -> Any:
        """Handle the page's form: redirect to the client with a code, or with an error if the user cancelled."""
        arguments = request.args
        answer = {"state": arguments.get("state", "")}
        if self.answer_issuer is not None:
            answer["iss"] = self.answer_issuer
        if user := request.form.get("user"):
            answer["code"] = secrets.token_urlsafe(24)
            self.codes[answer["code"]] = {**arguments.to_dict(), "user": user}
        else:
            answer["error"] = "access_denied"
        return redirect(f"{arguments['redirect_uri']}?{urlencode(answer)}")

    def redeem_code(self) -> dict[str, str] | None:
        """Return the sign-in request of a token request's code; None if the code or the verifier is wrong."""
        asked = self.codes.pop(request.form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != request.form.get("redirect_uri"):
            return None
        self.given.add(request.form.get("code_verifier", ""))
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = asked.get("code_challenge_method") == "S256" and asked.get("code_challenge") == challenge
        return asked if is_right else None

    def _fail(self) -> Any:
        self.asked.append(f"{request.method} {request.path}")
        match self.failing.get(request.path):
            case int() as status:
                return Response("No.", status)
            case "once":
                del self.failing[request.path]
                return Response("Not now.", 500)
            case "slow":
                self._well.wait()
            case "trickle":
                return Response(self._trickle(), content_type="application/json")
            case "garbage":
                return Response("<html>", content_type="application/json")
            case "nested":
                return Response("[" * 200_000, content_type="application/json")
            case "list":
                return Response("[1]", content_type="application/json")
            case "huge":
                return Response('{"a": "' + "x" * _HUGE_CHARS + '"}', content_type="application/json")
            case "redirect":
                return redirect(f"{self.url}/elsewhere", 307)
        return None

    def _trickle(self) -> Any:
        yield "{"
        while not self._ends.is_set():
            yield " "
            time.sleep(0.05)
