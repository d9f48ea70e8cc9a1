"""What a run was for, in lists of other rooms: the title of its study set."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.generation.models import Run
from backend.library import service as library


def find_run_titles(run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the titles of the runs' study sets. The caller has checked the permission."""
    rows = db.session.execute(sa.select(Run.id, Run.study_set_id).where(Run.id.in_(run_ids))).all()
    titles = library.find_titles([row.study_set_id for row in rows])
    return {row.id: titles[row.study_set_id] for row in rows if row.study_set_id in titles}
