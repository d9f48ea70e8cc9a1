"""Continues a run that ended for lack of credits, and starts ended runs again, each as a new run."""

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.generation.errors import NoDocuments, RunNotContinuable
from backend.generation.models import Run
from backend.generation.runs.admission import part_of
from backend.generation.runs.left_out import find_left_out
from backend.generation.runs.starting import Origin, start_run
from backend.generation.runs.support import wish_of
from backend.generation.types import INSUFFICIENT_CREDITS, RunState, RunWish
from backend.library import service as library
from backend.study.types import AskedCounts, Counts


def continue_run(user_id: UUID, run_id: UUID, max_credits: int | None) -> Run:
    """Continue an ended run as a new run that makes what is missing. Repeated calls return the same new run.

    A run that ended partly done is continued with exactly the sections that it left out; one that failed for lack of
    credits is started again with the same wish. ``max_credits`` bounds what the new run may cost; None keeps the bound.

    Raises NotFound, RunNotContinuable, NoDocuments, and what ``start_run`` raises.
    """
    run = db.session.scalar(sa.select(Run).where(Run.id == run_id, Run.user_id == user_id))
    if run is None:
        raise NotFound
    if run.state != RunState.PARTIAL and run.error_code != INSUFFICIENT_CREDITS:
        raise RunNotContinuable
    # Of two concurrent calls, the second waits here and finds the run of the first.
    if not library.lock_study_set(run.study_set_id):
        raise NotFound
    known = db.session.scalar(sa.select(Run).where(Run.continues == run_id))
    if known is not None:
        return known
    wish = wish_of(run) if max_credits is None else replace(wish_of(run), max_credits=max_credits)
    return start_again(run, wish, Origin(continues=run_id))


def start_again(run: Run, wish: RunWish, origin: Origin) -> Run:
    """Start a run that makes what an ended one left out or, if it failed or was cancelled, what it was to make.

    Raises NoDocuments, and what ``start_run`` raises.
    """
    steps = find_left_out(run.id)
    # Documents may have been deleted.
    if not wish.document_ids or (run.state == RunState.PARTIAL and not steps):
        raise NoDocuments
    if steps:
        missing = sum((step.asked for step in steps), Counts())
        documents = tuple(sorted({step.document_id for step in steps if step.document_id is not None}))
        wish = replace(wish, document_ids=documents, asked=AskedCounts(missing.flashcards, missing.questions))
        origin = replace(origin, parts=tuple(part_of(step) for step in steps))
    return start_run(run.user_id, run.study_set_id, wish, origin)
