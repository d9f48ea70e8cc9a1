"""Concept map, topics, flashcards, questions and exports over HTTP."""

from typing import Any, cast
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import TypeAdapter

from backend.core.database.quotas import try_turn
from backend.core.database.transaction import transaction
from backend.core.web.downloads import BINARY
from backend.core.web.http import Answer, request_language
from backend.core.web.idempotency import idempotent
from backend.core.web.pagination import PageQuery
from backend.core.web.seats import Seats
from backend.core.web.security_headers import DATA_POLICY
from backend.study import service
from backend.study.concept_map.drawing import to_svg
from backend.study.errors import ExportRunning, TooManyExports
from backend.study.exports.downloads import DownloadFormat, render_kit
from backend.study.items.flashcards import FlashcardChanges
from backend.study.items.questions import QuestionChanges
from backend.study.schemas import (
    ConceptMapAnswer,
    ConceptMapQuery,
    EvidenceContextAnswer,
    ExportQuery,
    FlashcardAnswer,
    FlashcardBody,
    FlashcardChangesBody,
    FlashcardPage,
    FlashcardQuery,
    ItemQuery,
    QuestionAnswer,
    QuestionBody,
    QuestionChangesBody,
    QuestionPage,
    TopicAnswer,
    TopicLinkAnswer,
    TopicPage,
)
from backend.study.types import EvidenceContext, TopicView

study = APIBlueprint("study", __name__, tag="Study")

_EXPORT_SEATS = Seats(TooManyExports)
_JSON = "application/json"
_SVG = "image/svg+xml"
# The picture's dark theme is a style sheet inside it; nothing else may be loaded or run.
_SVG_POLICY = f"{DATA_POLICY}; style-src 'unsafe-inline'"
_Documented = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]
_KIT: dict[str, Any] = {"schema": {"type": "object"}}
_FILE: _Documented = {
    200: {
        "description": "The kit as a file.",
        "content": {
            form.content_type.partition(";")[0]: _KIT if form is DownloadFormat.JSON else BINARY
            for form in DownloadFormat
        },
    }
}
_PICTURE: _Documented = {200: {"content": {_SVG: BINARY}}}
# The framework takes lists of models too; its annotations do not say so.
_EVIDENCE: Any = list[EvidenceContextAnswer]
_CONTEXTS = TypeAdapter(list[EvidenceContextAnswer])


@study.get("/study-sets/<uuid:study_set_id>/concept-map")
@study.input(ConceptMapQuery, location="query", arg_name="query")
@study.output(ConceptMapAnswer, description="As JSON or, if `format` or the Accept header says so, as SVG.")
@study.doc(responses=_PICTURE)
def get_concept_map(study_set_id: UUID, query: ConceptMapQuery) -> Response:
    """Read the topics of a study set and the links between them, or draw them."""
    wanted = query.format or ("svg" if request.accept_mimetypes.best_match([_JSON, _SVG]) == _SVG else "json")
    with transaction():
        concept_map = service.get_concept_map(g.user_id, study_set_id)
    if wanted == "svg":
        topics = [TopicView(topic.id, topic.name, topic.summary, topic.parent_id) for topic in concept_map.topics]
        svg = to_svg(topics, concept_map.links, concept_map.title)
        response = Response(svg, content_type=_SVG, headers={"Content-Security-Policy": _SVG_POLICY})
        response.headers.set("Content-Disposition", "inline", filename="concept-map.svg")
    else:
        response = _answer(
            ConceptMapAnswer(
                topics=[TopicAnswer.model_validate(topic) for topic in concept_map.topics],
                links=[TopicLinkAnswer.model_validate(link) for link in concept_map.links],
            )
        )
    response.vary.add("Accept")
    return response


@study.get("/study-sets/<uuid:study_set_id>/topics")
@study.input(PageQuery, location="query", arg_name="page")
@study.output(TopicPage)
def list_topics(study_set_id: UUID, page: PageQuery) -> Response:
    """List the topics of a study set, oldest first."""
    with transaction():
        found = service.list_topic_page(g.user_id, study_set_id, page)
    items = [TopicAnswer.model_validate(row) for row in found.items]
    return _answer(TopicPage(items=items, next_cursor=found.next_cursor))


@study.get("/study-sets/<uuid:study_set_id>/export")
@study.input(ExportQuery, location="query", arg_name="query")
@study.doc(responses=_FILE)
def export_study_set(study_set_id: UUID, query: ExportQuery) -> Response:
    """Download everything made for a study set: for Anki (`apkg`, `tsv`), as JSON or as Markdown."""
    seat = _EXPORT_SEATS.take()
    try:
        # Rendered inside the transaction, because the user's turn ends with it.
        with transaction():
            if not try_turn("study-set-export", g.user_id):
                raise ExportRunning
            kit = service.build_kit(g.user_id, study_set_id)
            file = render_kit(kit, query.format, language=request_language())
    finally:
        seat.leave()
    return Response(file.data, content_type=file.content_type, headers={"Content-Disposition": file.disposition})


@study.get("/study-sets/<uuid:study_set_id>/flashcards")
@study.input(FlashcardQuery, location="query", arg_name="query")
@study.output(FlashcardPage)
def list_flashcards(study_set_id: UUID, query: FlashcardQuery) -> Response:
    """List the flashcards of a study set, oldest first."""
    with transaction():
        found = service.list_flashcards(g.user_id, study_set_id, query.chosen(), query)
    items = [FlashcardAnswer.of(row) for row in found.items]
    return _answer(FlashcardPage(items=items, next_cursor=found.next_cursor))


