"""Test rows for lists, inserted directly into the tables: a study set with many rows of everything."""

from uuid import UUID

from backend.core.clock import now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.generation.models import ModelCall, Run, RunDocument, RunEvent, Step
from backend.library.models import Document, Page, StudySet
from backend.study.models import EvidenceRow, FlashcardRow, QuestionRow, Topic, TopicLink
from backend.study.types import AskedCounts
from benchmarks.documents import sentences


def add_study_sets(user_id: UUID, count: int) -> None:
    """Add empty study sets. Needs a transaction."""
    db.session.add_all(StudySet(id=new_id(), user_id=user_id, title=f"Lecture {at}") for at in range(count))


def add_material(user_id: UUID, count: int) -> tuple[UUID, UUID]:
    """Add a study set with ``count`` documents, topics, links, cards, questions, runs, and events of one run.

    Returns the ids of the study set and of the run with the events. Needs a transaction.
    """
    study_set = StudySet(id=new_id(), user_id=user_id, title="Everything")
    db.session.add(study_set)
    db.session.flush()
    documents = [add_document(study_set.id, at) for at in range(count)]
    topics = _add_topics(study_set.id, count)
    runs = [_add_run(user_id, study_set.id, document_id) for document_id in documents]
    _add_items(study_set.id, runs[0], topics, documents)
    for number in range(1, count + 1):
        data = {"document_id": str(documents[0]), "first_page": number, "last_page": number + 1, "flashcards": 8}
        db.session.add(RunEvent(run_id=runs[0], number=number, kind="section.made", data=data))
    db.session.flush()
    return study_set.id, runs[0]


def add_document(study_set_id: UUID, at: int) -> UUID:
    document = Document(
        id=new_id(),
        study_set_id=study_set_id,
        filename=f"lecture-{at}.pdf",
        format="pdf",
        size_bytes=100_000,
        sha256=f"{at:064x}",
        state="done",
        ended_at=now(),
        pages_total=1,
        pages_read=1,
    )
    db.session.add(document)
    db.session.flush()
    db.session.add(Page(document_id=document.id, number=1, text="Text. " * 500, heading=None, source="text"))
    return document.id


def _add_topics(study_set_id: UUID, count: int) -> list[UUID]:
    topics = [
        Topic(id=new_id(), study_set_id=study_set_id, name=f"Topic {at}", name_key=f"topic {at}", summary="It is one.")
        for at in range(count)
    ]
    db.session.add_all(topics)
    db.session.flush()
    for source, target in zip(topics, [*topics[1:], topics[0]], strict=True):
        target.parent_id = None if target is topics[0] else topics[0].id
        link = {"source_id": source.id, "target_id": target.id, "label": "leads to"}
        db.session.add(TopicLink(id=new_id(), study_set_id=study_set_id, **link))
    db.session.flush()
    return [topic.id for topic in topics]


def _add_run(user_id: UUID, study_set_id: UUID, document_id: UUID) -> UUID:
    run = Run(id=new_id(), study_set_id=study_set_id, user_id=user_id, model="gpt-4o", is_draft=False)
    run.state, run.ended_at, run.asked = "done", now(), AskedCounts(10, 5)
    db.session.add(run)
    db.session.flush()
    step = Step(id=new_id(), run_id=run.id, kind="section", position=1, document_id=document_id, state="done")
    step.first_page = step.last_page = 1
    db.session.add_all([RunDocument(run_id=run.id, document_id=document_id), step])
    db.session.flush()
    tokens = {"input_tokens": 3000, "cached_tokens": 1000, "output_tokens": 2000}
    call = {"step_id": step.id, "attempt": 1, "model": "gpt-4o", "outcome": "ok", "requests": 1, "duration_ms": 9000}
    db.session.add(ModelCall(run_id=run.id, **call, **tokens))
    return run.id


def _add_items(study_set_id: UUID, run_id: UUID, topics: list[UUID], documents: list[UUID]) -> None:
    written = sentences(seed=3)
    for at, (topic_id, document_id) in enumerate(zip(topics, documents, strict=True)):
        shared = {
            "study_set_id": study_set_id,
            "run_id": run_id,
            "model": "gpt-4o",
            "fingerprint": f"{at:064x}",
            "difficulty": "medium",
            "topic_id": topic_id,
        }
        card = FlashcardRow(id=new_id(), **shared, kind="basic", front=next(written), back=next(written))
        options = [{"id": f"o{number}", "text": next(written)} for number in range(4)]
        question = QuestionRow(
            id=new_id(), **shared, stem=next(written), options=options, key="o0", explanation=next(written)
        )
        db.session.add_all([card, question])
        db.session.flush()
        place = {"document_id": document_id, "page": 1, "start": 0, "end": 60, "status": "verified", "position": 0}
        for item in ({"flashcard_id": card.id}, {"question_id": question.id}):
            db.session.add(EvidenceRow(id=new_id(), **place, **item, quote=next(written)))
