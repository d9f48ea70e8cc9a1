"""Files expire: the files of study sets that have not been used for a long time are deleted; everything else stays."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work.jobs import JobState
from backend.library.files.stored_file import document_file
from backend.library.hooks import study_sets_expiring
from backend.library.models import Document, StudySet
from backend.settings import get_settings

log = get_logger(__name__)

_BATCH = 50

_Position = tuple[datetime, UUID]


def delete_expired_files() -> int:
    """Delete the files of some study sets that were not used for ``DOCUMENT_RETENTION_DAYS``; return how many files.

    Pages and the items made from them stay. Opens transactions of its own.
    """
    days = get_settings().document_retention_days
    if days == 0:
        return 0
    since = now() - timedelta(days=days)
    after: _Position | None = None
    while True:
        with transaction():
            page = _lock_page(since, after)
            expired = _expire(page, since)
        # If all study sets of a page are in use, go on, or later ones would never expire.
        if expired or len(page) < _BATCH:
            return expired
        after = page[-1]


def _lock_page(since: datetime, after: _Position | None) -> list[_Position]:
    """Lock the oldest study sets after a position that seem unused, so that uploads to them wait."""
    order = sa.tuple_(StudySet.updated_at, StudySet.id)
    candidates = (
        sa.select(StudySet.updated_at, StudySet.id)
        .where(_is_unused(since), StudySet.id.in_(sa.select(Document.study_set_id).where(_has_file())))
        .order_by(StudySet.updated_at, StudySet.id)
        .limit(_BATCH)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if after is not None:
        candidates = candidates.where(order > sa.tuple_(*after))
    return [(row.updated_at, row.id) for row in db.session.execute(candidates)]


def _expire(page: list[_Position], since: datetime) -> int:
    if not page:
        return 0
    candidates = [study_set_id for _, study_set_id in page]
    used: set[UUID] = set()
    for in_use in study_sets_expiring.send(candidates, since):
        used |= in_use
    unused = [study_set_id for study_set_id in candidates if study_set_id not in used]
    # Checked again, now that nobody else can change the study sets.
    still_unused = sa.select(StudySet.id).where(StudySet.id.in_(unused), _is_unused(since))
    expired = document_file.delete(Document.study_set_id.in_(still_unused))
    if expired:
        log.info("library.files.expired", study_sets=len(unused), files=len(expired))
    return len(expired)


def _is_unused(since: datetime) -> sa.ColumnElement[bool]:
    newer = sa.select(Document.id).where(
        Document.study_set_id == StudySet.id, sa.or_(Document.created_at >= since, Document.ended_at >= since)
    )
    unread = sa.select(Document.id).where(
        Document.study_set_id == StudySet.id, Document.state.in_((JobState.QUEUED, JobState.RUNNING))
    )
    return sa.and_(StudySet.updated_at < since, ~newer.exists(), ~unread.exists())


def _has_file() -> sa.ColumnElement[bool]:
    return Document.stored_in.is_not(None)
