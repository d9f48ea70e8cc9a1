"""Identifiers: UUIDv7 (RFC 9562), which sort by the time they were made."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Return the least UUIDv7 of the millisecond: rows made since then are found by their primary key."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)
