"""Documents inserted by ``w:altChunk``: HTML, web archives, plain text and Word."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_text import remove_marks
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.pagination import Block
from backend.library.extraction.word.names import R

_HTML = ("text/html", "application/xhtml+xml")
_ENDINGS = {".htm": "text/html", ".html": "text/html", ".xhtml": "text/html", ".txt": "text/plain"}
_MIME = {".mht": "message/rfc822", ".mhtml": "message/rfc822", ".eml": "message/rfc822"}


def inserted_blocks(
    chunk: Any,
    package: OfficePackage,
    part: str,
    writer: PageWriter,
    read_word: Callable[[OfficePackage], Iterator[Block]],
) -> Iterator[Block]:
    """Yield the blocks of the document that ``chunk`` inserts; ``read_word`` reads one of Word's.

    One of another kind, or that the file does not have, is warned of as lost.
    """
    relation = package.relations(part).get(chunk.get(f"{R}id", ""))
    if relation is None or relation.part is None:
        writer.warn("objects_lost")
        return
    content = package.read(relation.part)
    kind = _kind(package.content_type(relation.part), relation.part)
    if kind == "message/rfc822":
        kind, content = _from_web_archive(content)
    if kind in _HTML:
        blocks = _of_web_page(content, writer)
    elif kind.startswith("text/plain"):
        blocks = _of_text(content, writer)
    elif content.startswith(b"PK\x03\x04"):
        blocks = read_word(OfficePackage(BytesIO(content)))
    else:
        writer.warn("objects_lost")
        return
    writer.warn("inserted_documents_read")
    yield from blocks


def _kind(media_type: str, part: str) -> str:
    ending = "." + part.rpartition(".")[2]
    if media_type in ("", "application/xml", "application/octet-stream"):
        return {**_ENDINGS, **_MIME}.get(ending, media_type)
    return media_type


def _of_web_page(content: bytes, writer: PageWriter) -> Iterator[Block]:
    from backend.library.extraction.web.pages import blocks_of_html, decode_page

    return blocks_of_html(decode_page(content, writer), writer)


def _of_text(content: bytes, writer: PageWriter) -> Iterator[Block]:
    from backend.library.extraction.plain.encoding import decode_text

    paragraphs = decode_text(content, writer).replace("\r\n", "\n").split("\n\n")
    return (Block(remove_marks(text)) for text in paragraphs)


def _from_web_archive(content: bytes) -> tuple[str, bytes]:
    """Return the kind and the content of the page in a web archive (MHTML)."""
    from email import message_from_bytes, policy

    message = message_from_bytes(content, policy=policy.default)
    for part in message.walk():
        if part.get_content_type() in _HTML:
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                charset = part.get_content_charset() or "utf-8"
                try:
                    return "text/html", payload.decode(charset, "replace").encode()
                except LookupError:
                    return "text/html", payload
    return "", b""