@study.post("/study-sets/<uuid:study_set_id>/flashcards")
@study.input(FlashcardBody, arg_name="body")
@study.output(FlashcardAnswer, status_code=201)
@idempotent
def create_flashcard(study_set_id: UUID, body: FlashcardBody) -> ResponseReturnValue:
    """Write a flashcard by hand; a quote given as evidence is looked up on its page."""
    with transaction():
        row = service.create_flashcard(
            g.user_id,
            study_set_id,
            kind=body.kind,
            front=body.front,
            back=body.back,
            difficulty=body.difficulty,
            topic_id=body.topic_id,
            cited=body.evidence.cited() if body.evidence else None,
        )
    return _answer(FlashcardAnswer.of(row), created_at=url_for(".get_flashcard", flashcard_id=row.id))


@study.get("/flashcards/<uuid:flashcard_id>")
@study.output(FlashcardAnswer)
def get_flashcard(flashcard_id: UUID) -> Response:
    """Read a flashcard."""
    with transaction():
        return _answer(FlashcardAnswer.of(service.get_flashcard(g.user_id, flashcard_id)))


@study.patch("/flashcards/<uuid:flashcard_id>")
@study.input(FlashcardChangesBody, arg_name="body")
@study.output(FlashcardAnswer)
@study.doc(responses={409: "The study set has the same card already"})
def update_flashcard(flashcard_id: UUID, body: FlashcardChangesBody) -> Response:
    """Change a flashcard. Its kind stays."""
    changes = cast(FlashcardChanges, body.model_dump(exclude_unset=True))
    with transaction():
        return _answer(FlashcardAnswer.of(service.update_flashcard(g.user_id, flashcard_id, changes)))


@study.delete("/flashcards/<uuid:flashcard_id>")
@study.output({}, status_code=204)
def delete_flashcard(flashcard_id: UUID) -> ResponseReturnValue:
    """Delete a flashcard."""
    with transaction():
        service.delete_flashcard(g.user_id, flashcard_id)
    return "", 204


@study.get("/flashcards/<uuid:flashcard_id>/evidence")
@study.output(_EVIDENCE)
def list_flashcard_evidence(flashcard_id: UUID) -> Response:
    """Read where a flashcard comes from, with the page's text around each quote."""
    with transaction():
        return _contexts(service.list_flashcard_evidence(g.user_id, flashcard_id))


@study.get("/study-sets/<uuid:study_set_id>/questions")
@study.input(ItemQuery, location="query", arg_name="query")
@study.output(QuestionPage)
def list_questions(study_set_id: UUID, query: ItemQuery) -> Response:
    """List the questions of a study set, oldest first."""
    with transaction():
        found = service.list_questions(g.user_id, study_set_id, query.chosen(), query)
    items = [QuestionAnswer.of(row) for row in found.items]
    return _answer(QuestionPage(items=items, next_cursor=found.next_cursor))


@study.post("/study-sets/<uuid:study_set_id>/questions")
@study.input(QuestionBody, arg_name="body")
@study.output(QuestionAnswer, status_code=201)
@idempotent
def create_question(study_set_id: UUID, body: QuestionBody) -> ResponseReturnValue:
    """Write a question by hand; a quote given as evidence is looked up on its page."""
    with transaction():
        row = service.create_question(
            g.user_id,
            study_set_id,
            stem=body.stem,
            options=body.answers(),
            explanation=body.explanation,
            difficulty=body.difficulty,
            topic_id=body.topic_id,
            cited=body.evidence.cited() if body.evidence else None,
        )
    return _answer(QuestionAnswer.of(row), created_at=url_for(".get_question", question_id=row.id))


@study.get("/questions/<uuid:question_id>")
@study.output(QuestionAnswer)
def get_question(question_id: UUID) -> Response:
    """Read a question."""
    with transaction():
        return _answer(QuestionAnswer.of(service.get_question(g.user_id, question_id)))


@study.patch("/questions/<uuid:question_id>")
@study.input(QuestionChangesBody, arg_name="body")
@study.output(QuestionAnswer)
@study.doc(responses={409: "The study set has the same question already"})
def update_question(question_id: UUID, body: QuestionChangesBody) -> Response:
    """Change a question; options whose text stays keep their ids."""
    changes = cast(QuestionChanges, body.model_dump(exclude_unset=True))
    if "options" in changes:
        changes["options"] = body.answers()
    with transaction():
        return _answer(QuestionAnswer.of(service.update_question(g.user_id, question_id, changes)))


@study.delete("/questions/<uuid:question_id>")
@study.output({}, status_code=204)
def delete_question(question_id: UUID) -> ResponseReturnValue:
    """Delete a question."""
    with transaction():
        service.delete_question(g.user_id, question_id)
    return "", 204


@study.get("/questions/<uuid:question_id>/evidence")
@study.output(_EVIDENCE)
def list_question_evidence(question_id: UUID) -> Response:
    """Read where a question comes from, with the page's text around each quote."""
    with transaction():
        return _contexts(service.list_question_evidence(g.user_id, question_id))


def _answer(body: Answer, *, created_at: str | None = None) -> Response:
    # Written by pydantic at once: a list of 50 items takes half the time of building dictionaries first.
    response = Response(body.model_dump_json(), content_type=_JSON)
    if created_at is not None:
        response.status_code = 201
        response.headers["Location"] = created_at
    return response


def _contexts(found: list[EvidenceContext]) -> Response:
    return Response(_CONTEXTS.dump_json(_CONTEXTS.validate_python(found)), content_type=_JSON)
