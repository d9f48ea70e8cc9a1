"""Checks from its directory alone that an Office file's archive is safe to unpack."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from backend.library.extraction.errors import UnreadableFile

MAX_ENTRIES: Final = 2_000
MAX_UNPACKED_BYTES: Final = 50_000_000
MAX_RATIO: Final = 100

# A smaller entry does no harm, and small repetitive XML does reach high ratios.
_SMALL_ENTRY_BYTES = 1_000_000
_ARCHIVES = frozenset(
    {".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".tar", ".tgz", ".jar", ".docx", ".pptx", ".xlsx", ".docm"}
)
_ENCRYPTED_FLAG = 0x1


def check_office_archive(path: Path, main_part: str) -> None:
    """Raise UnreadableFile unless the archive at ``path`` is harmless and contains ``main_part``.

    ``too_large``: more than 2,000 entries, more than 50 MB unpacked, a ratio over 100, or an archive inside
    the archive. ``encrypted``: an entry has a password. ``damaged``: an incomplete archive, or an entry with a path
    outside it. ``mislabelled``: another kind of archive. The sizes in the directory can be trusted: Python's
    ``zipfile`` never reads more of an entry than its directory entry says. Workbooks that Office embeds for charts
    are allowed; nothing here opens them.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, OSError):
        raise UnreadableFile("damaged") from None
    if len(entries) > MAX_ENTRIES:
        raise UnreadableFile("too_large")
    for entry in entries:
        _check_entry(entry)
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or unpacked > MAX_RATIO * max(packed, _SMALL_ENTRY_BYTES // MAX_RATIO):
        raise UnreadableFile("too_large")
    if not any(entry.filename == main_part for entry in entries):
        raise UnreadableFile("mislabelled")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise UnreadableFile("damaged")
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise UnreadableFile("encrypted")
    if entry.file_size > _SMALL_ENTRY_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        raise UnreadableFile("too_large")
    if name.suffix.lower() in _ARCHIVES and "embeddings" not in name.parts:
        raise UnreadableFile("too_large")
