"""Whether an Office file's archive is safe to unpack, judged from its directory alone."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from backend.library.extraction.errors import UnreadableFile

MAX_ENTRIES: Final = 2_000
MAX_UNPACKED_BYTES: Final = 50_000_000
MAX_RATIO: Final = 100

# Below this size an entry cannot hurt, and small repetitive XML does reach high ratios.
_SMALL_ENTRY_BYTES = 1_000_000
_ARCHIVES = frozenset(
    {".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".tar", ".tgz", ".jar", ".docx", ".pptx", ".xlsx", ".docm"}
)
_ENCRYPTED_FLAG = 0x1


def check_office_archive(path: Path, main_part: str) -> None:
    """Raise UnreadableFile unless the archive at ``path`` is a harmless one that contains ``main_part``.

    ``too_large``: more than 2,000 entries, more than 50 MB unpacked, a ratio over 100, or an archive inside
    the archive. ``encrypted``: an entry has a password. ``damaged``: not a whole archive, or a name that
    leaves it. ``mislabelled``: another kind of archive. The sizes of the directory bind: Python's
    ``zipfile`` reads no more of an entry than its directory entry says. Workbooks that Office itself
    embeds for charts are let through; nothing here ever opens them.
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
