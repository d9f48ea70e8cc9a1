"""The PDFs of converted documents: kept within bounds, the oldest dropped first."""

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.library.files.stored_file import StoredFile
from backend.library.models import Conversion, ConvertedPiece, Document, StudySet
from backend.library.page_images.errors import ImageDropped
from backend.settings import get_settings

USERS_PART: Final = 10
"""The PDFs of one user take at most the storage quota divided by this."""

_DROPPED_AT_ONCE: Final = 100

converted_file = StoredFile(Conversion, ConvertedPiece, {"conversion_id": Conversion.id}, ImageDropped)


def measure_converted_files(which: sa.ColumnElement[bool]) -> int:
    """Return how many bytes the kept PDFs of conversions take."""
    kept = sa.select(sa.func.coalesce(sa.func.sum(Conversion.size_bytes), 0))
    return int(db.session.scalars(kept.where(Conversion.stored_in.is_not(None), which)).one())


def converted_for(user_id: UUID) -> sa.ColumnElement[bool]:
    """Return the SQL condition for conversions of the user's documents."""
    mine = (
        sa.select(Document.id).join(StudySet, StudySet.id == Document.study_set_id).where(StudySet.user_id == user_id)
    )
    return Conversion.document_id.in_(mine)


def drop_surplus_files(user_id: UUID) -> None:
    """Drop the oldest PDFs of the user that exceed the bound. Needs a transaction."""
    lock_quota("page-images", user_id)
    mine = converted_for(user_id)
    drop_files(measure_converted_files(mine) - get_settings().storage_quota_bytes // USERS_PART, mine)


def drop_files(surplus: int, which: sa.ColumnElement[bool]) -> int:
    """Drop the oldest PDFs until the surplus is gone, or a bounded number, but never the newest. Returns how many.

    A PDF that exceeds the bound by itself would else be dropped at once, and made again for every request.
    """
    if surplus <= 0:
        return 0
    kept = sa.and_(which, Conversion.stored_in.is_not(None))
    newest_first = sa.select(Conversion.id).where(kept).order_by(Conversion.ended_at.desc(), Conversion.id.desc())
    newest = db.session.scalar(newest_first.limit(1))
    oldest = db.session.execute(
        sa.select(Conversion.id, Conversion.size_bytes)
        .where(kept, Conversion.id != newest)
        .order_by(Conversion.ended_at, Conversion.id)
        .limit(_DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    dropped = []
    for row in oldest:
        if surplus <= 0:
            break
        dropped.append(row.id)
        surplus -= row.size_bytes
    return len(converted_file.delete(Conversion.id.in_(dropped)))
