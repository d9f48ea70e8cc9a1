"""Starts runs, and estimates what they would cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from backend.accounts import service as accounts
from backend.accounts.types import ActivityKind
from backend.core.database.database import db
from backend.core.database.quotas import lock_quota, try_turn
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import current_request_id
from backend.generation.charging import bookings
from backend.generation.charging.discarded import refuse_discarding
from backend.generation.charging.estimates import Estimate, Part
from backend.generation.charging.prices import RunPrices, current_prices, prices_of_new_run
from backend.generation.errors import (
    EstimateInProgress,
    MaxCreditsTooLow,
    NoDocuments,
    NoReadableDocument,
    NothingWanted,
    TooManyActiveRuns,
)
from backend.generation.language_models.choice import get_language_model
from backend.generation.models import Run, RunDocument
from backend.generation.runs import events
from backend.generation.runs.estimating import (
    RunEstimate,
    UploadedDocument,
    estimate_documents,
    estimate_parts,
    limit_to_wish,
    predict_first,
)
from backend.generation.runs.planning import plan_when_read
from backend.generation.types import RunState, RunWish
from backend.library import service as library
from backend.library.types import DocumentStatus
from backend.settings import get_settings
from backend.study import service as study
from backend.study.types import AskedCounts, Counts


@dataclass(frozen=True, slots=True)
class Origin:
    """The ended run that a new run retries or continues. ``parts`` are the sections to continue, if they are known."""

    retry_of: UUID | None = None
    continues: UUID | None = None
    parts: Sequence[Part] = ()


_NEW = Origin()


def start_run(user_id: UUID, study_set_id: UUID, wish: RunWish, origin: Origin = _NEW) -> Run:
    """Start a run over documents of the study set. It is planned once they have been read.

    Its credits are reserved now if the user named both counts, else when it is planned.

    Raises NotFound, NoDocuments, NoReadableDocument, NothingWanted, StudySetFull, TooManyActiveRuns,
    TooMuchDiscardedWork, MaxCreditsTooLow, InsufficientCredits, SpendingFrozen, ModelNotPriced.
    """
    documents = _find_documents(user_id, study_set_id, wish)
    study.check_room_for_items(study_set_id)
    prices = prices_of_new_run()
    if prices.is_charged:
        refuse_discarding(user_id)
    amount = _estimate_to_reserve(study_set_id, wish, documents, origin, prices)
    _check_active_runs(user_id)
    wish = replace(wish, document_ids=tuple(document.id for document in documents))
    run = _add_run(user_id, study_set_id, wish, origin, prices)
    events.add_event(run, "run.started", documents=len(documents))
    accounts.record_activity(
        user_id,
        ActivityKind.RUN_STARTED,
        run_id=str(run.id),
        study_set_id=str(study_set_id),
        documents=len(documents),
        flashcards=wish.asked.flashcards,
        questions=wish.asked.questions,
    )
    db.session.flush()
    plan_when_read(run)
    db.session.flush()
    # Last, because of the order of locks.
    bookings.reserve_at_start(run, amount)
    return run


@dataclass(frozen=True, slots=True)
class PricedEstimate:
    """An estimate with the price list that it follows. ``is_charged`` is false if the user would pay nothing."""

    estimate: RunEstimate
    price_list: str
    is_charged: bool


def estimate_run(user_id: UUID, study_set_id: UUID, wish: RunWish) -> PricedEstimate:
    """Return what a run with this wish would cost.

    Raises NotFound, NoDocuments, NoReadableDocument, NothingWanted, EstimateInProgress, ModelNotPriced.
    """
    if not try_turn("estimate", user_id):
        raise EstimateInProgress
    documents = _find_documents(user_id, study_set_id, wish)
    prices = current_prices()
    found = estimate_documents(study_set_id, documents, wish.asked, prices)
    return PricedEstimate(found, prices.price_list.name if prices.price_list else "", prices.is_charged)


def _find_documents(user_id: UUID, study_set_id: UUID, wish: RunWish) -> Sequence[UploadedDocument]:
    if wish.asked == AskedCounts(0, 0):
        raise NothingWanted
    library.check_study_set(user_id, study_set_id)
    if not library.keep_study_set(study_set_id):
        raise NotFound
    documents = library.lock_documents(study_set_id, wish.document_ids)
    if not documents:
        raise NoDocuments
    if all(library.document_status(document) is DocumentStatus.FAILED for document in documents):
        raise NoReadableDocument
    return documents


def _estimate_to_reserve(
    study_set_id: UUID, wish: RunWish, documents: Sequence[UploadedDocument], origin: Origin, prices: RunPrices
) -> int:
    """Return how many credits to reserve now; 0 if that is known only when the run is planned.

    Raises MaxCreditsTooLow.
    """
    if not prices.is_charged or wish.asked.settled() is None:
        return 0
    cost: Estimate
    if origin.parts:
        cost, first = estimate_parts(study_set_id, origin.parts, prices), predict_first(origin.parts, prices)
    else:
        found = estimate_documents(study_set_id, documents, wish.asked, prices)
        cost, first = found.credits, found.first
    if wish.max_credits is not None and wish.max_credits < first:
        raise MaxCreditsTooLow(required=first, max_credits=wish.max_credits)
    return limit_to_wish(wish.max_credits, cost)


def _check_active_runs(user_id: UUID) -> None:
    lock_quota("runs", user_id)
    limit = get_settings().max_active_runs_per_user
    if count_active_runs(user_id) >= limit:
        raise TooManyActiveRuns(limit=limit)


def count_active_runs(user_id: UUID) -> int:
    """Return how many runs of the user have not ended."""
    query = sa.select(sa.func.count()).select_from(Run).where(Run.user_id == user_id, Run.ended_at.is_(None))
    return db.session.scalar(query) or 0


def _add_run(user_id: UUID, study_set_id: UUID, wish: RunWish, origin: Origin, prices: RunPrices) -> Run:
    model = get_language_model()
    run = Run(
        id=new_id(),
        study_set_id=study_set_id,
        user_id=user_id,
        state=RunState.READING,
        model=model.name,
        is_draft=model.is_draft,
        language=wish.language,
        difficulty=wish.difficulty,
        asked=wish.asked,
        delivered=Counts(),
        duplicates=0,
        rejected={},
        skipped=[],
        last_event=0,
        retry_of=origin.retry_of,
        continues=origin.continues,
        max_credits=wish.max_credits,
        price_list=prices.stored_list,
        request_id=current_request_id(),
    )
    db.session.add(run)
    db.session.flush()
    db.session.add_all(RunDocument(run_id=run.id, document_id=document_id) for document_id in wish.document_ids or ())
    return run
