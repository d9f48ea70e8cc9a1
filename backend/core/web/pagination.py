"""Keyset pagination: pages are cut by id, so that rows added meanwhile neither repeat nor hide others."""

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
    """The cursor was not handed out by this API."""

    code = "invalid_cursor"
    status = 422
    texts = {
        "en": "The cursor is not valid. Start again without it.",
        "de": "Der Cursor ist ungültig. Beginne ohne ihn von vorn.",
        "fr": "Le curseur n’est pas valide. Recommence sans curseur.",
        "it": "Il cursore non è valido. Ricomincia senza cursore.",
    }


class PageQuery(BaseModel):
    """Query parameters of every list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MAX_PAGE_SIZE, description="Most items of a page.")
    cursor: str | None = Field(None, max_length=100, description="`next_cursor` of the page before.")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """One page of rows; ``next_cursor`` is None on the last."""

    items: Sequence[T]
    next_cursor: str | None


def fetch_page(
    query: sa.Select[T],
    key: InstrumentedAttribute[UUID],
    page: PageQuery,
    *,
    newest_first: bool = False,
) -> ListPage[T]:
    """Fetch one page of ``query`` ordered by ``key``. Raises InvalidCursor."""
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
