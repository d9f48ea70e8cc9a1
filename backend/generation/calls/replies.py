"""Answers that are kept: the same request of the same user is not sent twice, and a worker that dies loses nothing.

A reply is recorded before anyone looks at it, because it was paid for.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.generation.language_models.interface import ModelAnswer, ModelRequest
from backend.generation.models import Reply, Run
from backend.library import service as library

KEPT_FOR: Final = timedelta(days=30)
_BATCH = 500


def find_reply(user_id: UUID, request: ModelRequest, number: int) -> UUID | None:
    """Return the id of the kept reply to a request, or None. ``number`` is that of the call of a step."""
    query = sa.select(Reply.id).where(Reply.user_id == user_id, Reply.request_key == _key(request, number))
    return db.session.scalar(query.where(Reply.created_at > database_now() - KEPT_FOR))


def _key(request: ModelRequest, number: int) -> str:
    # A step that asks again wants another answer, even to the same request.
    return request.key if number == 1 else f"{request.key}-{number}"


def keep_reply(run: Run, request: ModelRequest, number: int, answer: ModelAnswer) -> UUID | None:
    """Keep what a server answered, in place of an older reply. Returns its id; None if the study set was deleted."""
    if not library.keep_study_set(run.study_set_id):
        return None
    of_run: dict[str, Any] = {"study_set_id": run.study_set_id, "model": request.model, "answer": answer.to_json()}
    statement = insert(Reply).values(id=new_id(), user_id=run.user_id, request_key=_key(request, number), **of_run)
    statement = statement.on_conflict_do_update(
        index_elements=[Reply.user_id, Reply.request_key],
        set_={"created_at": database_now(), **of_run},
    )
    return db.session.execute(statement.returning(Reply.id)).scalar_one()


def forget_reply(reply_id: UUID) -> None:
    """Delete a reply that is of no use, so that the same request is sent again."""
    db.session.execute(sa.delete(Reply).where(Reply.id == reply_id).execution_options(synchronize_session=False))


def forget_old_replies() -> int:
    """Delete replies that are older than ``KEPT_FOR``, some at a time. Returns how many."""
    old = sa.select(Reply.id).where(Reply.created_at < database_now() - KEPT_FOR).order_by(Reply.created_at)
    gone = sa.delete(Reply).where(Reply.id.in_(old.limit(_BATCH).scalar_subquery())).returning(Reply.id)
    return len(db.session.scalars(gone.execution_options(synchronize_session=False)).all())
