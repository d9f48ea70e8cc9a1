"""Clients that hold connections open: send nothing, half a head or an endless body, or do not read a stream."""

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence

from tests.patience import HANG_S

_HOST = b"Host: localhost\r\n"
_JSON = b"Content-Type: application/json\r\n"

SILENT = b""
HALF_A_HEAD = b"GET /api/v1/health HTTP/1.1\r\nHost: local"
# Slow requests to the health path must not hold its threads either.
PROBE_WITH_BODY = b"GET /api/v1/health HTTP/1.1\r\n" + _HOST + b"Content-Length: 900000\r\n\r\n{"
SMALL_BODY = b"POST /api/v1/auth/dev-login HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 40\r\n\r\n{"
LARGE_BODY = b"POST /api/v1/auth/dev-login HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 900000\r\n\r\n{"
CHUNKED = b"POST /api/v1/auth/dev-login HTTP/1.1\r\n" + _HOST + _JSON + b"Transfer-Encoding: chunked\r\n\r\n"
EXPECTING = LARGE_BODY.replace(b"\r\n\r\n{", b"\r\nExpect: 100-continue\r\n\r\n")

SORTS: Mapping[str, bytes] = {
    "silent": SILENT,
    "half a head": HALF_A_HEAD,
    "a probe with a body": PROBE_WITH_BODY,
    "small body": SMALL_BODY,
    "large body": LARGE_BODY,
    "chunked": CHUNKED,
    "expecting": EXPECTING,
}


def large_body_of(token: str) -> bytes:
    """Return the beginning of a request with a large body. Public routes refuse one immediately, hence the token."""
    head = b"POST /api/v1/study-sets HTTP/1.1\r\n" + _HOST + _JSON + b"Authorization: Bearer " + token.encode()
    return head + b"\r\nContent-Length: 900000\r\n\r\n{"


def stream_of(run: str, token: str) -> bytes:
    """Return the request for a run's event stream."""
    return b"GET /api/v1/runs/%b/events HTTP/1.1\r\n%bAuthorization: Bearer %b\r\n\r\n" % (
        run.encode(),
        _HOST,
        token.encode(),
    )


@contextlib.contextmanager
def connected(port: int, beginnings: Sequence[bytes]) -> Iterator[list[socket.socket]]:
    """Open one connection per beginning of a request, send that, and nothing more."""
    with contextlib.ExitStack() as opened:
        sockets = []
        for beginning in beginnings:
            sock = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=HANG_S))
            sock.sendall(beginning)
            sockets.append(sock)
        yield sockets
