"""Adds a run's items to a study set, leaving out duplicates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.core.database.database import db
from backend.library import service as library
from backend.study.concept_map.topics import add_topics, topic_key
from backend.study.items.capacity import count_items
from backend.study.items.duplicates import ItemText, find_near_duplicate, fingerprint
from backend.study.items.registry import COLLECTIONS, KINDS, Collection
from backend.study.items.storage import evidence_values, item_values, join_fields
from backend.study.models import EvidenceRow
from backend.study.types import AddedItems, NewItem, NewTopic


@dataclass(slots=True)
class _Known:
    """The texts that a new item is compared with."""

    texts: list[ItemText]
    fingerprints: set[str]


def add_items(
    study_set_id: UUID, *, run_id: UUID, model: str, topics: Sequence[NewTopic], items: Sequence[NewItem[Any]]
) -> AddedItems:
    """Add items with their topics and evidence, leaving out exact and near duplicates.

    Evidence whose document has been deleted meanwhile is left out, but its item is kept, as if the document had been
    deleted later. The caller holds the study set's lock and checks the permission.
    """
    new = {
        collection.name: _without_duplicates(
            [item for item in items if KINDS[item.kind].collection == collection.name],
            _known(collection, study_set_id),
        )
        for collection in COLLECTIONS
    }
    topic_ids = add_topics(study_set_id, topics, [item.topic for each in new.values() for item in each])
    shared = {"study_set_id": study_set_id, "run_id": run_id, "model": model}
    added = {each.name: _insert(each, new[each.name], shared, topic_ids) for each in COLLECTIONS}
    _insert_evidence(study_set_id, new, added)
    count_items(study_set_id)
    return AddedItems(**added, duplicates=len(items) - sum(map(len, added.values())))


def _known(collection: Collection, study_set_id: UUID) -> _Known:
    mine = (collection.table.study_set_id == study_set_id, collection.is_known)
    rows = db.session.execute(sa.select(collection.table.__table__).where(*mine)).mappings().all()
    return _Known(
        texts=[KINDS[row["kind"]].text(KINDS[row["kind"]].read(join_fields(dict(row)))) for row in rows],
        fingerprints={row["fingerprint"] for row in rows},
    )


def _without_duplicates(items: Sequence[NewItem[Any]], known: _Known) -> list[NewItem[Any]]:
    """Return the items that repeat neither ``known`` nor an earlier one of ``items``. Adds them to ``known``."""
    kept = []
    for item in items:
        text = KINDS[item.kind].text(item.content)
        mark = fingerprint(text.front, text.answer)
        if mark in known.fingerprints or find_near_duplicate(text, known.texts) is not None:
            continue
        known.fingerprints.add(mark)
        known.texts.append(text)
        kept.append(item)
    return kept


def _insert(
    collection: Collection,
    items: Sequence[NewItem[Any]],
    shared: Mapping[str, object],
    topic_ids: Mapping[str, UUID],
) -> tuple[UUID, ...]:
    """Insert rows and return the ids of the new ones, in the order given."""
    # Kinds fill different columns, and all rows of one statement fill the same ones.
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        rows[item.kind].append(
            {
                "id": item.id,
                **shared,
                "difficulty": item.difficulty,
                "topic_id": topic_ids.get(topic_key(item.topic)),
                **item_values(collection, item.kind, item.content),
            }
        )
    # If the user has just added the same item by hand, theirs is kept.
    statement = insert(collection.table).on_conflict_do_nothing().returning(collection.table.id)
    inserted = {row_id for each in rows.values() for row_id in db.session.scalars(statement, each)}
    return tuple(item.id for item in items if item.id in inserted)


def _insert_evidence(
    study_set_id: UUID, items: Mapping[str, Sequence[NewItem[Any]]], added: Mapping[str, Sequence[UUID]]
) -> None:
    if not any(item.evidence for each in items.values() for item in each):
        return
    # Locked, so that no document can be deleted before the insertion.
    documents = {document.id for document in library.lock_documents(study_set_id)}
    rows = [
        evidence_values(collection, item.id, evidence, position=position)
        for collection in COLLECTIONS
        for item in items[collection.name]
        if item.id in added[collection.name]
        for position, evidence in enumerate(item.evidence)
        if evidence.document_id in documents
    ]
    if rows:
        db.session.execute(sa.insert(EvidenceRow), rows)
