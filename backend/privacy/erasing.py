"""The erasure of a user who has left: one study set after another, then everything else, table by table.

Each part has its own transaction, so an interrupted erasure continues where it stopped. It is retried until it
succeeds. Nothing can be added meanwhile (see ``accounts.leaving``), so emptied tables stay empty; the last step checks
all of them anyway. Of tables whose rows are kept, the personal columns are cleared.
"""

import threading
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.core.clock import database_now
from backend.core.database.database import db, is_passing
from backend.core.database.transaction import transaction
from backend.core.process.logging import get_logger
from backend.core.work import jobs
from backend.core.work.jobs import Claim, JobState, LeaseLost, TryLater
from backend.library import service as library
from backend.privacy.models import Erasure
from backend.privacy.user_tables import find_ways, has_any, is_deleted_itself, is_of, list_cleared, list_erased

log = get_logger(__name__)

_AGAIN_S = 5.0
_AFTER_FAILURES_S = 600
# Deleting a study set with a gigabyte of files takes longer than a statement normally may.
_STATEMENT_TIMEOUT = "120s"


class _NotEmpty(Exception):
    """A table still has rows of the user, or their personal data, at the end of the erasure."""


def erase_user(held: Claim, lost: threading.Event) -> None:
    """Erase the user of a held erasure. It is never given up: raises TryLater after any error but LeaseLost."""
    try:
        _erase(held, lost)
    except LeaseLost:
        raise
    except Exception as error:
        if not is_passing(error):
            log.exception("privacy.erasure.crashed")
        raise TryLater(_AGAIN_S) from error


def _erase(held: Claim, lost: threading.Event) -> None:
    with transaction():
        user_id = db.session.scalar(sa.select(Erasure.user_id).where(Erasure.id == held.id))
    if user_id is None:
        raise LeaseLost
    while _delete_study_set(user_id):
        if lost.is_set():
            raise LeaseLost
    ways = find_ways()
    for table in list_erased():
        # Rows that lead to the user through another table were deleted with that table's rows.
        if table.name == Erasure.__tablename__ or not is_deleted_itself(table, ways):
            continue
        with transaction():
            _allow_time()
            db.session.execute(sa.delete(table).where(is_of(table, user_id, ways)))
        if lost.is_set():
            raise LeaseLost
    for table, columns in list_cleared():
        with transaction():
            _allow_time()
            found = sa.update(table).where(is_of(table, user_id, ways), has_any(columns))
            # Not None, which a JSONB column would store as a value.
            db.session.execute(found.values({column: sa.null() for column in columns}))
    with transaction():
        _end(held, user_id)
    log.info("privacy.user.erased", user_id=str(user_id))


def _delete_study_set(user_id: UUID) -> bool:
    with transaction():
        _allow_time()
        return library.delete_next_study_set(user_id)


def _allow_time() -> None:
    db.session.execute(sa.select(sa.func.set_config("statement_timeout", _STATEMENT_TIMEOUT, True)))


def _end(held: Claim, user_id: UUID) -> None:
    gone = db.session.scalar(sa.delete(Erasure).where(*jobs.is_held(Erasure, held)).returning(Erasure.id))
    if gone is None:
        raise LeaseLost
    ways = find_ways()
    for table in list_erased():
        if db.session.scalar(sa.select(sa.exists().where(is_of(table, user_id, ways)))):
            raise _NotEmpty(table.name)
    for table, columns in list_cleared():
        if db.session.scalar(sa.select(sa.exists().where(is_of(table, user_id, ways), has_any(columns)))):
            raise _NotEmpty(table.name)
    accounts.mark_erased(user_id)


def try_again(erasure_id: UUID, code: str) -> None:
    """Queue an erasure again after it has lost its worker too often."""
    log.error("privacy.erasure.stuck", erasure_id=str(erasure_id), code=code)
    moment = database_now()
    db.session.execute(
        sa.update(Erasure)
        .where(Erasure.id == erasure_id)
        .values(
            state=JobState.QUEUED,
            failures=0,
            error_code=None,
            ended_at=None,
            available_at=moment + sa.func.make_interval(0, 0, 0, 0, 0, 0, _AFTER_FAILURES_S),
        )
        .execution_options(synchronize_session=False)
    )
