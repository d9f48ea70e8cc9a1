"""The public functions of the generation room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.process.logging import get_logger
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.core.work.jobs import JobState
from backend.generation.charging.free_cost import free_cost_today
from backend.generation.errors import DocumentInUse, RunNotRetriable
from backend.generation.models import Call, Run, RunDocument, RunEvent, Step
from backend.generation.runs import events
from backend.generation.runs import statistics as figures
from backend.generation.runs.continuing import continue_run, start_again
from backend.generation.runs.costs import get_run_cost, list_run_costs, measure_usage
from backend.generation.runs.planning import end_run, lock_run, stop_run
from backend.generation.runs.starting import Origin, count_active_runs, estimate_run, start_run
from backend.generation.runs.support import (
    cancel_runs_of,
    describe_run,
    find_retry,
    get_any_run,
    measure_user,
    wish_of,
)
from backend.generation.runs.views import view_run, view_runs
from backend.generation.types import (
    ACTIVE_STATES,
    ENDED_STATES,
    RunFacts,
    RunState,
    WorkStats,
)
from backend.library import service as library

log = get_logger(__name__)

__all__ = [
    "cancel_any_run",
    "cancel_run",
    "cancel_runs_of",
    "continue_run",
    "count_active_runs",
    "estimate_run",
    "free_cost_today",
    "get_run",
    "get_run_cost",
    "list_run_costs",
    "list_run_events",
    "list_runs",
    "list_runs_of_user",
    "measure_usage",
    "measure_user",
    "measure_work",
    "release_ended_runs",
    "retry_run",
    "start_run",
    "view_run",
    "view_runs",
]


def get_run(user_id: UUID, run_id: UUID) -> Run:
    """Return the run. Raises NotFound."""
    run = db.session.scalar(sa.select(Run).where(Run.id == run_id, Run.user_id == user_id))
    if run is None:
        raise NotFound
    return run


def list_runs(user_id: UUID, study_set_id: UUID, page: PageQuery) -> ListPage[Run]:
    """Return a page of the study set's runs, newest first. Raises NotFound."""
    library.check_study_set(user_id, study_set_id)
    return fetch_page(sa.select(Run).where(Run.study_set_id == study_set_id), Run.id, page, newest_first=True)


def cancel_run(user_id: UUID, run_id: UUID) -> Run:
    """Cancel the run: no further call starts, and calls in progress may finish. Raises NotFound.

    An ended run stays as it is.
    """
    get_run(user_id, run_id)
    run = lock_run(run_id)
    if run is None:
        raise NotFound
    if run.state in ACTIVE_STATES:
        stop_run(run, RunState.CANCELLING)
        db.session.flush()
    return run


def list_runs_of_user(user_id: UUID, page: PageQuery) -> ListPage[RunFacts]:
    """Return a page of all runs of the user, newest first, for administrators."""
    found = fetch_page(sa.select(Run).where(Run.user_id == user_id), Run.id, page, newest_first=True)
    return ListPage([describe_run(view) for view in view_runs(found.items)], found.next_cursor)


def cancel_any_run(run_id: UUID) -> RunFacts:
    """Cancel any user's run. Raises NotFound."""
    return describe_run(view_run(cancel_run(get_any_run(run_id).user_id, run_id)))


def retry_run(run_id: UUID) -> RunFacts:
    """Retry a failed or cancelled run as a new run of the same user. Repeated calls return the same new run.

    An ended run is not reopened: clients were told that it has ended, and it was settled. The new run is subject to the
    same limits as one that the user starts, and adds no duplicates.

    Raises NotFound, RunNotRetriable, UserDisabled, UserLeaving, and what ``start_run`` raises.
    """
    run = get_any_run(run_id)
    if run.state not in (RunState.FAILED, RunState.CANCELLED):
        raise RunNotRetriable
    # Of two concurrent calls, the second waits here and finds the run of the first.
    if not library.lock_study_set(run.study_set_id):
        raise NotFound
    # After the study set, as in every transaction. Starting the run adds rows, but locks none that disabling waits for.
    accounts.require_active_user(run.user_id)
    again = find_retry(run_id)
    if again is None:
        again = start_again(run, wish_of(run), Origin(retry_of=run_id))
    return describe_run(view_run(again))


def release_ended_runs() -> int:
    """Cancel the planned and queued steps and calls of ended runs. Returns how many.

    There should be none, because a run ends only when none of its steps is open. This safety net prevents a bug from
    causing model calls that nobody waits for.
    """
    count = sum(_release(model) for model in (Step, Call))
    if count:
        log.warning("operations.sweep.released", rows=count)
    return count


def _release(model: type[Step] | type[Call]) -> int:
    ended = sa.select(Run.id).where(Run.id == model.run_id, Run.state.in_(ENDED_STATES)).exists()
    released = db.session.scalars(
        sa.update(model)
        .where(model.state.in_((JobState.PLANNED, JobState.QUEUED)), ended)
        .values(state=JobState.CANCELLED, ended_at=sa.func.now())
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return len(released.all())


def list_run_events(user_id: UUID, run_id: UUID, after: int) -> tuple[Run, Sequence[RunEvent]]:
    """Return the run and its events after number ``after``. Raises NotFound."""
    return get_run(user_id, run_id), events.list_events(run_id, after)


def measure_work() -> WorkStats:
    """Return statistics of all users' runs and calls: open runs, and the last hour."""
    return figures.measure_work()


def refuse_document_in_use(document_id: UUID) -> None:
    """Raise DocumentInUse if a run that has not ended needs the document."""
    in_use = (
        sa.select(Run.id)
        .join(RunDocument, RunDocument.run_id == Run.id)
        .where(RunDocument.document_id == document_id, Run.state.not_in(ENDED_STATES))
        .limit(1)
    )
    if db.session.scalar(in_use) is not None:
        raise DocumentInUse


def end_runs_of(study_set_id: UUID) -> None:
    """Cancel the runs of a study set that is about to be deleted, which the caller has locked."""
    active = sa.select(Run).where(Run.study_set_id == study_set_id, Run.state.not_in(ENDED_STATES))
    for run in db.session.scalars(active.order_by(Run.id).with_for_update()).all():
        end_run(run, RunState.CANCELLED)


def find_study_sets_in_use(study_set_ids: Sequence[UUID], since: datetime) -> set[UUID]:
    """Return which of the study sets have had a run since a time."""
    recent = sa.or_(Run.created_at >= since, Run.ended_at >= since, Run.state.not_in(ENDED_STATES))
    return set(db.session.scalars(sa.select(Run.study_set_id).where(Run.study_set_id.in_(study_set_ids), recent)))
