"""Flashcards as a student reads, writes and changes them."""

from typing import TypedDict
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.web.pagination import Page, PageQuery, fetch_page
from backend.library import service as library
from backend.study.errors import BackMissing, ClozeWithoutDeletion
from backend.study.exports.anki_fields import has_first_deletion, to_cloze_field
from backend.study.items.capacity import count_items, settle_items
from backend.study.items.duplicates import fingerprint
from backend.study.items.items import check_topic, locate, lock_item, narrowed_by, save, show_evidence
from backend.study.material import evidence_values, flashcard_text
from backend.study.models import EvidenceRow, Flashcard
from backend.study.types import CitedQuote, Difficulty, EvidenceContext, FlashcardKind, ItemFilter
from backend.study.views import FlashcardRow, select_flashcards


class FlashcardChanges(TypedDict, total=False):
    """What of a card can be changed."""

    front: str
    back: str
    difficulty: Difficulty
    topic_id: UUID | None


def list_flashcards(user_id: UUID, study_set_id: UUID, chosen: ItemFilter, page: PageQuery) -> Page[FlashcardRow]:
    """Return a page of the study set's flashcards, oldest first. Raises NotFound."""
    library.check_study_set(user_id, study_set_id)
    query = select_flashcards().where(Flashcard.study_set_id == study_set_id)
    query = query.where(*narrowed_by(Flashcard, EvidenceRow.flashcard_id, chosen))
    if chosen.kind is not None:
        query = query.where(Flashcard.kind == chosen.kind)
    if chosen.text:
        query = query.where(
            sa.or_(
                Flashcard.front.icontains(chosen.text, autoescape=True),
                Flashcard.back.icontains(chosen.text, autoescape=True),
            )
        )
    return fetch_page(query, Flashcard.id, page)


def get_flashcard(user_id: UUID, flashcard_id: UUID) -> FlashcardRow:
    """Return the flashcard. Raises NotFound."""
    row = db.session.scalar(select_flashcards().where(Flashcard.id == flashcard_id))
    if row is None:
        raise NotFound
    library.check_study_set(user_id, row.study_set_id)
    return row


def list_flashcard_evidence(user_id: UUID, flashcard_id: UUID) -> list[EvidenceContext]:
    """Return the flashcard's evidence with the text around it. Raises NotFound."""
    return show_evidence(get_flashcard(user_id, flashcard_id))


def create_flashcard(
    user_id: UUID,
    study_set_id: UUID,
    *,
    kind: FlashcardKind,
    front: str,
    back: str,
    difficulty: Difficulty,
    topic_id: UUID | None = None,
    cited: CitedQuote | None = None,
) -> FlashcardRow:
    """Add a flashcard written by hand.

    Raises NotFound, ClozeWithoutDeletion, BackMissing, DuplicateItem, DocumentNotRead, QuoteRefused.
    """
    library.get_study_set(user_id, study_set_id, lock=True)
    check_topic(study_set_id, topic_id)
    evidence = locate(user_id, study_set_id, cited) if cited is not None else None
    card = Flashcard(
        id=new_id(),
        study_set_id=study_set_id,
        kind=kind.value,
        front=front,
        back=back,
        difficulty=difficulty.value,
        topic_id=topic_id,
    )
    _check(card)
    db.session.add(card)
    save()
    if evidence is not None:
        db.session.execute(sa.insert(EvidenceRow).values(evidence_values(evidence, 0, flashcard_id=card.id)))
    settle_items(user_id, study_set_id)
    return get_flashcard(user_id, card.id)


def update_flashcard(user_id: UUID, flashcard_id: UUID, changes: FlashcardChanges) -> FlashcardRow:
    """Change a flashcard. Raises NotFound, ClozeWithoutDeletion, BackMissing, DuplicateItem."""
    card = lock_item(Flashcard, user_id, flashcard_id)
    check_topic(card.study_set_id, changes.get("topic_id"))
    for name, value in changes.items():
        setattr(card, name, value)
    if {"front", "back"} & changes.keys():
        _check(card)
    save()
    settle_items(user_id, card.study_set_id)
    return get_flashcard(user_id, flashcard_id)


def delete_flashcard(user_id: UUID, flashcard_id: UUID) -> None:
    """Delete a flashcard. Raises NotFound."""
    item = lock_item(Flashcard, user_id, flashcard_id)
    db.session.delete(item)
    db.session.flush()
    count_items(item.study_set_id)


def _check(card: Flashcard) -> None:
    """Check a card's texts and mark it with its fingerprint."""
    if card.kind == FlashcardKind.CLOZE and not has_first_deletion(to_cloze_field(card.front)):
        raise ClozeWithoutDeletion
    if card.kind == FlashcardKind.BASIC and not card.back:
        raise BackMissing
    text = flashcard_text(card.kind, card.front, card.back)
    card.fingerprint = fingerprint(text.front, text.answer)
