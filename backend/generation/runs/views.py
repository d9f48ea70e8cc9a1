"""Read models of runs: the row with values derived from other rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from backend.billing import service as billing
from backend.core.database.database import db
from backend.core.work.jobs import JobState
from backend.generation.models import KEPT, USAGE_COLUMNS, ModelCall, Run, RunDocument, Step
from backend.generation.types import Progress, RunState, RunUsage, StepKind
from backend.library import service as library

_Sections = dict[str, tuple[int, datetime | None]]
"""By state: number of sections, and when the last of them ended."""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with values derived from its rows. ``eta_s`` is None while unknown.

    ``reserved`` and ``charged`` are whole credits. ``continued_by`` is the run that continues this one.
    """

    run: Run
    progress: Progress
    usage: RunUsage
    eta_s: int | None
    failed_sections: int = 0
    reserved: int = 0
    charged: int = 0
    continued_by: UUID | None = None


def view_run(run: Run) -> RunView:
    return view_runs([run])[0]


def view_runs(runs: Sequence[Run]) -> list[RunView]:
    """Return views of runs, in a fixed number of queries."""
    ids = [run.id for run in runs]
    steps = _count_sections(ids)
    usage = _sum_usage(ids)
    reading = _sum_pages(ids)
    holds = billing.find_holds(ids)
    next_runs = _find_next_runs(ids)
    return [
        replace(
            _view(run, steps.get(run.id, {}), usage.get(run.id, RunUsage()), reading[run.id]),
            reserved=holds[run.id].amount if run.id in holds else 0,
            charged=holds[run.id].captured if run.id in holds else 0,
            continued_by=next_runs.get(run.id),
        )
        for run in runs
    ]


def _find_next_runs(run_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    query = sa.select(Run.continues, Run.id).where(Run.continues.in_(run_ids))
    return {continued: run_id for continued, run_id in db.session.execute(query) if continued is not None}


def _view(run: Run, sections: _Sections, usage: RunUsage, pages: tuple[int, int | None]) -> RunView:
    # Cancelled sections are not done, so a run stopped halfway does not show as complete.
    done = _number(sections, JobState.DONE, JobState.FAILED)
    total = _number(sections, *JobState)
    asked = run.asked.settled() if run.planned_at is not None else None
    progress = Progress(
        pages_read=pages[0],
        pages_total=pages[1],
        sections_done=done,
        sections_total=total,
        items_kept=run.delivered.total,
        items_asked=None if asked is None else asked.total,
    )
    last = max((ended_at for _, ended_at in sections.values() if ended_at is not None), default=None)
    return RunView(run, progress, usage, _eta_s(run, done, total, last), _number(sections, JobState.FAILED))


def _number(sections: _Sections, *states: JobState) -> int:
    return sum(sections[state][0] for state in states if state in sections)


def _eta_s(run: Run, done: int, total: int, last_ended_at: datetime | None) -> int | None:
    """Return the estimated seconds left at the pace so far; connecting topics counts as one section.

    It is as of the end of the last section, so that it changes only with the run's other figures, and an unchanged run
    keeps its entity tag.
    """
    if run.state not in (RunState.MAKING, RunState.CONNECTING) or run.planned_at is None or last_ended_at is None:
        return None
    pace_s = max((last_ended_at - run.planned_at).total_seconds(), 0.0) / done
    return math.ceil(pace_s * (total - done + (1 if run.state == RunState.MAKING else 0)))


def _count_sections(run_ids: Sequence[UUID]) -> dict[UUID, _Sections]:
    query = (
        sa.select(Step.run_id, Step.state, sa.func.count(), sa.func.max(Step.ended_at))
        .where(Step.run_id.in_(run_ids), Step.kind == StepKind.SECTION)
        .group_by(Step.run_id, Step.state)
    )
    counts: dict[UUID, _Sections] = {}
    for run_id, state, count, ended_at in db.session.execute(query):
        counts.setdefault(run_id, {})[state] = (count, ended_at)
    return counts


def _sum_usage(run_ids: Sequence[UUID]) -> dict[UUID, RunUsage]:
    query = (
        sa.select(
            ModelCall.run_id,
            *(sa.func.sum(column) for column in USAGE_COLUMNS),
            sa.func.count().filter(ModelCall.outcome == KEPT),
        )
        .where(ModelCall.run_id.in_(run_ids))
        .group_by(ModelCall.run_id)
    )
    return {row[0]: RunUsage(*(int(value) for value in row[1:])) for row in db.session.execute(query)}


def _sum_pages(run_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int | None]]:
    query = sa.select(RunDocument.run_id, RunDocument.document_id).where(RunDocument.run_id.in_(run_ids))
    documents: dict[UUID, list[UUID]] = {run_id: [] for run_id in run_ids}
    for run_id, document_id in db.session.execute(query):
        documents[run_id].append(document_id)
    counts = library.count_pages([i for ids in documents.values() for i in ids])
    result: dict[UUID, tuple[int, int | None]] = {}
    for run_id, ids in documents.items():
        known = [counts[i] for i in ids if i in counts]
        totals = [total for _, total in known if total is not None]
        all_known = len(totals) == len(known)
        result[run_id] = (sum(read for read, _ in known), sum(totals) if all_known else None)
    return result
