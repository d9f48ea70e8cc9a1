"""Tells what an archive is (Word, PowerPoint, OpenDocument, EPUB) and that its texts are safe to unpack."""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from backend.library.extraction.errors import UnreadableFile

MAX_ENTRIES: Final = 20_000
MAX_UNPACKED_BYTES: Final = 50_000_000
MAX_RATIO: Final = 100
BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)
"""What ``zipfile`` raises for an archive that it cannot read."""

# A smaller entry does no harm, and small repetitive XML does reach high ratios.
_SMALL_ENTRY_BYTES = 1_000_000
# What readers take apart. Pictures are opened one by one within bounds of their own, workbooks of charts never.
_TEXTS = frozenset({".xml", ".rels", ".htm", ".html", ".xhtml", ".txt", ".ncx", ".opf"})
_ENCRYPTED_FLAG = 0x1

_MAX_DIRECTORY_BYTES = 4_000_000
_KIND_BY_MEDIA_TYPE = {
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.text-template": "odt",
    "application/vnd.oasis.opendocument.text-web": "odt",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.presentation-template": "odp",
    "application/epub+zip": "epub",
}
_KIND_BY_FOLDER = {"word": "docx", "ppt": "pptx"}
_KIND_BY_WORD = {"wordprocessingml": "docx", "ms-word": "docx", "presentationml": "pptx", "ms-powerpoint": "pptx"}
_MAIN_PART = re.compile(
    r"application/vnd\.(?:openxmlformats-officedocument\.)?([\w-]+)[\w.-]*?\.main\+xml", re.IGNORECASE
)
_OFFICE_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^>]*/relationships/officeDocument[\"'][^>]*>")
_TARGET = re.compile(r"\bTarget\s*=\s*[\"']([^\"']*)")


def kind_of_archive(path: Path) -> str:
    """Return ``docx``, ``pptx``, ``odt``, ``odp`` or ``epub`` for a harmless archive, else an empty string.

    Only the directory, the list of content types and the first relations are read. Raises UnreadableFile:
    ``too_large`` (more than 20,000 entries, or texts of more than 50 MB or a ratio over 100), ``encrypted`` (an entry
    has a password) or ``damaged`` (an incomplete archive, or an entry with a path outside it). The sizes in the
    directory can be trusted: Python's ``zipfile`` never reads more of an entry than its directory entry says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            check_entries(entries)
            return _kind(archive, {part_name(entry): entry for entry in entries})
    except BROKEN_ARCHIVE:
        raise UnreadableFile("damaged") from None


def check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Raise UnreadableFile as ``kind_of_archive`` does."""
    if len(entries) > MAX_ENTRIES:
        raise UnreadableFile("too_large")
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise UnreadableFile("damaged")
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise UnreadableFile("encrypted")
    texts = [entry for entry in entries if PurePosixPath(entry.filename).suffix.lower() in _TEXTS]
    for entry in texts:
        check_ratio(entry)
    if sum(entry.file_size for entry in texts) > MAX_UNPACKED_BYTES:
        raise UnreadableFile("too_large")


def check_ratio(entry: zipfile.ZipInfo) -> None:
    """Raise UnreadableFile("too_large") for an entry that grows beyond what real texts do."""
    if entry.file_size > _SMALL_ENTRY_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        raise UnreadableFile("too_large")


def part_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry as a part: with slashes, as some programs write backslashes, in lower case."""
    return entry.filename.replace("\\", "/").lstrip("/").lower()


def _kind(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> str:
    if "mimetype" in parts:
        return _KIND_BY_MEDIA_TYPE.get(_text_of(archive, parts, "mimetype").strip(), "")
    if "meta-inf/container.xml" in parts:
        return "epub"
    for found in _MAIN_PART.finditer(_text_of(archive, parts, "[content_types].xml")):
        if found.group(1).lower() in _KIND_BY_WORD:
            return _KIND_BY_WORD[found.group(1).lower()]
    relation = _OFFICE_RELATION.search(_text_of(archive, parts, "_rels/.rels"))
    target = _TARGET.search(relation.group()) if relation else None
    folders = [target.group(1).strip("/").split("/")[0]] if target else []
    # A file without a list of its parts: the folder tells.
    folders += [name.split("/")[0] for name in parts if name.endswith(".xml")]
    return next((_KIND_BY_FOLDER[folder] for folder in folders if folder in _KIND_BY_FOLDER), "")


def _text_of(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], name: str) -> str:
    entry = parts.get(name)
    if entry is None or entry.file_size > _MAX_DIRECTORY_BYTES:
        return ""
    content = archive.read(entry)
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
