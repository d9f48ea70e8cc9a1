"""Downloads of files: whole or in part, few at a time, and none that its reader draws out for ever.

A thread is held for as long as the reader takes the bytes, so each download needs a seat, and one that is far too slow
is cut. Whoever was cut asks for the rest with ``Range``.
"""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request

from backend.core.errors import DomainError
from backend.core.process.logging import get_logger
from backend.core.web.seats import Seat, Seats

log = get_logger(__name__)

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""How the OpenAPI document describes the content of a file."""

# Small enough that the time is looked at often even when each piece takes as long as the server lets it.
_PIECE_BYTES = 32 * 1024
# A download may be slow at first; after that time, it must on average have had this many bytes a second.
_PATIENCE_S = 60.0
_SLOWEST_BYTES_PER_S = 32 * 1024


class TooManyDownloads(DomainError):
    """As many downloads are under way as this process serves."""

    code = "too_many_downloads"
    status = 503
    retry_after_s = 5
    texts = {
        "en": "Too many files are being downloaded right now. Please try again shortly.",
        "de": "Gerade werden zu viele Dateien heruntergeladen. Bitte versuche es gleich noch einmal.",
        "fr": "Trop de fichiers sont en cours de téléchargement. Réessaie dans un instant.",
        "it": "In questo momento si stanno scaricando troppi file. Riprova tra poco.",
    }


class NoSuchPart(DomainError):
    """A part of a file is asked for that is beyond its end."""

    code = "no_such_part"
    status = 416
    texts = {
        "en": "The file has {size_bytes} bytes; there is no such part of it.",
        "de": "Die Datei hat {size_bytes} Bytes; einen solchen Teil gibt es nicht.",
        "fr": "Le fichier compte {size_bytes} octets\u202f; il n’y a pas de telle partie.",
        "it": "Il file ha {size_bytes} byte; una parte simile non esiste.",
    }


class DownloadTooSlow(ConnectionResetError):
    """The reader takes so little that the connection is closed, as if she had closed it herself: no fault of ours."""


@dataclass(frozen=True)
class Download:
    """A file as it is answered. ``tag`` names the content: a file of another content has another."""

    tag: str
    size_bytes: int
    content_type: str
    disposition: str

    def answer(self, open_from: Callable[[int], Iterator[bytes]]) -> Response:
        """Answer with the file, or with the part that the request asks for; ``open_from`` gives its bytes from one on.

        Raises NoSuchPart, TooManyDownloads, and what opening raises.
        """
        part = _find_part(self.tag, self.size_bytes)
        start, end = part or (0, self.size_bytes)
        seat = _SEATS.take()
        try:
            pieces = open_from(start)
        except BaseException:
            seat.leave()
            raise
        # The pieces are read after the request has ended, each in a context of its own: the proxy means nothing then.
        response = Response(_paced(seat, pieces, end - start, current_app.app_context), content_type=self.content_type)
        response.call_on_close(seat.leave)
        if part is not None:
            response.status_code = 206
            response.content_range.set(start, end, self.size_bytes)
        response.content_length = end - start
        response.set_etag(self.tag)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Disposition"] = self.disposition
        return response


_SEATS = Seats(TooManyDownloads)


def _find_part(tag: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the first byte that is asked for and the one after the last, or None for all. Raises NoSuchPart."""
    wanted, condition = request.range, request.if_range
    is_of_another = condition.date is not None or condition.etag not in (None, tag)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or is_of_another or not size_bytes:
        return None
    part = wanted.range_for_length(size_bytes)
    if part is None:
        raise NoSuchPart(size_bytes=size_bytes)
    return part


def _paced(
    seat: Seat, pieces: Iterator[bytes], length: int, open_context: Callable[[], AbstractContextManager[object]]
) -> Iterator[bytes]:
    began, sent = time.monotonic(), 0
    try:
        while sent < length:
            with open_context():
                piece = next(pieces, b"")[: length - sent]
            if not piece:
                return
            for start in range(0, len(piece), _PIECE_BYTES):
                small = piece[start : start + _PIECE_BYTES]
                yield small
                sent += len(small)
                if sent < length:
                    _refuse_crawling(sent, time.monotonic() - began)
    finally:
        # At the end, or on an error of the database, the seat is free even before the server closes the response.
        seat.leave()


def _refuse_crawling(sent_bytes: int, took_s: float) -> None:
    if took_s > _PATIENCE_S and sent_bytes < took_s * _SLOWEST_BYTES_PER_S:
        log.info("core.download.cut", sent_bytes=sent_bytes, took_s=round(took_s))
        raise DownloadTooSlow(errno.ECONNRESET, "The reader takes too little.")
