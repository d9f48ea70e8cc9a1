"""Operations on items of every kind: list, get, create, update, delete, and list their evidence."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.web.pagination import ListPage, PageQuery, fetch_page
from backend.library import service as library
from backend.library.types import DocumentStatus
from backend.study.errors import DocumentNotRead, DuplicateItem, QuoteRefused
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.items.capacity import count_items, settle_items
from backend.study.items.registry import KINDS, Collection
from backend.study.items.storage import evidence_values, item_values, join_fields
from backend.study.models import EvidenceRow, FlashcardRow, QuestionRow, Topic
from backend.study.types import CitedQuote, Difficulty, Evidence, EvidenceContext, ItemFilter
from backend.study.views import ItemView, evidence_of, select_items

CONTEXT_CHARS = 300
"""Code points of the page's text shown on each side of a quote."""

# Users cite the page they are looking at, so only its neighbours are searched as well.
_PAGES_BESIDE = 2
_FOREIGN_KEY_VIOLATION = "23503"
_UNIQUE_VIOLATION = "23505"
# Fields of every kind that can be changed, in addition to the content.
_CHANGEABLE = frozenset({"difficulty", "topic_id"})


def list_items(
    collection: Collection, user_id: UUID, study_set_id: UUID, chosen: ItemFilter, page: PageQuery
) -> ListPage[ItemView]:
    """Return a page of the study set's items, oldest first. Raises NotFound."""
    library.check_study_set(user_id, study_set_id)
    query = select_items(collection).where(collection.table.study_set_id == study_set_id)
    return fetch_page(query.where(*_narrowed_by(collection, chosen)), collection.table.id, page)


def get_item(collection: Collection, user_id: UUID, item_id: UUID) -> ItemView:
    """Return the item. Raises NotFound."""
    row = db.session.scalar(select_items(collection).where(collection.table.id == item_id))
    if row is None:
        raise NotFound
    library.check_study_set(user_id, row.study_set_id)
    return row


def create_item(
    collection: Collection,
    user_id: UUID,
    study_set_id: UUID,
    *,
    kind: str,
    content: Mapping[str, Any],
    difficulty: Difficulty,
    topic_id: UUID | None = None,
    cited: CitedQuote | None = None,
) -> ItemView:
    """Add an item written by hand; ``content`` has the fields of its kind's request.

    Raises NotFound, FieldsDoNotFitKind, the errors of the kind, DuplicateItem, DocumentNotRead, QuoteRefused,
    StudySetFull, StorageQuotaExceeded.
    """
    library.get_study_set(user_id, study_set_id, lock=True)
    _check_topic(study_set_id, topic_id)
    evidence = _locate(user_id, study_set_id, cited) if cited is not None else None
    written = KINDS[kind].write(content)
    row = collection.table(
        id=new_id(),
        study_set_id=study_set_id,
        difficulty=difficulty.value,
        topic_id=topic_id,
        **item_values(collection, kind, written),
    )
    db.session.add(row)
    _save()
    if evidence is not None:
        db.session.execute(sa.insert(EvidenceRow).values(evidence_values(collection, row.id, evidence, position=0)))
    settle_items(user_id, study_set_id)
    return get_item(collection, user_id, row.id)


def update_item(collection: Collection, user_id: UUID, item_id: UUID, changes: Mapping[str, Any]) -> ItemView:
    """Change an item, but not its kind.

    Raises NotFound, FieldsDoNotFitKind, the errors of the kind, DuplicateItem, StudySetFull, StorageQuotaExceeded.
    """
    row = _lock(collection, user_id, item_id)
    _check_topic(row.study_set_id, changes.get("topic_id"))
    values = {name: value for name, value in changes.items() if name in _CHANGEABLE}
    content = {name: value for name, value in changes.items() if name not in _CHANGEABLE}
    if content:
        kind = KINDS[row.kind]
        before = kind.read(join_fields({name: getattr(row, name) for name in collection.columns}))
        values |= item_values(collection, row.kind, kind.write(content, before))
    for name, value in values.items():
        setattr(row, name, value)
    _save()
    settle_items(user_id, row.study_set_id)
    return get_item(collection, user_id, item_id)


