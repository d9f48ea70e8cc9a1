"""Fair shares of reading: how many documents are read or converted at the same time, and which are next.

Documents never hold all places of the workers, and a user holds at most two of them, so that large files of one user
delay nobody else. The limits are part of the claim, because messages may be lost, repeated or late. A refused row stays
queued without a message, and is sent as soon as a reading ends; if that is missed, the sweep sends it.

A conversion takes a place like a reading, but only one runs at a time, and readings that wait are sent first. Users
take turns: next is the document whose wait began first, which for a user counts from their last conversion.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from backend.core.clock import database_now
from backend.core.database.database import db, is_passing
from backend.core.database.locks import READING_LOCK
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, Job, JobState, LeaseLost
from backend.core.work.workers import select_places
from backend.library.models import Conversion, Document, Rereading, StudySet
from backend.library.page_images.libreoffice import can_convert
from backend.settings import get_settings

log = get_logger(__name__)

_MAX_PER_USER = 2
_CONVERTED_WITHIN: Final = timedelta(minutes=10)
# Turns that are longer ago count as none, so that the query reads only a range of the table.
_TURNS_COUNT_FOR: Final = timedelta(hours=1)


def claim_place(model: type[Job], row_id: UUID) -> Claim | None:
    """Claim a reading if a place is free and nobody with fewer places waits longer. Returns None otherwise.

    Locks the row first and then the places, and whoever holds the places waits for no row.
    """
    if db.session.scalar(sa.select(model.id).where(model.id == row_id, *_is_due(model)).with_for_update()) is None:
        return None
    _lock_places()
    startable = _find_startable()
    if row_id in startable:
        return jobs.claim(model, row_id)
    jobs.note_unsent(model, row_id)
    _send(startable)
    return None


def claim_conversion(model: type[Job], row_id: UUID) -> Claim | None:
    """Claim a conversion if this worker has LibreOffice and it is the next one that may start. Returns None otherwise.

    Locks the row first and then the places, as ``claim_place``. Deletes the row if no worker seems to convert any more.
    """
    if db.session.scalar(sa.select(model.id).where(model.id == row_id, *_is_due(model)).with_for_update()) is None:
        return None
    _lock_places()
    if not can_convert():
        _drop_or_note_unsent(row_id)
        return None
    convertible = db.session.scalars(_select_convertible()).all()
    if row_id in convertible:
        return jobs.claim(model, row_id)
    jobs.note_unsent(model, row_id)
    jobs.send_unsent(model, convertible)
    return None


def fill_places() -> None:
    """Send readings that may start now, and the next conversion if a place is left.

    Called when a reading or a conversion has ended; opens its own transaction.
    """
    with transaction():
        # Waits for claims that found no place: their rows count as unsent only after their commit.
        _lock_places()
        startable = _find_startable()
        _send(startable)
        jobs.send_unsent(Conversion, db.session.scalars(_select_convertible(kept=len(startable))).all())


def check_held(model: type[Job], held: Claim) -> None:
    """Raise LeaseLost if the reading or conversion was taken back or its document was deleted.

    Else somebody could take any number of places by deleting what is being read and uploading it again.
    """
    try:
        with transaction():
            is_held = db.session.scalar(sa.select(model.id).where(*jobs.is_held(model, held))) is not None
    except DBAPIError as error:
        if not is_passing(error):
            raise
        return
    if not is_held:
        raise LeaseLost


def is_startable(model: type[Job]) -> sa.ColumnElement[bool]:
    """Return the SQL condition for rows that ``claim_place`` would accept now."""
    return model.id.in_(_select_startable())


def is_convertible(model: type[Job]) -> sa.ColumnElement[bool]:
    """Return the SQL condition for rows that ``claim_conversion`` would accept now."""
    return model.id.in_(_select_convertible())


def is_in_turn(model: type[Job]) -> sa.ColumnElement[bool]:
    """Return the SQL condition for due rows that wait for a place, not for a reading of the same user."""
    ranked = _rank_open()
    return model.id.in_(sa.select(ranked.c.id).where(*_may_hold(ranked)))


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
    ranked = _rank_open()
    return (
        sa.select(ranked.c.id)
        .where(*_may_hold(ranked))
        .order_by(ranked.c.would_hold, ranked.c.available_at, ranked.c.id)
        .limit(sa.func.greatest(_places() - _count_held(), 0))
    )


def _drop_or_note_unsent(conversion_id: UUID) -> None:
    """Give a conversion back that this worker cannot make, or delete it if no worker seems to convert any more."""
    if not db.session.scalar(sa.select(_is_without_worker(conversion_id))):
        jobs.note_unsent(Conversion, conversion_id)
        return
    # From now on the document is like one that was read without LibreOffice.
    gone = sa.delete(Conversion).where(Conversion.id == conversion_id)
    db.session.execute(gone.execution_options(synchronize_session=False))
    log.warning("library.conversion.dropped", conversion_id=str(conversion_id))


def _select_convertible(kept: int = 0) -> sa.Select[UUID]:
    """Select the id of the conversion that may start now, if one may with so many free places kept for readings."""
    waiting, turns = aliased(Conversion), _select_turns().subquery("turns")
    return (
        sa.select(waiting.id)
        .join_from(waiting, Document, Document.id == waiting.document_id)
        .join(StudySet, StudySet.id == Document.study_set_id)
        .outerjoin(turns, turns.c.user_id == StudySet.user_id)
        .where(waiting.state == JobState.QUEUED, waiting.available_at <= database_now(), _may_convert(kept))
        # Whoever deletes what was converted loses their last turn, and gets no earlier one by that.
        .order_by(sa.func.greatest(turns.c.last_at, waiting.available_at), waiting.available_at, waiting.id)
        .limit(1)
    )


def _select_turns() -> sa.Select[UUID, datetime]:
    """Select the users who had a conversion lately, with the time of their last one.

    It counts once it has started, because one whose worker was lost has taken a turn too.
    """
    since = sa.func.now() - _TURNS_COUNT_FOR
    started = sa.and_(Conversion.state.in_((JobState.QUEUED, JobState.RUNNING)), Conversion.started_at > since)
    return (
        sa.select(
            StudySet.user_id, sa.func.max(sa.func.greatest(Conversion.started_at, Conversion.ended_at)).label("last_at")
        )
        .join_from(Conversion, Document, Document.id == Conversion.document_id)
        .join(StudySet, StudySet.id == Document.study_set_id)
        .where(sa.or_(Conversion.ended_at > since, started))
        .group_by(StudySet.user_id)
    )


def _may_convert(kept: int) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a conversion may start, with so many free places kept for readings."""
    return sa.and_(_count_running(Conversion) == 0, _places() - _count_held() > kept)


