"""Events of a run: numbered rows, written under the run's lock, read by SSE and polling."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.generation.models import Run, RunEvent

MAX_EVENTS_PER_READ = 200


def add_event(run: Run, kind: str, **data: Any) -> None:
    """Append an event to a run that the caller has locked or just created."""
    run.last_event += 1
    db.session.add(RunEvent(run_id=run.id, number=run.last_event, kind=kind, data=data))


def list_events(run_id: UUID, after: int) -> Sequence[RunEvent]:
    """Return the events after number ``after``, oldest first, at most ``MAX_EVENTS_PER_READ``."""
    query = (
        sa.select(RunEvent)
        .where(RunEvent.run_id == run_id, RunEvent.number > after)
        .order_by(RunEvent.number)
        .limit(MAX_EVENTS_PER_READ)
    )
    return db.session.scalars(query).all()
