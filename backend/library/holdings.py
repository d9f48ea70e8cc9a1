"""Counts and sizes of a user's data, for support staff who must not read the documents themselves."""

from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.files.quota import measure_stored_bytes
from backend.library.models import Document, StudySet
from backend.library.types import Holdings


def measure_holdings(user_id: UUID) -> Holdings:
    """Return how many study sets and documents the user has, and how much of their storage they use."""
    sets = sa.select(sa.func.count()).select_from(StudySet).where(StudySet.user_id == user_id)
    # Documents whose file has expired count too: their text is still there.
    documents = (
        sa.select(sa.func.count())
        .select_from(Document)
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(StudySet.user_id == user_id)
    )
    return Holdings(
        study_sets=db.session.scalars(sets).one(),
        documents=db.session.scalars(documents).one(),
        stored_bytes=measure_stored_bytes(user_id),
    )
