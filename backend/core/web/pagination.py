"""Keyset pagination by id: rows added between two requests neither repeat nor hide other rows."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.database.database import db
from backend.core.errors import DomainError

MAX_PAGE_SIZE = 100

T = TypeVar("T")


class InvalidCursor(DomainError):
    """The cursor was not issued by this API."""

    code = "invalid_cursor"
    status = 422
    texts = {
        "en": "Invalid cursor. Start again without a cursor.",
        "de": "Ungültiger Cursor. Beginne ohne Cursor von vorn.",
        "fr": "Curseur non valide. Recommence sans curseur.",
        "it": "Cursore non valido. Ricomincia senza cursore.",
    }


class PageQuery(BaseModel):
    """Query parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MAX_PAGE_SIZE, description="Maximum number of items.")
    cursor: str | None = Field(None, max_length=100, description="`next_cursor` of the previous page.")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """One page of a list. ``next_cursor`` is None on the last page."""

    items: Sequence[T]
    next_cursor: str | None


def fetch_page(
    query: sa.Select[T],
    key: InstrumentedAttribute[UUID],
    page: PageQuery,
    *,
    newest_first: bool = False,
) -> ListPage[T]:
    """Fetch one page of ``query``, ordered by ``key``. Raises InvalidCursor."""
    if page.cursor is not None:
        after = _decode(page.cursor)
        query = query.where(key < after if newest_first else key > after)
    query = query.order_by(key.desc() if newest_first else key.asc()).limit(page.limit + 1)
    rows = list(db.session.scalars(query))
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return ListPage(rows, _encode(getattr(rows[-1], key.key)) if more else None)


def _encode(key: UUID) -> str:
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise InvalidCursor from None
