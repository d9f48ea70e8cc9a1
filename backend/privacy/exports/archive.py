"""The archive: a zip with every row of a user's as JSON, her files as she uploaded them, and a text that explains it.

It is written to a file, row by row and piece by piece, so that its size is bounded by the disk alone.
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
from backend.privacy.belongings import USERS, find_ways, is_of, list_exported
from backend.privacy.exports.explanation import explain

# How many rows are in memory at once; a row may be a page of some megabytes.
_ROWS = 20
_LONGEST_NAME = 100
# What one system or another does not take in the name of a file.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def write_archive(file: IO[bytes], user_id: UUID, note_progress: Callable[[], None] = lambda: None) -> None:
    """Write all that is a user's to ``file``. Opens transactions of its own, none while a file is read.

    ``note_progress`` is called often, and may raise to end it. Raises NotFound, FileUnavailable when a bucket is away.
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
    # All rows are wanted: the way to them is to be short, not the way to the first of them.
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
    told: list[dict[str, object]] = []
    folders: dict[UUID, str] = {}
    for number, file in enumerate(files, start=1):
        folder = folders.setdefault(
            file.study_set_id, f"files/{len(folders) + 1:03} {clean_name(file.study_set_title)}"
        )
        path = f"{folder}/{number:04} {clean_name(file.filename)}"
        missing = "expired" if file.expired else _copy(archive, path, file.document_id, note_progress)
        told.append({"document_id": file.document_id, "path": None if missing else path, "missing": missing})
    _write(archive, "data/files.json", _as_json(told))


def _copy(archive: zipfile.ZipFile, path: str, document_id: UUID, note_progress: Callable[[], None]) -> str | None:
    """Copy one file into the archive. Returns why it is not there, if it is not."""
    try:
        pieces = library.document_file.open(document_id)
        # What was uploaded is compressed already, as nearly all kinds of documents are.
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
    # How long an entry becomes is not known when it begins.
    with archive.open(info, "w", force_zip64=True) as entry:
        yield entry


def clean_name(name: str) -> str:
    """Return a name that every system takes for that of one file, cut to a length that keeps its extension."""
    plain = PurePosixPath(_UNSAFE.sub("_", name).strip(". ") or "_")
    suffix = plain.suffix[:20]
    return plain.stem[: _LONGEST_NAME - len(suffix)].rstrip(". ") + suffix
