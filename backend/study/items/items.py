"""What flashcards and questions have in common: finding, checking, saving, and the evidence of each."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.library import service as library
from backend.library.types import DocumentStatus
from backend.study.errors import DocumentNotRead, DuplicateItem, QuoteRefused
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.models import EvidenceRow, Flashcard, Question, Topic
from backend.study.types import CitedQuote, Evidence, EvidenceContext, ItemFilter
from backend.study.views import ItemRow, evidence_of

_Item = TypeVar("_Item", Flashcard, Question)

CONTEXT_CHARS = 300
"""How much of the page's text is shown on each side of a quote, in code points."""

# A student cites the page that she looks at, so only its neighbours are searched as well.
_PAGES_BESIDE = 2
_FOREIGN_KEY_VIOLATION = "23503"
_UNIQUE_VIOLATION = "23505"


def narrowed_by(
    model: type[Flashcard] | type[Question],
    item_of_evidence: InstrumentedAttribute[UUID | None],
    chosen: ItemFilter,
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions on what both kinds of items have; ``kind`` and ``text`` are the caller's."""
    if chosen.topic_id is not None:
        yield model.topic_id == chosen.topic_id
    if chosen.difficulty is not None:
        yield model.difficulty == chosen.difficulty
    if chosen.run_id is not None:
        yield model.run_id == chosen.run_id
    if chosen.document_id is not None:
        from_document = sa.select(item_of_evidence).where(EvidenceRow.document_id == chosen.document_id)
        yield model.id.in_(from_document)


def lock_item(model: type[_Item], user_id: UUID, item_id: UUID) -> _Item:
    """Return the item, locked against concurrent changes after its study set. Raises NotFound."""
    study_set_id = db.session.scalar(sa.select(model.study_set_id).where(model.id == item_id))
    if study_set_id is None:
        raise NotFound
    library.get_study_set(user_id, study_set_id, lock=True)
    item = db.session.scalar(sa.select(model).where(model.id == item_id).with_for_update())
    if item is None:
        raise NotFound
    return item


def check_topic(study_set_id: UUID, topic_id: UUID | None) -> None:
    """Raise NotFound when the topic is not one of the study set."""
    if topic_id is None:
        return
    mine = sa.select(Topic.id).where(Topic.id == topic_id, Topic.study_set_id == study_set_id)
    if db.session.scalar(mine) is None:
        raise NotFound


def save() -> None:
    """Write what has changed. Raises DuplicateItem; NotFound when what it belongs to has been deleted meanwhile."""
    try:
        db.session.flush()
    except IntegrityError as error:
        state = getattr(error.orig, "pgcode", None)
        if state == _UNIQUE_VIOLATION:
            raise DuplicateItem from None
        if state == _FOREIGN_KEY_VIOLATION:
            raise NotFound from None
        raise


def locate(user_id: UUID, study_set_id: UUID, cited: CitedQuote) -> Evidence:
    """Look a quote up on the cited page and those beside it. Raises NotFound, DocumentNotRead, QuoteRefused."""
    document = library.get_document(user_id, cited.document_id)
    if document.study_set_id != study_set_id:
        raise NotFound
    if library.document_status(document) != DocumentStatus.READY:
        raise DocumentNotRead
    near = (cited.page - _PAGES_BESIDE, cited.page + _PAGES_BESIDE)
    pages = [page for text in library.load_texts([document.id], near) for page in text.pages]
    found = PageIndex(document.id, pages).locate(cited.quote, cited.page)
    if isinstance(found, QuoteProblem):
        raise QuoteRefused(found)
    return found


def show_evidence(row: ItemRow) -> list[EvidenceContext]:
    """Return the item's evidence in order, each with the page's text around it. The row is the caller's to check."""
    shown = []
    for evidence in evidence_of(row):
        for document in library.load_texts([evidence.document_id], (evidence.page, evidence.page)):
            for page in document.pages:
                start, end = evidence.start, evidence.end
                shown.append(
                    EvidenceContext(
                        document_id=document.id,
                        filename=document.filename,
                        page=page.number,
                        quote=page.text[start:end],
                        start=start,
                        end=end,
                        status=evidence.status,
                        text_before=page.text[max(0, start - CONTEXT_CHARS) : start],
                        text_after=page.text[end : end + CONTEXT_CHARS],
                        page_text_length=len(page.text),
                    )
                )
    return shown


def find_study_sets_in_use(study_set_ids: Sequence[UUID], since: datetime) -> set[UUID]:
    """Return those of the study sets in which an item has been written or changed since a time."""
    used: set[UUID] = set()
    for model in (Flashcard, Question):
        changed = sa.select(model.study_set_id).where(model.study_set_id.in_(study_set_ids), model.updated_at >= since)
        used |= set(db.session.scalars(changed.distinct()))
    return used
