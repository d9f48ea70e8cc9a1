"""Runs as administrators see them: figures and states, never the items or documents.

Nothing here checks whose run it is. Only the administration room may call these functions; it checks the permission and
records the action in the audit log.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.generation.models import USAGE_COLUMNS, ModelCall, Run, RunDocument
from backend.generation.runs.planning import lock_run, stop_run
from backend.generation.runs.views import RunView
from backend.generation.types import ACTIVE_STATES, RunFacts, RunState, RunUsage, RunWish, UserWork
from backend.study.types import AskedCounts, Difficulty


def get_any_run(run_id: UUID) -> Run:
    """Return any user's run. Raises NotFound."""
    run = db.session.get(Run, run_id)
    if run is None:
        raise NotFound
    return run


def describe_run(view: RunView) -> RunFacts:
    run = view.run
    return RunFacts(
        id=run.id,
        user_id=run.user_id,
        study_set_id=run.study_set_id,
        state=RunState(run.state),
        error_code=run.error_code,
        partial_reason=run.partial_reason,
        waiting_for=run.waiting_for,
        retry_of=run.retry_of,
        continues=run.continues,
        model=run.model,
        is_draft=run.is_draft,
        asked=run.asked,
        delivered=run.delivered,
        failed_sections=view.failed_sections,
        progress=view.progress,
        usage=view.usage,
        request_id=run.request_id,
        created_at=run.created_at,
        ended_at=run.ended_at,
    )


def measure_user(user_id: UUID) -> UserWork:
    """Return the user's runs by state, and their usage of the language model."""
    states = sa.select(Run.state, sa.func.count().label("number")).where(Run.user_id == user_id).group_by(Run.state)
    counts = {row.state: row.number for row in db.session.execute(states)}
    used = db.session.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(column), 0) for column in USAGE_COLUMNS))
        .join(Run, Run.id == ModelCall.run_id)
        .where(Run.user_id == user_id)
    ).one()
    return UserWork(
        runs={state.value: counts.get(state, 0) for state in RunState},
        usage=RunUsage(*(int(value) for value in used)),
    )


def cancel_runs_of(user_id: UUID) -> int:
    """Cancel the user's active runs, so that no further call starts. Returns how many."""
    active = sa.select(Run.id).where(Run.user_id == user_id, Run.state.in_(ACTIVE_STATES)).order_by(Run.id)
    cancelled = 0
    for run_id in db.session.scalars(active).all():
        run = lock_run(run_id)
        if run is not None and run.state in ACTIVE_STATES:
            stop_run(run, RunState.CANCELLING)
            cancelled += 1
    db.session.flush()
    return cancelled


def find_retry(run_id: UUID) -> Run | None:
    """Return the run that retries an ended run, or None."""
    return db.session.scalar(sa.select(Run).where(Run.retry_of == run_id))


def wish_of(run: Run) -> RunWish:
    """Return the options of a run, with those of its documents that still exist.

    Counts and language that were settled when it was planned are kept: the same documents would give the same values.
    """
    documents: Sequence[UUID] = db.session.scalars(
        sa.select(RunDocument.document_id).where(RunDocument.run_id == run.id).order_by(RunDocument.document_id)
    ).all()
    # Zero of both cannot be requested, so it was settled: the material supported no items.
    asked = AskedCounts() if run.asked == AskedCounts(0, 0) else run.asked
    return RunWish(
        document_ids=tuple(documents),
        asked=asked,
        language=run.language,
        difficulty=Difficulty(run.difficulty) if run.difficulty else None,
        max_credits=run.max_credits,
    )
