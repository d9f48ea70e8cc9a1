"""Rows that wait for another job: queued, but not due until that job wakes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.work.jobs import Claim, Job, JobState, send_after_commit, write_outcome

NOT_DUE: Final = datetime(9999, 1, 1, tzinfo=UTC)


def park(model: type[Job], row_ids: Sequence[UUID]) -> None:
    """Let planned rows wait for another job."""
    db.session.execute(
        sa.update(model)
        .where(model.id.in_(row_ids), model.state == JobState.PLANNED)
        .values(state=JobState.QUEUED, available_at=NOT_DUE, sent_at=None)
        .execution_options(synchronize_session=False)
    )


def park_held(model: type[Job], held: Claim) -> None:
    """Let a held row wait for another job. Raises LeaseLost."""
    write_outcome(model, held, state=JobState.QUEUED, available_at=NOT_DUE, sent_at=None)


def wake(model: type[Job], row_id: UUID) -> None:
    """Make a waiting row due, and send its message after the open transaction has committed."""
    moment = database_now()
    woken = db.session.scalar(
        sa.update(model)
        .where(model.id == row_id, model.state == JobState.QUEUED, model.available_at == NOT_DUE)
        .values(available_at=moment, sent_at=moment)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    if woken is not None:
        send_after_commit(model, row_id)
