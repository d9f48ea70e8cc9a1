"""Exports a complete study kit as JSON, for other programs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from backend.study.items.registry import KINDS
from backend.study.types import Evidence, Item, LinkView, StudyKit, TopicView

FORMAT_NAME = "hackthestudy-kit"
# Raise it when a field is removed or changes its meaning, not when a field is added.
FORMAT_VERSION = 1


def to_json(kit: StudyKit) -> dict[str, object]:
    """Return ``kit`` as values for ``json.dumps``; the same kit gives the same document.

    Ids are UUIDs as text, times ISO 8601 with offset. Texts are those of the items, with LaTeX between ``\\( \\)`` or
    ``\\[ \\]`` and nothing escaped (``docs/page-text.md``). Shape::

        {"format": "hackthestudy-kit", "version": 1,
         "study_set": {"id", "title"}, "is_draft": bool,
         "topics": [{"id", "name", "summary", "parent_id": id or null}],
         "links": [{"source_id", "target_id", "label"}],
         "flashcards": [{"id", "kind": "basic" or "cloze", "front", "back", "difficulty",
                         "topic_id": id or null, "evidence": [...], "created_at", "updated_at"}],
         "questions": [{"id", "kind": "single_choice", "stem", "options": [{"id", "text"}], "key": an option's id,
                        "explanation", "difficulty", "topic_id", "evidence": [...], "created_at", "updated_at"}]}

    with each piece of evidence ``{"document_id", "filename": name or null, "page": from 1, "quote", "start", "end",
    "status": "verified" or "uncheckable", "option_id": an option's id or null, "spans": [...]}``; ``start`` and ``end``
    are code point offsets into the page's text. They and the quote are null if the evidence is a whole page. ``spans``
    are the formulas, code, tables and headings in the quote, each ``{"kind", "start", "end"}`` with offsets into the
    quote. Questions of another kind have the fields of their kind instead of ``options``, ``key`` and ``explanation``.
    """
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "study_set": {"id": str(kit.study_set_id), "title": kit.title},
        "is_draft": kit.is_draft,
        "topics": [_topic(topic) for topic in kit.topics],
        "links": [_link(link) for link in kit.links],
        "flashcards": [_item(card, kit) for card in kit.flashcards],
        "questions": [_item(question, kit) for question in kit.questions],
    }


def _topic(topic: TopicView) -> dict[str, object]:
    return {
        "id": str(topic.id),
        "name": topic.name,
        "summary": topic.summary,
        "parent_id": _id_or_none(topic.parent_id),
    }


def _link(link: LinkView) -> dict[str, object]:
    return {"source_id": str(link.source_id), "target_id": str(link.target_id), "label": link.label}


def _item(item: Item[Any], kit: StudyKit) -> dict[str, object]:
    return {
        "id": str(item.id),
        "kind": item.kind,
        **KINDS[item.kind].store(item.content),
        "difficulty": item.difficulty.value,
        "topic_id": _id_or_none(item.topic_id),
        "evidence": [_evidence(one, kit) for one in item.evidence],
        "created_at": _time(item.created_at),
        "updated_at": _time(item.updated_at),
    }


def _evidence(evidence: Evidence, kit: StudyKit) -> dict[str, object]:
    return {
        "document_id": str(evidence.document_id),
        "filename": kit.filenames.get(evidence.document_id),
        "page": evidence.page,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "status": evidence.status.value,
        "option_id": evidence.option_id,
        "spans": _spans(evidence, kit),
    }


def _spans(evidence: Evidence, kit: StudyKit) -> list[dict[str, object]]:
    notation = kit.notations.get((evidence.document_id, evidence.page))
    start, end = evidence.start, evidence.end
    if notation is None or start is None or end is None:
        return []
    return [
        {"kind": span.kind.value, "start": max(span.start - start, 0), "end": min(span.end, end) - start}
        for span in notation.spans
        if span.start < end and start < span.end
    ]


def _id_or_none(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime) -> str:
    return value.isoformat()
