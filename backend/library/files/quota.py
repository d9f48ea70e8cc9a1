"""How much of the storage a user's files, their text and items take, and how much they may."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.library.errors import StorageQuotaExceeded
from backend.library.models import Document, StudySet
from backend.library.types import StorageUsage
from backend.settings import get_settings


def measure_storage(user_id: UUID) -> StorageUsage:
    """Return what the user's files and texts take.

    A file that has expired takes nothing, but its text does. The same file in two sets counts twice.
    """
    return StorageUsage(measure_stored_bytes(user_id), get_settings().storage_quota_bytes)


def measure_stored_bytes(user_id: UUID) -> int:
    """Return how many bytes the user's files, their text, and items take."""
    of_file = sa.case((Document.stored_in.is_not(None), Document.size_bytes), else_=0)
    # A document that was read before its bytes were counted has at least one for each character.
    of_text = sa.func.greatest(Document.text_bytes, Document.characters)
    documents = (
        sa.select(sa.func.coalesce(sa.func.sum(of_file + of_text), 0))
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(StudySet.user_id == user_id)
    )
    items = sa.select(sa.func.coalesce(sa.func.sum(StudySet.items_bytes), 0)).where(StudySet.user_id == user_id)
    return int(db.session.scalars(sa.select(documents.scalar_subquery() + items.scalar_subquery())).one())


def note_items(study_set_id: UUID, size_bytes: int) -> int:
    """Note how much text the items of a locked study set have; return what was noted before."""
    before = db.session.scalars(sa.select(StudySet.items_bytes).where(StudySet.id == study_set_id)).one()
    if size_bytes != before:
        db.session.execute(
            sa.update(StudySet)
            .where(StudySet.id == study_set_id)
            # The time of the study set's own last change stays.
            .values(items_bytes=size_bytes, updated_at=StudySet.updated_at)
            .execution_options(synchronize_session=False)
        )
    return before


def refuse_more_storage(user_id: UUID, size_bytes: int) -> None:
    """Refuse a file that would not fit, before it is stored. Raises StorageQuotaExceeded.

    Files that are stored at the same moment are not seen: ``settle_storage`` has the last word.
    """
    _check(measure_storage(user_id), size_bytes)


def settle_storage(user_id: UUID) -> None:
    """Check, after files or texts were stored, that they fit together with what others store meanwhile.

    Called last in a transaction, so that large uploads wait for each other's commit and not for their transport.
    Raises StorageQuotaExceeded.
    """
    lock_quota("storage", user_id)
    _check(measure_storage(user_id), 0)


def _check(usage: StorageUsage, more_bytes: int) -> None:
    if usage.used_bytes + more_bytes > usage.quota_bytes:
        raise StorageQuotaExceeded(quota_mb=usage.quota_bytes // 1_000_000)
