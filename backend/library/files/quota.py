"""How much of the storage a user's files take, and how much they may."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.quotas import lock_quota
from backend.library.errors import StorageQuotaExceeded
from backend.library.models import Document, StudySet
from backend.library.types import StorageUsage
from backend.settings import get_settings


def measure_storage(user_id: UUID) -> StorageUsage:
    """Return what the user's files take. One that has expired takes nothing; the same file in two sets counts twice."""
    return StorageUsage(measure_stored_bytes(user_id), get_settings().storage_quota_bytes)


def measure_stored_bytes(user_id: UUID) -> int:
    """Return how many bytes the user's files take that have not expired."""
    taken = (
        sa.select(sa.func.coalesce(sa.func.sum(Document.size_bytes), 0))
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(StudySet.user_id == user_id, Document.stored_in.is_not(None))
    )
    return int(db.session.scalars(taken).one())


def refuse_more_storage(user_id: UUID, size_bytes: int) -> None:
    """Refuse a file that would not fit, before it is stored. Raises StorageQuotaExceeded.

    Files that are stored at the same moment are not seen: ``settle_storage`` has the last word.
    """
    _check(measure_storage(user_id), size_bytes)


def settle_storage(user_id: UUID) -> None:
    """Check, after files were stored, that they fit together with what other requests store meanwhile.

    Called last in a transaction, so that large uploads wait for each other's commit and not for their transport.
    Raises StorageQuotaExceeded.
    """
    lock_quota("storage", user_id)
    _check(measure_storage(user_id), 0)


def _check(usage: StorageUsage, more_bytes: int) -> None:
    if usage.used_bytes + more_bytes > usage.quota_bytes:
        raise StorageQuotaExceeded(quota_mb=usage.quota_bytes // 1_000_000)
