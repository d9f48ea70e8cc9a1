"""Routes of the concept map, topics, items and exports."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, request

from backend.core.database.quotas import try_turn
from backend.core.database.transaction import transaction
from backend.core.web.downloads import BINARY
from backend.core.web.http import request_language
from backend.core.web.pagination import PageQuery
from backend.core.web.security_headers import DATA_POLICY
from backend.core.web.slots import Slots
from backend.study import service
from backend.study.concept_map.drawing import to_svg
from backend.study.errors import ExportRunning, TooManyExports
from backend.study.exports.downloads import DownloadFormat, render_kit
from backend.study.items.registry import COLLECTIONS
from backend.study.items.routes import add_item_routes, respond
from backend.study.schemas import (
    ConceptMapQuery,
    ConceptMapResponse,
    ExportQuery,
    TopicLinkResponse,
    TopicPage,
    TopicResponse,
)
from backend.study.types import TopicView

study = APIBlueprint("study", __name__, tag="Study")

_EXPORT_SLOTS = Slots(TooManyExports)
_JSON = "application/json"
_SVG = "image/svg+xml"
# The SVG has a style sheet for the dark theme; nothing else may be loaded or run.
_SVG_POLICY = f"{DATA_POLICY}; style-src 'unsafe-inline'"
_Documented = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]
_KIT: dict[str, Any] = {"schema": {"type": "object"}}
_FILE: _Documented = {
    200: {
        "description": "The study kit as a file.",
        "content": {
            form.content_type.partition(";")[0]: _KIT if form is DownloadFormat.JSON else BINARY
            for form in DownloadFormat
        },
    }
}
_PICTURE: _Documented = {200: {"content": {_SVG: BINARY}}}


@study.get("/study-sets/<uuid:study_set_id>/concept-map")
@study.input(ConceptMapQuery, location="query", arg_name="query")
@study.output(ConceptMapResponse, description="JSON, or SVG if `format` or the Accept header asks for it.")
@study.doc(responses=_PICTURE)
def get_concept_map(study_set_id: UUID, query: ConceptMapQuery) -> Response:
    """Read a study set's topics and the links between them, as JSON or as an SVG picture."""
    wanted = query.format or ("svg" if request.accept_mimetypes.best_match([_JSON, _SVG]) == _SVG else "json")
    with transaction():
        concept_map = service.get_concept_map(g.user_id, study_set_id)
    if wanted == "svg":
        topics = [TopicView(topic.id, topic.name, topic.summary, topic.parent_id) for topic in concept_map.topics]
        svg = to_svg(topics, concept_map.links, concept_map.title)
        response = Response(svg, content_type=_SVG, headers={"Content-Security-Policy": _SVG_POLICY})
        response.headers.set("Content-Disposition", "inline", filename="concept-map.svg")
    else:
        response = respond(
            ConceptMapResponse(
                topics=[TopicResponse.model_validate(topic) for topic in concept_map.topics],
                links=[TopicLinkResponse.model_validate(link) for link in concept_map.links],
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
    items = [TopicResponse.model_validate(row) for row in found.items]
    return respond(TopicPage(items=items, next_cursor=found.next_cursor))


@study.get("/study-sets/<uuid:study_set_id>/export")
@study.input(ExportQuery, location="query", arg_name="query")
@study.doc(responses=_FILE)
def export_study_set(study_set_id: UUID, query: ExportQuery) -> Response:
    """Download everything made for a study set: for Anki (`apkg`, `tsv`), as JSON or as Markdown."""
    slot = _EXPORT_SLOTS.acquire()
    try:
        # Rendered inside the transaction, because the lock that limits a user to one export ends with it.
        with transaction():
            if not try_turn("study-set-export", g.user_id):
                raise ExportRunning
            kit = service.build_kit(g.user_id, study_set_id)
            file = render_kit(kit, query.format, language=request_language())
    finally:
        slot.release()
    return Response(file.data, content_type=file.content_type, headers={"Content-Disposition": file.disposition})


for _collection in COLLECTIONS:
    add_item_routes(study, _collection)
