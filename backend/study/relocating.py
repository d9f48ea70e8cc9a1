"""Locates the quotes of a document in its new text, after it was read again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.types import PageText, QuoteCounts
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.models import EvidenceRow
from backend.study.types import Evidence, EvidenceStatus


def relocate_quotes(document_id: UUID, pages: Sequence[PageText]) -> QuoteCounts:
    """Point all evidence on a document at its new pages.

    A quote that is not found becomes the whole page, which is uncheckable. Its words are kept, so that it is looked up
    again when the document is read again. The caller has locked the study set.
    """
    last_page = max((page.number for page in pages), default=1)
    index = PageIndex(document_id, pages)
    found: dict[tuple[str, int], Evidence | QuoteProblem] = {}
    located = lost = 0
    lost_pages: set[int] = set()
    changes: list[dict[str, Any]] = []
    for row in db.session.execute(_select_evidence(document_id)):
        if row.quote is None:
            if row.page > last_page:
                changes.append(_whole_page(row.id, last_page, None))
            continue
        at = (row.quote, row.page)
        if at not in found:
            found[at] = index.locate(*at)
        evidence = found[at]
        if isinstance(evidence, QuoteProblem):
            lost += 1
            page = min(row.page, last_page)
            lost_pages.add(page)
            changes.append(_whole_page(row.id, page, row.quote))
        else:
            located += 1
            changes.append(_quote(row.id, evidence))
    if changes:
        db.session.execute(sa.update(EvidenceRow), changes)
    return QuoteCounts(located, lost, frozenset(lost_pages))


def _select_evidence(document_id: UUID) -> sa.Select[UUID, int, str]:
    quote = sa.func.coalesce(EvidenceRow.quote, EvidenceRow.lost_quote).label("quote")
    return (
        sa.select(EvidenceRow.id, EvidenceRow.page, quote)
        .where(EvidenceRow.document_id == document_id)
        .order_by(EvidenceRow.id)
    )


def _whole_page(row_id: UUID, page: int, lost_quote: str | None) -> dict[str, Any]:
    return {
        "id": row_id,
        "page": page,
        "quote": None,
        "start": None,
        "end": None,
        "lost_quote": lost_quote,
        "status": EvidenceStatus.UNCHECKABLE.value,
    }


def _quote(row_id: UUID, evidence: Evidence) -> dict[str, Any]:
    return {
        "id": row_id,
        "page": evidence.page,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "lost_quote": None,
        "status": evidence.status.value,
    }
