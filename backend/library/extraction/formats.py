"""Tells a file's format, cheaply enough for an upload: extension and content must agree."""

import codecs
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_archive import kind_of_archive
from backend.library.extraction.plain.wide_encodings import find_wide_encoding


class DocumentFormat(StrEnum):
    """The formats that can be read."""

    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    TXT = "txt"
    MD = "md"
    HTML = "html"
    ODT = "odt"
    ODP = "odp"
    EPUB = "epub"
    IPYNB = "ipynb"
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    PHOTOS = "photos"
    """Photographs that an upload combined, in an archive of ours."""

    @property
    def media_type(self) -> str:
        """The IANA media type, for ``Content-Type`` of a download."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    DocumentFormat.PDF: "application/pdf",
    DocumentFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    DocumentFormat.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    DocumentFormat.TXT: "text/plain",
    DocumentFormat.MD: "text/markdown",
    DocumentFormat.HTML: "text/html",
    DocumentFormat.ODT: "application/vnd.oasis.opendocument.text",
    DocumentFormat.ODP: "application/vnd.oasis.opendocument.presentation",
    DocumentFormat.EPUB: "application/epub+zip",
    # Not application/x-ipynb+json: clients made from the OpenAPI document would parse the file instead of saving it.
    DocumentFormat.IPYNB: "application/octet-stream",
    DocumentFormat.JPEG: "image/jpeg",
    DocumentFormat.PNG: "image/png",
    DocumentFormat.WEBP: "image/webp",
    DocumentFormat.HEIC: "image/heic",
    DocumentFormat.PHOTOS: "application/zip",
}

FORMAT_BY_EXTENSION: Final = {
    ".pdf": DocumentFormat.PDF,
    ".docx": DocumentFormat.DOCX,
    ".pptx": DocumentFormat.PPTX,
    ".txt": DocumentFormat.TXT,
    ".text": DocumentFormat.TXT,
    ".md": DocumentFormat.MD,
    ".markdown": DocumentFormat.MD,
    ".html": DocumentFormat.HTML,
    ".htm": DocumentFormat.HTML,
    ".xhtml": DocumentFormat.HTML,
    ".odt": DocumentFormat.ODT,
    ".odp": DocumentFormat.ODP,
    ".epub": DocumentFormat.EPUB,
    ".ipynb": DocumentFormat.IPYNB,
    ".jpg": DocumentFormat.JPEG,
    ".jpeg": DocumentFormat.JPEG,
    ".png": DocumentFormat.PNG,
    ".webp": DocumentFormat.WEBP,
    ".heic": DocumentFormat.HEIC,
    ".heif": DocumentFormat.HEIC,
}

PHOTOGRAPHS: Final = frozenset({DocumentFormat.JPEG, DocumentFormat.PNG, DocumentFormat.WEBP, DocumentFormat.HEIC})
"""Formats of one picture each."""

_ARCHIVES: Final = frozenset(
    {DocumentFormat.DOCX, DocumentFormat.PPTX, DocumentFormat.ODT, DocumentFormat.ODP, DocumentFormat.EPUB}
)
# Word and PowerPoint until 2003, and RTF.
_LEGACY_EXTENSIONS: Final = frozenset({".doc", ".dot", ".ppt", ".pps", ".pot", ".rtf"})
_PICTURE_MAGIC: Final = (
    (re.compile(rb"\xff\xd8\xff"), DocumentFormat.JPEG),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), DocumentFormat.PNG),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), DocumentFormat.WEBP),
    (re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL), DocumentFormat.HEIC),
)
_PIECE_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16
_OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_RTF_MAGIC = b"{\\rtf"
_FOREIGN_MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00"))
_TAG = re.compile(rb"<[a-zA-Z!?/]")
_WEB_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def detect_kind(filename: str, path: Path) -> DocumentFormat:
    """Return the format of the file at ``path`` that the user calls ``filename``.

    Looks at the extension, magic bytes and, for Office files, the archive's directory and its list of parts. Which
    picture it is, only the content says: phones and messengers convert pictures and keep the extension.
    Raises UnreadableFile with ``unsupported`` (extension), ``legacy_office`` (Office until 2003, RTF), ``empty``
    (0 bytes), ``mislabelled`` (content is not what the extension says), ``encrypted`` (Office file with a password),
    ``too_large`` (archive bomb) or ``damaged`` (cut off).
    """
    extension = Path(filename).suffix.lower()
    file_format = FORMAT_BY_EXTENSION.get(extension)
    if file_format is None and extension not in _LEGACY_EXTENSIONS:
        raise UnreadableFile("unsupported")
    if path.stat().st_size == 0:
        raise UnreadableFile("empty")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    # Whatever its extension: programs write the old formats under the names of the new ones.
    if head.startswith(_OLE_MAGIC):
        raise UnreadableFile("encrypted" if _is_encrypted_package(path) else "legacy_office")
    if file_format is None or head.startswith(_RTF_MAGIC):
        raise UnreadableFile("legacy_office")
    if file_format is DocumentFormat.PDF:
        _check_pdf(head, path)
    elif file_format in _ARCHIVES:
        if not head.startswith(b"PK\x03\x04"):
            raise UnreadableFile("mislabelled")
        if kind_of_archive(path) != file_format:
            raise UnreadableFile("mislabelled")
    elif file_format in PHOTOGRAPHS:
        return _kind_of_picture(head)
    else:
        _check_text(file_format, head, path)
    return file_format


def _kind_of_picture(head: bytes) -> DocumentFormat:
    for magic, file_format in _PICTURE_MAGIC:
        if magic.match(head):
            return file_format
    raise UnreadableFile("mislabelled")


def _check_pdf(head: bytes, path: Path) -> None:
    # Readers accept a header within the first 1,024 bytes (ISO 32000-1, annex H, note 13).
    if b"%PDF-" not in head[:1024]:
        raise UnreadableFile("mislabelled")
    # Parsers silently repair a truncated file by returning fewer pages, so look for the end of the file. Real
    # files may have a little rubbish after it.
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _HEAD_BYTES))
        if b"startxref" not in file.read():
            raise UnreadableFile("damaged")


def _is_encrypted_package(path: Path) -> bool:
    """Tell an encrypted Office file (MS-OFFCRYPTO: a stream ``EncryptedPackage``) from an old .doc or .ppt."""
    with path.open("rb") as file:
        header = file.read(52)
        if len(header) < 52:
            return False
        sector_bytes = 1 << min(int.from_bytes(header[30:32], "little"), 12)
        file.seek((int.from_bytes(header[48:52], "little") + 1) * sector_bytes)
        return "EncryptedPackage".encode("utf-16-le") in file.read(8 * sector_bytes)


def _check_text(file_format: DocumentFormat, head: bytes, path: Path) -> None:
    """Only UTF-16 and UTF-32 can fail to decode: other bytes without NUL are in some encoding."""
    if head.startswith(_FOREIGN_MAGIC):
        raise UnreadableFile("mislabelled")
    wide = find_wide_encoding(head)
    controls, printable = 0, False
    for piece in _decoded_pieces(path, wide) if wide else _pieces(path):
        if b"\0" in piece:
            raise UnreadableFile("mislabelled")
        printable = printable or bool(piece.strip())
        controls += len(piece) - len(piece.translate(None, _CONTROL_BYTES))
    if not printable:
        raise UnreadableFile("no_text")
    # A binary file without NUL bytes still has many control characters.
    if controls * 100 > path.stat().st_size:
        raise UnreadableFile("mislabelled")
    sample = head.decode(wide, "ignore").encode() if wide else head.removeprefix(codecs.BOM_UTF8)
    if file_format is DocumentFormat.HTML:
        if not _TAG.search(sample):
            raise UnreadableFile("mislabelled")
    elif file_format is DocumentFormat.IPYNB:
        if not sample.lstrip().startswith(b"{"):
            raise UnreadableFile("mislabelled")
    elif _WEB_PAGE.match(sample):
        raise UnreadableFile("mislabelled")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _decoded_pieces(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield the text at ``path`` as UTF-8. Raises UnreadableFile("damaged") if it is not in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(path):
            yield decoder.decode(piece).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise UnreadableFile("damaged") from None
