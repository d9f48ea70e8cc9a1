"""What a run has made and where from, for receipts and for asking for more without repeats."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from backend.core.database.database import db
from backend.study.models import EvidenceRow, Flashcard, Question
from backend.study.types import Counts, PageItems


def list_existing_fronts(
    study_set_id: UUID, document_id: UUID, first_page: int, last_page: int, limit: int = 60
) -> list[str]:
    """Return fronts and stems of items with evidence on these pages, oldest first, at most ``limit``.

    The caller answers for the permission.
    """
    on_pages = (EvidenceRow.document_id == document_id, EvidenceRow.page.between(first_page, last_page))
    cards = sa.select(Flashcard.id, Flashcard.front.label("front")).where(
        Flashcard.study_set_id == study_set_id,
        Flashcard.id.in_(sa.select(EvidenceRow.flashcard_id).where(*on_pages)),
    )
    questions = sa.select(Question.id, Question.stem.label("front")).where(
        Question.study_set_id == study_set_id,
        Question.id.in_(sa.select(EvidenceRow.question_id).where(*on_pages)),
    )
    both = sa.union_all(cards, questions).subquery()
    return list(db.session.scalars(sa.select(both.c.front).order_by(both.c.id).limit(limit)))


def list_items_by_page(run_id: UUID) -> list[PageItems]:
    """Return how many of the run's items come from each page, by document and page.

    An item counts once, on the page of its first evidence; pages without items are not listed.
    """
    item_id = sa.func.coalesce(EvidenceRow.flashcard_id, EvidenceRow.question_id)
    first = (
        sa.select(EvidenceRow.document_id, EvidenceRow.page, EvidenceRow.flashcard_id, EvidenceRow.question_id)
        .ext(distinct_on(item_id))
        .where(
            sa.or_(
                EvidenceRow.flashcard_id.in_(sa.select(Flashcard.id).where(Flashcard.run_id == run_id)),
                EvidenceRow.question_id.in_(sa.select(Question.id).where(Question.run_id == run_id)),
            )
        )
        .order_by(item_id, EvidenceRow.position)
        .subquery()
    )
    rows = db.session.execute(
        sa.select(
            first.c.document_id,
            first.c.page,
            sa.func.count(first.c.flashcard_id),
            sa.func.count(first.c.question_id),
        )
        .group_by(first.c.document_id, first.c.page)
        .order_by(first.c.document_id, first.c.page)
    )
    return [PageItems(document_id, page, Counts(*counted)) for document_id, page, *counted in rows]
