"""A study kit as a JSON document, complete and made to be read by other programs."""

from datetime import datetime
from uuid import UUID

from backend.study.types import (
    Evidence,
    FlashcardView,
    LinkView,
    QuestionView,
    StudyKit,
    TopicView,
)

FORMAT_NAME = "hackthestudy-kit"
# Raised when a field is removed or changes its meaning; a new field leaves it as it is.
FORMAT_VERSION = 1


def to_json(kit: StudyKit) -> dict[str, object]:
    """Return ``kit`` as values that ``json.dumps`` takes: the same kit gives the same document.

    Ids are UUIDs as text, times ISO 8601 with offset, texts plain (nothing is escaped; LaTeX stands between
    ``\\( \\)`` or ``\\[ \\]``). Shape::

        {"format": "hackthestudy-kit", "version": 1,
         "study_set": {"id", "title"}, "is_draft": bool,
         "topics": [{"id", "name", "summary", "parent_id": id or null}],
         "links": [{"source_id", "target_id", "label"}],
         "flashcards": [{"id", "kind": "basic" or "cloze", "front", "back", "difficulty",
                         "topic_id": id or null, "evidence": [...], "created_at", "updated_at"}],
         "questions": [{"id", "stem", "options": [{"id", "text"}], "key": an option's id, "explanation",
                        "difficulty", "topic_id", "evidence": [...], "created_at", "updated_at"}]}

    with each evidence ``{"document_id", "filename": name or null, "page": from 1, "quote", "start", "end",
    "status": "verified" or "uncheckable"}``; ``start`` and ``end`` are code point offsets into the page's text.
    """
    return {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "study_set": {"id": str(kit.study_set_id), "title": kit.title},
        "is_draft": kit.is_draft,
        "topics": [_topic(topic) for topic in kit.topics],
        "links": [_link(link) for link in kit.links],
        "flashcards": [_flashcard(card, kit.filenames) for card in kit.flashcards],
        "questions": [_question(question, kit.filenames) for question in kit.questions],
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


def _flashcard(card: FlashcardView, filenames: dict[UUID, str]) -> dict[str, object]:
    return {
        "id": str(card.id),
        "kind": card.kind.value,
        "front": card.front,
        "back": card.back,
        "difficulty": card.difficulty.value,
        "topic_id": _id_or_none(card.topic_id),
        "evidence": [_evidence(one, filenames) for one in card.evidence],
        "created_at": _time(card.created_at),
        "updated_at": _time(card.updated_at),
    }


def _question(question: QuestionView, filenames: dict[UUID, str]) -> dict[str, object]:
    return {
        "id": str(question.id),
        "stem": question.stem,
        "options": [{"id": option.id, "text": option.text} for option in question.options],
        "key": question.key,
        "explanation": question.explanation,
        "difficulty": question.difficulty.value,
        "topic_id": _id_or_none(question.topic_id),
        "evidence": [_evidence(one, filenames) for one in question.evidence],
        "created_at": _time(question.created_at),
        "updated_at": _time(question.updated_at),
    }


def _evidence(evidence: Evidence, filenames: dict[UUID, str]) -> dict[str, object]:
    return {
        "document_id": str(evidence.document_id),
        "filename": filenames.get(evidence.document_id),
        "page": evidence.page,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "status": evidence.status.value,
    }


def _id_or_none(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime) -> str:
    return value.isoformat()
