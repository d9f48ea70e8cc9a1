"""A small HTTP client for the API. Standard library only, as an external program might use."""

import http.client
import json
import mimetypes
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_TIMEOUT_S = 120.0
_PIECE_BYTES = 256 * 1024

Json = dict[str, Any]


class ApiProblem(Exception):
    """An error response of the API, with its ``detail``. ``status`` is 0 if the API did not answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class ApiClient:
    """Requests to ``http://host:port/api/v1``. Raises ApiProblem for each response of 400 or above.

    ``token`` is the access token of a signed-in user.
    """

    def __init__(self, api_url: str, token: str = "") -> None:
        parts = urlsplit(api_url)
        self.url = api_url
        self.token = token
        self._host, self._port, self._prefix = parts.hostname or "", parts.port or 80, parts.path

    def sign_in(self, email: str) -> None:
        """Sign in with dev-login."""
        self.token = self.post("/auth/dev-login", {"email": email})["access_token"]

    def get(self, path: str, **query: str) -> Any:
        return json.loads(self.download(path, **query))

    def post(self, path: str, body: Json) -> Any:
        data = json.dumps(body).encode()
        return json.loads(self._send("POST", path, {"Content-Type": "application/json"}, data))

    def download(self, path: str, *, accept: str = "*/*", **query: str) -> bytes:
        """Return the response's bytes."""
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path, {"Accept": accept}, b"")

    def items(self, path: str) -> list[Json]:
        """Return all items of a paginated list."""
        found: list[Json] = []
        query = {"limit": "100"}
        while True:
            page = self.get(path, **query)
            found += page["items"]
            if not page["next_cursor"]:
                return found
            query["cursor"] = page["next_cursor"]

    def upload(self, path: str, file: Path) -> Any:
        """Stream a file in the multipart field ``files``. Returns JSON."""
        boundary = secrets.token_hex(16)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        # Characters that would end the header early are percent-encoded, as in browsers (RFC 7578, section 4.2).
        name = file.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = len(head) + file.stat().st_size + len(tail)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(size)}

        def pieces() -> Iterator[bytes]:
            yield head
            with file.open("rb") as opened:
                while piece := opened.read(_PIECE_BYTES):
                    yield piece
            yield tail

        return json.loads(self._send("POST", path, headers, pieces()))

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | Iterator[bytes]) -> bytes:
        if self.token:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.connect()
            # Otherwise the small writes of head and body would wait for each other's acknowledgement.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                connection.request(method, self._prefix + path, body=body or None, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                # The API refuses a too large body before all of it is sent. The response is there to read.
                connection.sock.shutdown(socket.SHUT_WR)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ApiProblem(0, f"The API did not answer: {error}") from None
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ApiProblem(answer.status, _detail(answer.status, data))
        return data


def _detail(status: int, data: bytes) -> str:
    try:
        problem = json.loads(data)
        detail = str(problem["detail"])
        fields = [(each["field"], text) for each in problem.get("errors") or [] for text in each["messages"]]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status} {http.client.responses.get(status, '')}".strip()
    return " ".join([detail, *(f"{field}: {text}" for field, text in fields if text != detail)])
