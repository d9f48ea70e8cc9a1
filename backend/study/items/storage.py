"""Converts items and evidence to and from table columns."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from backend.core.ids import new_id
from backend.study.items.duplicates import fingerprint
from backend.study.items.registry import KINDS, Collection
from backend.study.types import Evidence


def join_fields(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's fields by name, whether stored in columns or in ``data``."""
    return {**columns, **columns.get("data", {})}


def item_values(collection: Collection, kind: str, content: object) -> dict[str, Any]:
    """Return the columns that depend on an item's kind and content."""
    text = KINDS[kind].text(content)
    values: dict[str, Any] = {"kind": kind, "fingerprint": fingerprint(text.front, text.answer)}
    data: dict[str, Any] = {}
    for name, value in KINDS[kind].store(content).items():
        (values if name in collection.columns else data)[name] = value
    return {**values, "data": data} if "data" in collection.columns else values


def evidence_values(collection: Collection, item_id: UUID, evidence: Evidence, *, position: int) -> dict[str, object]:
    return {
        "id": new_id(),
        "flashcard_id": None,
        "question_id": None,
        collection.evidence.key: item_id,
        "option_id": evidence.option_id,
        "document_id": evidence.document_id,
        "page": evidence.page,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "status": evidence.status,
        "position": position,
    }
