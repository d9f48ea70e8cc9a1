"""Everything a user has in the library, for data exports and account deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.hooks import study_set_deleting
from backend.library.models import Document, StudySet


@dataclass(frozen=True, slots=True)
class OwnedFile:
    """An uploaded file; ``expired`` when its bytes have been deleted."""

    document_id: UUID
    study_set_id: UUID
    study_set_title: str
    filename: str
    size_bytes: int
    expired: bool


def list_files(user_id: UUID) -> Sequence[OwnedFile]:
    """Return all files of a user by study set, oldest first."""
    rows = db.session.execute(
        sa.select(
            Document.id,
            StudySet.id,
            StudySet.title,
            Document.filename,
            Document.size_bytes,
            Document.stored_in.is_(None),
        )
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(StudySet.user_id == user_id)
        .order_by(StudySet.id, Document.id)
    )
    return [OwnedFile(*row) for row in rows]


def delete_next_study_set(user_id: UUID) -> bool:
    """Delete one study set of a user and everything in it. Returns False when the user has none."""
    study_set_id = db.session.scalar(
        sa.select(StudySet.id).where(StudySet.user_id == user_id).order_by(StudySet.id).limit(1).with_for_update()
    )
    if study_set_id is None:
        return False
    study_set_deleting.send(study_set_id)
    db.session.execute(
        sa.delete(StudySet).where(StudySet.id == study_set_id).execution_options(synchronize_session=False)
    )
    return True
