"""Whose turn it is: of the users whose work waits, the one who was served longest ago comes next.

Messages are only wake-ups, so the row that a worker claims need not be the one that the message names.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState
from backend.generation.models import Call, Run, Step


def claim_step(_model: type[Job], _named: UUID) -> Claim | None:
    """Claim the next due step in turn. Returns None if none is due. Needs a transaction."""
    return _claim_next(Step)


def claim_call(_model: type[Job], _named: UUID) -> Claim | None:
    """Claim the next due call in turn. Returns None if none is due. Needs a transaction."""
    return _claim_next(Call)


def _claim_next(model: type[Call] | type[Step]) -> Claim | None:
    row_id = _find_next(model)
    return None if row_id is None else jobs.claim(model, row_id)


def _find_next(model: type[Call] | type[Step]) -> UUID | None:
    """Lock and return the next due row in turn that nobody else is about to claim, or None."""
    served = _select_served(model)
    query = (
        sa.select(model.id)
        .join(Run, Run.id == model.run_id)
        .outerjoin(served, served.c.user_id == Run.user_id)
        .where(model.state == JobState.QUEUED, model.available_at <= database_now())
        .order_by(served.c.at.nulls_first(), model.available_at, model.id)
        .limit(1)
    )
    return db.session.scalar(query.with_for_update(of=model, skip_locked=True))


def _select_served(model: type[Call] | type[Step]) -> sa.Subquery:
    """Select when each user with an open run was last served. Reads one entry of an index for each open run."""
    latest = (
        sa.select(model.started_at.label("at"))
        .where(model.run_id == Run.id, model.started_at.is_not(None))
        .order_by(model.started_at.desc())
        .limit(1)
        .lateral()
    )
    return (
        sa.select(Run.user_id, sa.func.max(latest.c.at).label("at"))
        .select_from(Run)
        .join(latest, sa.true())
        .where(Run.ended_at.is_(None))
        .group_by(Run.user_id)
        .subquery("served")
    )
