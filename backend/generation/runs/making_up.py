"""Makes up for missing items: sections that gave all that was asked of them are asked for those that others lacked."""

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.work.jobs import JobState
from backend.generation.models import Run, Step
from backend.generation.runs.left_out import section_of
from backend.generation.sections.cutting import automatic_counts, fill
from backend.generation.types import StepKind
from backend.study.types import Counts

# Of the number of items that is made of a section if the user names none. More than that is repetition.
_CAPACITY = 2


def find_sections_with_room(run: Run) -> list[tuple[Step, Counts]]:
    """Return the sections of a locked run that may give more, with how much to ask of each; none the second time.

    Sections that gave less than was asked of them have no more to give.
    """
    asked = run.asked.settled()
    missing = Counts() if asked is None else asked.beyond(run.delivered)
    query = sa.select(Step).where(Step.run_id == run.id, Step.kind == StepKind.SECTION, Step.halved.is_(False))
    steps = db.session.scalars(query.order_by(Step.position, Step.id)).all()
    if not missing or any(step.makes_up for step in steps):
        return []
    full = [
        step
        for step in steps
        if step.state == JobState.DONE and step.document_id is not None and not step.asked.beyond(step.kept)
    ]
    rooms = [_measure_room(step) for step in full]
    return [(step, share) for step, share in zip(full, fill(missing, rooms), strict=True) if share]


def _measure_room(step: Step) -> Counts:
    most = automatic_counts([section_of(step)])
    return Counts(most.flashcards * _CAPACITY, most.questions * _CAPACITY).beyond(step.kept)
