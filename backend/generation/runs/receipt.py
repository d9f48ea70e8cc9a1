"""The coverage receipt of a run: the items from each page, and what was left out and why."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.work.jobs import JobState
from backend.generation.checks.section import MORE_THAN_ASKED
from backend.generation.models import Run, RunDocument, Step
from backend.generation.runs.left_out import find_left_out
from backend.generation.types import (
    ACTIVE_STATES,
    EARLIER_RUN,
    ENDED_STATES,
    OVER_BUDGET,
    DocumentCoverage,
    PageCoverage,
    PartialReason,
    RunState,
    Skipped,
    StepKind,
)
from backend.library import service as library
from backend.library.types import ReadingWarning
from backend.study import service as study
from backend.study.types import AskedCounts

_NOTHING_SUITABLE = "nothing_suitable"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Requested and delivered items, and an account of the difference.

    ``missing`` is the number requested but not delivered. ``not_written`` is the part of it that was neither rejected
    nor a duplicate; None until the run has ended.
    """

    run: Run
    documents: tuple[DocumentCoverage, ...]
    missing: AskedCounts
    not_written: int | None


def build_receipt(run: Run) -> Receipt:
    """Return the receipt of a run so far. Documents deleted since are left out.

    Once the run has ended, every page that was read either has items or is listed with a reason. It may be both if a
    part of it was left out.
    """
    query = sa.select(RunDocument.document_id).where(RunDocument.run_id == run.id)
    document_ids = db.session.scalars(query.order_by(RunDocument.document_id)).all()
    filenames, numbers = library.find_filenames(document_ids), library.list_page_numbers(document_ids)
    warnings = library.list_warnings(document_ids)
    pages: dict[UUID, list[PageCoverage]] = defaultdict(list)
    for row in study.list_items_by_page(run.id):
        pages[row.document_id].append(PageCoverage(row.page, row.counts))
    planned: dict[UUID, list[Skipped]] = defaultdict(list)
    for entry in run.skipped:
        planned[UUID(entry["document_id"])].append(Skipped(entry["first_page"], entry["last_page"], entry["reason"]))
    steps = _steps_by_document(run.id)
    coverage = tuple(
        DocumentCoverage(
            document_id=document_id,
            filename=filenames[document_id],
            pages=tuple(sorted(pages[document_id], key=lambda page: page.page)),
            skipped=_skipped(
                run,
                numbers[document_id],
                {page.page for page in pages[document_id]},
                planned[document_id],
                steps.get(document_id, ()),
            ),
            warnings=_warnings(
                warnings[document_id],
                {page.page for page in pages[document_id]},
                planned[document_id],
                steps.get(document_id, ()),
            ),
        )
        for document_id in document_ids
        if document_id in filenames
    )
    missing = run.asked.beyond(run.delivered)
    return Receipt(run, coverage, missing, _not_written(run, missing))


def _steps_by_document(run_id: UUID) -> Mapping[UUID, Sequence[Step]]:
    """Return section steps by document.

    A halved section is left out, because its halves replaced it, and so is one that is asked for more.
    """
    query = sa.select(Step).where(
        Step.run_id == run_id, Step.kind == StepKind.SECTION, Step.halved.is_(False), Step.makes_up.is_(False)
    )
    steps: dict[UUID, list[Step]] = defaultdict(list)
    for step in db.session.scalars(query.order_by(Step.position, Step.id)):
        if step.document_id is not None:
            steps[step.document_id].append(step)
    return steps


def _skipped(
    run: Run, numbers: Iterable[int], given: set[int], planned: Sequence[Skipped], steps: Sequence[Step]
) -> tuple[Skipped, ...]:
    """Return the skipped pages of one document. ``numbers`` are all its pages, ``given`` those with items."""
    rest = _reason_for_the_rest(run)
    whole = tuple(skipped for skipped in planned if skipped.first_page is None)
    if whole:
        return whole
    reasons: dict[int, set[str]] = {number: set() for number in numbers}
    if not reasons:
        return (Skipped(None, None, rest),) if rest else ()
    lost = [(_range(skipped), skipped.reason) for skipped in planned if skipped.reason == OVER_BUDGET]
    lost += [(_range(step), reason) for step in steps if (reason := _loss(run, step)) is not None]
    for pages, reason in lost:
        for page in pages:
            reasons.setdefault(page, set()).add(reason)
    # The kind of a page, such as an index, is a better reason than the outcome of its section.
    for skipped in planned:
        if skipped.reason != OVER_BUDGET:
            reasons.update({page: {skipped.reason} for page in _range(skipped)})
    open_steps = () if run.state in ENDED_STATES else [step for step in steps if step.ended_at is None]
    waiting = {page for step in open_steps for page in _range(step)}
    worked = {page for step in steps if step.state == JobState.DONE for page in _range(step)}
    for page, said in reasons.items():
        reason = _NOTHING_SUITABLE if page in worked else rest
        if not said and page not in given and page not in waiting and reason is not None:
            said.add(reason)
    return _join_pages(reasons)


def _warnings(
    warnings: Iterable[ReadingWarning], given: set[int], planned: Sequence[Skipped], steps: Sequence[Step]
) -> tuple[ReadingWarning, ...]:
    """Return the warnings that touch pages of the run, with those pages only.

    A page skipped as blank is one of them: what could not be read on it may be why.
    """
    looked_at: list[Skipped | Step] = [
        *steps,
        *(skipped for skipped in planned if skipped.first_page and skipped.reason != OVER_BUDGET),
    ]
    own = given | {page for pages in looked_at for page in _range(pages)}
    touched = (replace(one, pages=tuple(page for page in one.pages if page in own)) for one in warnings)
    return tuple(one for one in touched if one.pages)


def _reason_for_the_rest(run: Run) -> str | None:
    """Return why a page was not processed, or None while it may still be."""
    if run.state not in ENDED_STATES:
        return None
    if run.state == RunState.CANCELLED:
        return "cancelled"
    if run.error_code is None and find_left_out(run.continues or run.retry_of):
        return EARLIER_RUN
    # In a run that was planned, only a half of a section without a share of the items has no step.
    return run.error_code or OVER_BUDGET


def _loss(run: Run, step: Step) -> str | None:
    if step.state == JobState.FAILED:
        return step.error_code or "bad_output"
    if step.state != JobState.CANCELLED:
        return None
    # The remaining steps of a run that failed as a whole, or whose credits did not suffice, never started.
    left_out = PartialReason.RESERVATION_USED_UP if run.state in ACTIVE_STATES else "cancelled"
    return run.error_code or run.partial_reason or left_out


def _range(pages: Skipped | Step) -> range:
    return range(pages.first_page or 1, (pages.last_page or 1) + 1)


def _join_pages(reasons: Mapping[int, set[str]]) -> tuple[Skipped, ...]:
    """Join consecutive pages with the same reason."""
    pairs = sorted((reason, page) for page, said in reasons.items() for reason in said)
    joined = []
    for (reason, _), group in groupby(enumerate(pairs), key=lambda pair: (pair[1][0], pair[1][1] - pair[0])):
        pages = [page for _, (_, page) in group]
        joined.append(Skipped(pages[0], pages[-1], reason))
    return tuple(sorted(joined, key=lambda skipped: (skipped.first_page or 0, skipped.reason)))


def _not_written(run: Run, missing: AskedCounts) -> int | None:
    counts = missing.settled()
    if counts is None or run.state not in ENDED_STATES:
        return None
    # Surplus items do not offset missing ones.
    rejected = sum(count for check, count in run.rejected.items() if check != MORE_THAN_ASKED)
    return max(counts.total - rejected - run.duplicates, 0)
