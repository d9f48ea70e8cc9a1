"""The coverage receipt of a run: what each page gave, and what was left out with its reason."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from backend.core.database import db
from backend.core.jobs import JobState
from backend.generation.models import Run, RunDocument, Step
from backend.generation.types import DocumentCoverage, PageCoverage, Skipped, StepKind
from backend.library import service as library
from backend.study import service as study


@dataclass(frozen=True, slots=True)
class Receipt:
    """Asked, delivered, and where the difference went."""

    run: Run
    documents: tuple[DocumentCoverage, ...]


def build_receipt(run: Run) -> Receipt:
    """Return the receipt of a run as far as it has come. Documents deleted since are left out."""
    query = sa.select(RunDocument.document_id).where(RunDocument.run_id == run.id)
    document_ids = db.session.scalars(query.order_by(RunDocument.document_id)).all()
    filenames = library.find_filenames(document_ids)
    pages: dict[UUID, list[PageCoverage]] = defaultdict(list)
    for row in study.list_items_by_page(run.id):
        pages[row.document_id].append(PageCoverage(row.page, row.flashcards, row.questions))
    skipped: dict[UUID, list[Skipped]] = defaultdict(list)
    for entry in run.skipped:
        skipped[UUID(entry["document_id"])].append(Skipped(entry["first_page"], entry["last_page"], entry["reason"]))
    for document_id, step in _steps_without_items(run.id):
        skipped[document_id].append(step)
    coverage = tuple(
        DocumentCoverage(
            document_id=document_id,
            filename=filenames[document_id],
            pages=tuple(sorted(pages[document_id], key=lambda p: p.page)),
            skipped=tuple(sorted(skipped[document_id], key=lambda s: (s.first_page or 0, s.reason))),
        )
        for document_id in document_ids
        if document_id in filenames
    )
    return Receipt(run, coverage)


def _steps_without_items(run_id: UUID) -> list[tuple[UUID, Skipped]]:
    """Sections that ended without an item. Halved sections speak through their halves."""
    steps = db.session.scalars(
        sa.select(Step)
        .where(
            Step.run_id == run_id,
            Step.kind == StepKind.SECTION,
            Step.state.in_((JobState.DONE, JobState.FAILED, JobState.CANCELLED)),
            Step.flashcards_kept + Step.questions_kept == 0,
        )
        .order_by(Step.position, Step.id)
    ).all()
    halved = {step.position for step in steps if step.depth > 0}
    result = []
    for step in steps:
        if step.document_id is None or (step.depth == 0 and step.position in halved):
            continue
        if step.state == JobState.FAILED:
            reason = step.error_code or "bad_output"
        else:
            reason = "cancelled" if step.state == JobState.CANCELLED else "nothing_suitable"
        result.append((step.document_id, Skipped(step.first_page, step.last_page, reason)))
    return result
