"""Where parts of a page's text are shown on the page."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.models import Page
from backend.library.types import Box


def find_boxes(document_id: UUID, page: int, start: int, end: int) -> list[Box] | None:
    """Return a box for each word of ``text[start:end]`` whose place is known, in the text's order.

    None before ``place_words`` has looked for them, and for formats without images of pages. A word that a
    line break divides has two boxes. The caller has checked the permission.
    """
    query = sa.select(Page.word_boxes).where(Page.document_id == document_id, Page.number == page)
    words = db.session.scalar(query)
    if words is None:
        return None
    return [
        Box(left, top, round(right - left, 5), round(bottom - top, 5))
        for first, last, left, top, right, bottom in words
        if first < end and last > start
    ]
