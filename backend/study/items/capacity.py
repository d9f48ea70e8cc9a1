"""How much a study set holds: its items are counted, and their text counts towards the user's storage quota.

Lists, exports and the search for duplicates take all items of a study set at once, so it may not grow for ever.
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
    """Count the items of a locked study set after the user has written one, and refuse what does not fit.

    Called last in a transaction. What makes a study set smaller is never refused. Raises StudySetFull,
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
    """Count the items of a locked study set after a run has added some."""
    library.note_items(study_set_id, _measure(study_set_id)[1])


def check_room_for_items(study_set_id: UUID) -> None:
    """Refuse to begin a run whose items could not be added to by hand any more. Raises StudySetFull."""
    count, size_bytes = _measure(study_set_id)
    settings = get_settings()
    if count >= settings.max_items_per_set or size_bytes >= settings.max_item_bytes_per_set:
        raise _full()


def _full() -> StudySetFull:
    settings = get_settings()
    return StudySetFull(limit=settings.max_items_per_set, limit_mb=settings.max_item_bytes_per_set // 1_000_000)


def _measure(study_set_id: UUID) -> tuple[int, int]:
    """Return how many items the study set has, and how many bytes of text they have with their quotes."""
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
