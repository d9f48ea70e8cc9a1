"""Runs as those see them who help users: figures and states, never what was made or what it was made from.

Nothing here asks whose a run is: only operations may call, which answers for it and writes down what was done.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.generation.models import ModelCall, Run, RunDocument
from backend.generation.runs.planning import lock_run, stop_run
from backend.generation.runs.views import RunView
from backend.generation.types import ACTIVE_STATES, RunFacts, RunState, RunUsage, RunWish, UserWork
from backend.study.types import AskedCounts, Difficulty


def get_any_run(run_id: UUID) -> Run:
    """Return the run, whosever it is. Raises NotFound."""
    run = db.session.get(Run, run_id)
    if run is None:
        raise NotFound
    return run


def describe_run(view: RunView) -> RunFacts:
    """Return the figures of a run."""
    run = view.run
    return RunFacts(
        id=run.id,
        user_id=run.user_id,
        study_set_id=run.study_set_id,
        state=RunState(run.state),
        error_code=run.error_code,
        retry_of=run.retry_of,
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
    """Return how many runs the user has had by state, and what the language model used for them."""
    states = sa.select(Run.state, sa.func.count().label("number")).where(Run.user_id == user_id).group_by(Run.state)
    counts = {row.state: row.number for row in db.session.execute(states)}
    columns = (ModelCall.requests, ModelCall.input_tokens, ModelCall.cached_tokens, ModelCall.output_tokens)
    used = db.session.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(column), 0) for column in columns))
        .join(Run, Run.id == ModelCall.run_id)
        .where(Run.user_id == user_id)
    ).one()
    return UserWork(
        runs={state.value: counts.get(state, 0) for state in RunState},
        usage=RunUsage(*(int(value) for value in used)),
    )


def cancel_runs_of(user_id: UUID) -> int:
    """Cancel what the user has running: no call starts after this. Returns how many runs."""
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
    """Return the run that does an ended run again, or None."""
    return db.session.scalar(sa.select(Run).where(Run.retry_of == run_id))


def wish_of(run: Run) -> RunWish:
    """Return what a run was asked for, over those of its documents that are still there.

    What it settled itself while it was planned, counts and the language, is asked for again as it was: from the same
    documents it would come out the same.
    """
    documents: Sequence[UUID] = db.session.scalars(
        sa.select(RunDocument.document_id).where(RunDocument.run_id == run.id).order_by(RunDocument.document_id)
    ).all()
    # Nobody can ask for nothing at all: the material carried nothing.
    asked = AskedCounts() if run.asked == AskedCounts(0, 0) else run.asked
    return RunWish(
        document_ids=tuple(documents),
        asked=asked,
        language=run.language,
        difficulty=Difficulty(run.difficulty) if run.difficulty else None,
    )
