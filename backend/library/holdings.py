"""How much a user has brought, in figures: what those may know who help her and must not read her documents."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database import db
from backend.library.models import Document, StudySet
from backend.library.types import Holdings


def measure_holdings(user_id: UUID) -> Holdings:
    """Return how many study sets and documents the user has, and how much her stored files take."""
    sets = sa.select(sa.func.count()).select_from(StudySet).where(StudySet.user_id == user_id)
    # A file that has expired takes nothing any more; its document is still there.
    stored = sa.func.sum(Document.size_bytes).filter(Document.stored_in.is_not(None))
    documents = (
        sa.select(sa.func.count(), sa.func.coalesce(stored, 0))
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(StudySet.user_id == user_id)
    )
    count, size_bytes = db.session.execute(documents).one()
    return Holdings(study_sets=db.session.scalars(sets).one(), documents=count, stored_bytes=int(size_bytes))