def _is_without_worker(conversion_id: UUID) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a conversion has waited for long, and no worker has converted any meanwhile."""
    since = database_now() - _CONVERTED_WITHIN
    other = aliased(Conversion)
    waits_since = sa.func.greatest(Conversion.available_at, Conversion.started_at)
    waits = sa.select(Conversion.id).where(Conversion.id == conversion_id, waits_since < since)
    works = sa.select(other.id).where(sa.or_(other.state == JobState.RUNNING, other.ended_at > since))
    return sa.and_(waits.exists(), ~works.exists())


def _count_held() -> sa.ColumnElement[int]:
    return _count_running(Document) + _count_running(Rereading) + _count_running(Conversion)


def _count_running(model: type[Job]) -> sa.ColumnElement[int]:
    other = aliased(model)
    count = sa.select(sa.func.count(other.id)).where(other.state == JobState.RUNNING)
    return count.scalar_subquery()


def _is_due(model: type[Job]) -> tuple[sa.ColumnElement[bool], ...]:
    return (model.state == JobState.QUEUED, model.available_at <= database_now())


def _may_hold(ranked: sa.Subquery) -> tuple[sa.ColumnElement[bool], ...]:
    return (ranked.c.state == JobState.QUEUED, ranked.c.would_hold <= _per_user())


def _places() -> sa.ColumnElement[int]:
    """Return how many readings and conversions there may be at the same time: all places of the workers but one."""
    return sa.func.greatest(1, sa.func.greatest(get_settings().celery_concurrency, select_places()) - 1)


def _per_user() -> sa.ColumnElement[int]:
    """Return how many of the places a user may hold. One is left for others even if there are only two."""
    return sa.func.least(_MAX_PER_USER, sa.func.greatest(1, _places() - 1))


def _rank_open() -> sa.Subquery:
    """Select the open readings with the number of places that their users hold once they run (``would_hold``)."""
    opened = _select_open().subquery("opened")
    is_running = opened.c.state == JobState.RUNNING
    held_by_user = sa.func.count().filter(is_running).over(partition_by=opened.c.user_id)
    turn = sa.func.row_number().over(
        partition_by=(opened.c.user_id, opened.c.state), order_by=(opened.c.available_at, opened.c.id)
    )
    return sa.select(opened, (held_by_user + turn).label("would_hold")).subquery("ranked")


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
    due = sa.and_(*_is_due(model))
    # The first condition is that of the index.
    return sa.and_(model.state.in_((JobState.QUEUED, JobState.RUNNING)), sa.or_(model.state == JobState.RUNNING, due))
