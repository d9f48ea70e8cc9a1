"""Ids: UUIDv7 (RFC 9562), which sort by creation time."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of that millisecond, to find rows created since then by their primary key."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)
