"""The archive: a zip with all rows of a user as JSON, their files as they were uploaded, and a README.

It is written to a file row by row and piece by piece, so only the disk limits its size.
"""

import base64
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import now
from backend.core.database.database import Base, db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from backend.library import service as library
from backend.library.errors import FileExpired, FileLost
from backend.privacy.exports.explanation import explain
from backend.privacy.user_tables import USERS, find_ways, is_of, list_exported

# Rows in memory at once; a row may be a page of several megabytes.
_ROWS = 20
_MAX_NAME_CHARS = 100
# Characters that some system does not allow in file names.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def write_archive(file: IO[bytes], user_id: UUID, note_progress: Callable[[], None] = lambda: None) -> None:
    """Write all data of a user to ``file``. Opens transactions of its own, but none while a file is read.

    ``note_progress`` is called often and may raise to stop. Raises NotFound, and FileUnavailable when a bucket is
    unreachable.
    """
    users = Base.metadata.tables[USERS]
    with transaction():
        if db.session.scalar(sa.select(users.c.id).where(is_of(users, user_id, find_ways()))) is None:
            raise NotFound
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        tables = list_exported()
        _write(archive, "README.txt", [explain([table.name for table, _ in tables]).encode()])
        for table, columns in tables:
            with transaction():
                rows = _read_rows(table, columns, user_id, note_progress)
                _write(archive, f"data/{table.name}.json", _as_json(rows))
        _write_files(archive, user_id, note_progress)


def _read_rows(
    table: sa.Table, columns: Sequence[sa.Column[object]], user_id: UUID, note_progress: Callable[[], None]
) -> Iterator[dict[str, object]]:
    # Plan for fetching all rows; by default the planner optimises cursors for the first ones.
    db.session.execute(sa.select(sa.func.set_config("cursor_tuple_fraction", "1", True)))
    query = sa.select(*columns).where(is_of(table, user_id, find_ways())).order_by(*table.primary_key)
    for number, row in enumerate(db.session.execute(query, execution_options={"yield_per": _ROWS})):
        if number % _ROWS == 0:
            note_progress()
        yield dict(zip((column.name for column in columns), row, strict=True))


def _as_json(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    separator = "[\n"
    for row in rows:
        yield (separator + json.dumps(row, ensure_ascii=False, default=_plain)).encode("utf-8", "replace")
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return str(value)


def _write_files(archive: zipfile.ZipFile, user_id: UUID, note_progress: Callable[[], None]) -> None:
    with transaction():
        files = library.list_files(user_id)
    listed: list[dict[str, object]] = []
    folders: dict[UUID, str] = {}
    for number, file in enumerate(files, start=1):
        folder = folders.setdefault(
            file.study_set_id, f"files/{len(folders) + 1:03} {clean_name(file.study_set_title)}"
        )
        path = f"{folder}/{number:04} {clean_name(file.filename)}"
        missing = "expired" if file.expired else _copy(archive, path, file.document_id, note_progress)
        listed.append({"document_id": file.document_id, "path": None if missing else path, "missing": missing})
    _write(archive, "data/files.json", _as_json(listed))


def _copy(archive: zipfile.ZipFile, path: str, document_id: UUID, note_progress: Callable[[], None]) -> str | None:
    """Copy one file into the archive. Returns the reason if it is missing, else None."""
    try:
        pieces = library.document_file.open(document_id)
        # Nearly all kinds of documents are compressed already.
        with _entry(archive, path, zipfile.ZIP_STORED) as entry:
            for piece in pieces:
                note_progress()
                entry.write(piece)
    except FileExpired:
        return "expired"
    except NotFound:
        return "deleted"
    except FileLost:
        return "lost"
    return None


def _write(archive: zipfile.ZipFile, path: str, parts: Iterable[bytes]) -> None:
    with _entry(archive, path, zipfile.ZIP_DEFLATED) as entry:
        for part in parts:
            entry.write(part)


@contextmanager
def _entry(archive: zipfile.ZipFile, path: str, compression: int) -> Iterator[IO[bytes]]:
    info = zipfile.ZipInfo(path, now().timetuple()[:6])
    info.compress_type = compression
    info.external_attr = 0o600 << 16
    # Its size is not known yet and may exceed 4 GB.
    with archive.open(info, "w", force_zip64=True) as entry:
        yield entry


def clean_name(name: str) -> str:
    """Return a file name that every system accepts, shortened if need be, with its extension."""
    plain = PurePosixPath(_UNSAFE.sub("_", name).strip(". ") or "_")
    suffix = plain.suffix[:20]
    return plain.stem[: _MAX_NAME_CHARS - len(suffix)].rstrip(". ") + suffix
