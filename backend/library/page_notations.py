"""The notation of single pages, for higher rooms that show quotes of them."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.models import Page
from backend.library.types import PageNotation, Span, SpanKind


def find_notations(pages: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], PageNotation]:
    """Return the notation of each page, by document and number. The caller has checked the permission."""
    if not pages:
        return {}
    # Two lists in one row each: thousands of pairs as parameters would exceed what PostgreSQL takes.
    documents, numbers = zip(*pages, strict=True)
    wanted = (
        sa.func.unnest(sa.cast(list(documents), sa.ARRAY(sa.Uuid)), sa.cast(list(numbers), sa.ARRAY(sa.Integer)))
        .table_valued("document_id", "number", name="wanted")
        .render_derived()
    )
    query = sa.select(Page.document_id, Page.number, Page.text_version, Page.spans).join(
        wanted, sa.and_(Page.document_id == wanted.c.document_id, Page.number == wanted.c.number)
    )
    return {
        (row.document_id, row.number): PageNotation(
            row.text_version, tuple(Span(SpanKind(kind), start, end, level) for kind, start, end, level in row.spans)
        )
        for row in db.session.execute(query)
    }
