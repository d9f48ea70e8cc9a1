"""The warnings of documents about their reading, for higher rooms."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.models import Document
from backend.library.types import ReadingWarning


def list_warnings(document_ids: Sequence[UUID]) -> dict[UUID, list[ReadingWarning]]:
    """Return the warnings of the remaining documents. The caller has checked the permission."""
    rows = db.session.execute(sa.select(Document.id, Document.warnings).where(Document.id.in_(document_ids)))
    return {
        row.id: [ReadingWarning(one["code"], one["count"], tuple(one["pages"])) for one in row.warnings] for row in rows
    }