def delete_item(collection: Collection, user_id: UUID, item_id: UUID) -> None:
    """Delete an item with its evidence. Raises NotFound."""
    row = _lock(collection, user_id, item_id)
    db.session.delete(row)
    db.session.flush()
    count_items(row.study_set_id)


def list_item_evidence(collection: Collection, user_id: UUID, item_id: UUID) -> list[EvidenceContext]:
    """Return the item's evidence in order, with the page's text around each quote. Raises NotFound."""
    return [
        _in_context(evidence, document.id, document.filename, page.text)
        for evidence in evidence_of(get_item(collection, user_id, item_id))
        for document in library.load_texts([evidence.document_id], (evidence.page, evidence.page))
        for page in document.pages
    ]


def _in_context(evidence: Evidence, document_id: UUID, filename: str, text: str) -> EvidenceContext:
    start, end = evidence.start, evidence.end
    is_page = start is None or end is None
    return EvidenceContext(
        document_id=document_id,
        filename=filename,
        page=evidence.page,
        quote=None if is_page else text[start:end],
        start=start,
        end=end,
        status=evidence.status,
        option_id=evidence.option_id,
        text_before="" if start is None else text[max(0, start - CONTEXT_CHARS) : start],
        text_after="" if end is None else text[end : end + CONTEXT_CHARS],
        page_text_length=len(text),
        boxes=None if start is None or end is None else library.find_boxes(document_id, evidence.page, start, end),
    )


def _narrowed_by(collection: Collection, chosen: ItemFilter) -> Iterator[sa.ColumnElement[bool]]:
    table = collection.table
    if chosen.topic_id is not None:
        yield table.topic_id == chosen.topic_id
    if chosen.kind is not None:
        yield table.kind == chosen.kind
    if chosen.difficulty is not None:
        yield table.difficulty == chosen.difficulty
    if chosen.run_id is not None:
        yield table.run_id == chosen.run_id
    if chosen.document_id is not None:
        yield table.id.in_(sa.select(collection.evidence).where(EvidenceRow.document_id == chosen.document_id))
    if chosen.text:
        yield sa.or_(*(texts.icontains(chosen.text, autoescape=True) for texts in collection.searched))


def _lock(collection: Collection, user_id: UUID, item_id: UUID) -> FlashcardRow | QuestionRow:
    """Lock the study set, then the item's row, and return the row. Raises NotFound."""
    study_set_id = db.session.scalar(sa.select(collection.table.study_set_id).where(collection.table.id == item_id))
    if study_set_id is None:
        raise NotFound
    library.get_study_set(user_id, study_set_id, lock=True)
    mine = sa.select(collection.table).where(collection.table.id == item_id, collection.is_known)
    row = db.session.scalar(mine.with_for_update())
    if not isinstance(row, FlashcardRow | QuestionRow):
        raise NotFound
    return row


def _check_topic(study_set_id: UUID, topic_id: UUID | None) -> None:
    """Raise NotFound unless the topic belongs to the study set."""
    if topic_id is None:
        return
    mine = sa.select(Topic.id).where(Topic.id == topic_id, Topic.study_set_id == study_set_id)
    if db.session.scalar(mine) is None:
        raise NotFound


def _save() -> None:
    """Flush. Raises DuplicateItem, and NotFound if the study set or topic has been deleted meanwhile."""
    try:
        db.session.flush()
    except IntegrityError as error:
        state = getattr(error.orig, "pgcode", None)
        if state == _UNIQUE_VIOLATION:
            raise DuplicateItem from None
        if state == _FOREIGN_KEY_VIOLATION:
            raise NotFound from None
        raise


def _locate(user_id: UUID, study_set_id: UUID, cited: CitedQuote) -> Evidence:
    """Look a quote up on the cited page and its neighbours. Raises NotFound, DocumentNotRead, QuoteRefused."""
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


def find_study_sets_in_use(study_set_ids: Sequence[UUID], since: datetime) -> set[UUID]:
    """Return which of the study sets have had an item added or changed since a time."""
    used: set[UUID] = set()
    for model in (FlashcardRow, QuestionRow):
        changed = sa.select(model.study_set_id).where(model.study_set_id.in_(study_set_ids), model.updated_at >= since)
        used |= set(db.session.scalars(changed.distinct()))
    return used
