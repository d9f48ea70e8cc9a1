"""The sections that a run left out because its credits did not suffice, or because they failed."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.work.jobs import JobState
from backend.generation.models import Run, Step
from backend.generation.runs.admission import part_of
from backend.generation.sections.cutting import Section
from backend.generation.types import RunState, StepKind


def list_left_out(run_id: UUID) -> Sequence[Step]:
    """Return the sections that a run left out, in order; none unless it ended partly done.

    Those of documents deleted since are gone.
    """
    query = (
        sa.select(Step)
        .join(Run, Run.id == Step.run_id)
        .where(
            Step.run_id == run_id,
            Run.state == RunState.PARTIAL,
            Step.kind == StepKind.SECTION,
            Step.state.in_((JobState.CANCELLED, JobState.FAILED)),
            Step.halved.is_(False),
            Step.makes_up.is_(False),
            Step.document_id.is_not(None),
        )
    )
    return db.session.scalars(query.order_by(Step.position, Step.id)).all()


def find_left_out(run_id: UUID | None) -> Sequence[Step]:
    """Return the sections that an ended run left out or, if it failed, was to make for an earlier run; else none.

    So a continuation that failed is not started again with whole documents.
    """
    while run_id is not None:
        run = db.session.get_one(Run, run_id)
        if run.state == RunState.PARTIAL:
            return list_left_out(run_id)
        run_id = run.continues or run.retry_of
    return ()


def section_of(step: Step) -> Section:
    first, last = step.first_page or 1, step.last_page or 1
    return Section(first, last, None, part_of(step).chars, step.start, step.end)
