"""Limits of a study set: the number of its items, and their text, which counts towards the user's storage quota.

Exports and the search for duplicates load all items of a study set at once, so its size must be bounded.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library import service as library
from backend.settings import get_settings
from backend.study.errors import StudySetFull
from backend.study.items.registry import COLLECTIONS, Collection
from backend.study.models import EvidenceRow


def settle_items(user_id: UUID, study_set_id: UUID) -> None:
    """Update the size of a locked study set after the user has changed an item, and enforce the limits.

    Call it last in a transaction. A change that makes the study set smaller is never refused. Raises StudySetFull,
    StorageQuotaExceeded.
    """
    count, size_bytes = _measure(study_set_id)
    if size_bytes <= library.note_items(study_set_id, size_bytes):
        return
    settings = get_settings()
    if count > settings.max_items_per_set or size_bytes > settings.max_item_bytes_per_set:
        raise _full()
    library.settle_storage(user_id)


def count_items(study_set_id: UUID) -> None:
    """Update the size of a locked study set without enforcing limits, after a run or a deletion."""
    library.note_items(study_set_id, _measure(study_set_id)[1])


def check_room_for_items(study_set_id: UUID) -> None:
    """Refuse to start a run in a full study set. Raises StudySetFull."""
    count, size_bytes = _measure(study_set_id)
    settings = get_settings()
    if count >= settings.max_items_per_set or size_bytes >= settings.max_item_bytes_per_set:
        raise _full()


def _full() -> StudySetFull:
    settings = get_settings()
    return StudySetFull(limit=settings.max_items_per_set, limit_mb=settings.max_item_bytes_per_set // 1_000_000)


def _measure(study_set_id: UUID) -> tuple[int, int]:
    """Return the number of items, and the bytes of their text and quotes."""
    items = sa.union_all(*(_sizes(collection, study_set_id) for collection in COLLECTIONS)).subquery()
    of_quotes = (
        sa.select(sa.func.octet_length(EvidenceRow.quote).label("bytes"))
        .join(collection.table, collection.table.id == collection.evidence)
        .where(collection.table.study_set_id == study_set_id)
        for collection in COLLECTIONS
    )
    quotes = sa.union_all(*of_quotes).subquery()
    quoted = sa.select(sa.func.coalesce(sa.func.sum(quotes.c.bytes), 0)).scalar_subquery()
    row = db.session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(items.c.bytes), 0) + quoted).select_from(items)
    ).one()
    return int(row[0]), int(row[1])


def _sizes(collection: Collection, study_set_id: UUID) -> sa.Select[int]:
    size: sa.ColumnElement[int] = sa.literal(0)
    for column in collection.content:
        size = size + sa.func.octet_length(sa.cast(column, sa.Text))
    return sa.select(size.label("bytes")).where(collection.table.study_set_id == study_set_id)
