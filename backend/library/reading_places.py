"""Fair shares of reading: how many documents are read at the same time, and which are next.

Documents never hold all places of the workers, and a user holds at most two of them, so that large files of one user
delay nobody else. The limits are part of the claim, because messages may be lost, repeated or late. A refused row stays
queued without a message, and is sent as soon as a reading ends; if that is missed, the sweep sends it.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.locks import READING_LOCK
from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState
from backend.core.work.workers import count_places
from backend.library.models import Document, Rereading, StudySet
from backend.settings import get_settings

_MAX_PER_USER = 2


def claim_place(model: type[Job], row_id: UUID) -> Claim | None:
    """Claim a reading if a place is free and nobody with fewer places waits longer. Returns None otherwise.

    Locks the row first and then the places, and whoever holds the places waits for no row.
    """
    due = sa.select(model.id).where(
        model.id == row_id, model.state == JobState.QUEUED, model.available_at <= database_now()
    )
    if db.session.scalar(due.with_for_update()) is None:
        return None
    _lock_places()
    startable = _find_startable()
    if row_id in startable:
        return jobs.claim(model, row_id)
    jobs.note_unsent(model, row_id)
    _send(startable)
    return None


def fill_places() -> None:
    """Send readings that may start now. Called when one has ended; opens its own transaction."""
    with transaction():
        # Waits for claims that found no place: their rows count as unsent only after their commit.
        _lock_places()
        _send(_find_startable())


def is_startable(model: type[Job]) -> sa.ColumnElement[bool]:
    """Return the SQL condition for rows that ``claim_place`` would accept now. Needs a transaction."""
    return model.id.in_(_select_startable())


def _lock_places() -> None:
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(READING_LOCK)))


def _send(row_ids: set[UUID]) -> None:
    for model in (Document, Rereading):
        jobs.send_unsent(model, row_ids)


def _find_startable() -> set[UUID]:
    return {row.id for row in db.session.execute(_select_startable())}


def _select_startable() -> sa.Select[tuple[UUID]]:
    """Select the ids of due readings for which there are places, of both tables.

    First come users who hold no place, each with their oldest reading, then users who hold one.
    """
    places = max(1, max(get_settings().celery_concurrency, count_places()) - 1)
    # One place is left for others even if there are only two.
    per_user = min(_MAX_PER_USER, max(1, places - 1))
    opened = _select_open().cte("opened")
    is_running = opened.c.state == JobState.RUNNING
    held_by_user = sa.func.count().filter(is_running).over(partition_by=opened.c.user_id)
    turn = sa.func.row_number().over(
        partition_by=(opened.c.user_id, opened.c.state), order_by=(opened.c.available_at, opened.c.id)
    )
    ranked = sa.select(opened, (held_by_user + turn).label("would_hold")).cte("ranked")
    held = sa.select(sa.func.count()).select_from(opened).where(is_running).scalar_subquery()
    return (
        sa.select(ranked.c.id)
        .where(ranked.c.state == JobState.QUEUED, ranked.c.would_hold <= per_user)
        .order_by(ranked.c.would_hold, ranked.c.available_at, ranked.c.id)
        .limit(sa.func.greatest(places - held, 0))
    )


def _select_open() -> sa.CompoundSelect[tuple[UUID, str, object, UUID]]:
    """Select the running and the due readings with their users."""
    documents = sa.select(Document.id, Document.state, Document.available_at, StudySet.user_id).join_from(
        Document, StudySet, StudySet.id == Document.study_set_id
    )
    rereadings = (
        sa.select(Rereading.id, Rereading.state, Rereading.available_at, StudySet.user_id)
        .join_from(Rereading, Document, Document.id == Rereading.document_id)
        .join(StudySet, StudySet.id == Document.study_set_id)
    )
    return sa.union_all(documents.where(_is_open(Document)), rereadings.where(_is_open(Rereading)))


def _is_open(model: type[Job]) -> sa.ColumnElement[bool]:
    due = sa.and_(model.state == JobState.QUEUED, model.available_at <= database_now())
    # The first condition is that of the index.
    return sa.and_(model.state.in_((JobState.QUEUED, JobState.RUNNING)), sa.or_(model.state == JobState.RUNNING, due))
