"""File downloads: whole or in part (``Range``), with a limited number at a time.

A download holds a thread until the client has read it, so each one needs a slot, and one that is far too slow is
aborted. The client can then request the rest with ``Range``.
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
from backend.core.web.slots import Slot, Slots

log = get_logger(__name__)

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""How the OpenAPI document describes the content of a file."""

# Small, so that the speed is checked often even if each piece takes as long as the server allows.
_PIECE_BYTES = 32 * 1024
# A download may be slow at first. From then on, its average speed must be above the minimum.
_PATIENCE_S = 60.0
_MIN_BYTES_PER_S = 32 * 1024


class TooManyDownloads(DomainError):
    """All download slots of this process are taken."""

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
    """The requested range is beyond the end of the file."""

    code = "no_such_part"
    status = 416
    texts = {
        "en": "The requested range is outside the file ({size_bytes} bytes).",
        "de": "Der angeforderte Bereich liegt ausserhalb der Datei ({size_bytes} Bytes).",
        "fr": "La plage demandée est en dehors du fichier ({size_bytes} octets).",
        "it": "L’intervallo richiesto è fuori dal file ({size_bytes} byte).",
    }


class DownloadTooSlow(ConnectionResetError):
    """The client reads too slowly. A connection reset, so that the server treats it as the client's own abort."""


@dataclass(frozen=True)
class FileDownload:
    """A file to send. ``tag`` is its strong entity tag: it changes with the content."""

    tag: str
    size_bytes: int
    content_type: str
    disposition: str

    def answer(self, open_from: Callable[[int], Iterator[bytes]]) -> Response:
        """Return the response with the file, or with the requested part.

        ``open_from`` yields the file's bytes from an offset on. Raises NoSuchPart, TooManyDownloads, and whatever
        ``open_from`` raises.
        """
        part = _find_part(self.tag, self.size_bytes)
        start, end = part or (0, self.size_bytes)
        slot = _SLOTS.acquire()
        try:
            pieces = open_from(start)
        except BaseException:
            slot.release()
            raise
        # The pieces are read after the request has ended, each in its own app context, where the proxy is unbound.
        response = Response(_paced(slot, pieces, end - start, current_app.app_context), content_type=self.content_type)
        response.call_on_close(slot.release)
        if part is not None:
            response.status_code = 206
            response.content_range.set(start, end, self.size_bytes)
        response.content_length = end - start
        response.set_etag(self.tag)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Disposition"] = self.disposition
        return response


_SLOTS = Slots(TooManyDownloads)


def _find_part(tag: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the requested range (end exclusive), or None for the whole file. Raises NoSuchPart."""
    wanted, condition = request.range, request.if_range
    is_of_another = condition.date is not None or condition.etag not in (None, tag)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or is_of_another or not size_bytes:
        return None
    part = wanted.range_for_length(size_bytes)
    if part is None:
        raise NoSuchPart(size_bytes=size_bytes)
    return part


def _paced(
    slot: Slot, pieces: Iterator[bytes], length: int, open_context: Callable[[], AbstractContextManager[object]]
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
        # At the end, or on a database error, the slot is free even before the server closes the response.
        slot.release()


def _refuse_crawling(sent_bytes: int, took_s: float) -> None:
    if took_s > _PATIENCE_S and sent_bytes < took_s * _MIN_BYTES_PER_S:
        log.info("core.download.cut", sent_bytes=sent_bytes, took_s=round(took_s))
        raise DownloadTooSlow(errno.ECONNRESET, "The client reads too slowly.")
