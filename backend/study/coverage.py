"""Which pages a run's items come from, for receipts and to avoid repeats."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from backend.core.database.database import db
from backend.study.items.registry import COLLECTIONS
from backend.study.models import EvidenceRow
from backend.study.types import Counts, PageItems


def list_existing_fronts(
    study_set_id: UUID, document_id: UUID, first_page: int, last_page: int, limit: int = 60
) -> list[str]:
    """Return fronts and stems of items with evidence on these pages, oldest first, at most ``limit``.

    The caller checks the permission.
    """
    on_pages = (EvidenceRow.document_id == document_id, EvidenceRow.page.between(first_page, last_page))
    fronts = [
        sa.select(each.table.id, each.front.label("front")).where(
            each.table.study_set_id == study_set_id, each.table.id.in_(sa.select(each.evidence).where(*on_pages))
        )
        for each in COLLECTIONS
    ]
    asked = sa.union_all(*fronts).subquery()
    return list(db.session.scalars(sa.select(asked.c.front).order_by(asked.c.id).limit(limit)))


def list_items_by_page(run_id: UUID) -> list[PageItems]:
    """Count the run's items by document and page.

    An item counts once, on the page of its first evidence. Pages without items are left out.
    """
    item_id = sa.func.coalesce(*(each.evidence for each in COLLECTIONS))
    of_run = (each.evidence.in_(sa.select(each.table.id).where(each.table.run_id == run_id)) for each in COLLECTIONS)
    first = (
        sa.select(EvidenceRow)
        .ext(distinct_on(item_id))
        .where(sa.or_(*of_run))
        .order_by(item_id, EvidenceRow.position)
        .subquery()
    )
    counts = (sa.func.count(first.c[each.evidence.key]) for each in COLLECTIONS)
    rows = db.session.execute(
        sa.select(first.c.document_id, first.c.page, *counts)
        .group_by(first.c.document_id, first.c.page)
        .order_by(first.c.document_id, first.c.page)
    )
    return [PageItems(document_id, page, Counts(*counted)) for document_id, page, *counted in rows]
