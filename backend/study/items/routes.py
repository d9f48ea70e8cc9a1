"""Routes of items, written once and registered for each collection."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from pydantic import TypeAdapter, create_model

from backend.core.database.transaction import transaction
from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.idempotency import idempotent
from backend.library import service as library
from backend.study import service
from backend.study.items.bodies import (
    EvidenceContextResponse,
    ItemPage,
    ItemQuery,
    ItemRequest,
    body_of_changes,
    join_bodies,
)
from backend.study.items.registry import Collection
from backend.study.items.storage import join_fields
from backend.study.types import EvidenceContext, EvidenceStatus
from backend.study.views import ItemView

_JSON = "application/json"
# APIFlask accepts a list of models, but its annotations do not.
_EVIDENCE: Any = list[EvidenceContextResponse]
_CONTEXTS = TypeAdapter(list[EvidenceContextResponse])


def respond(body: ResponseBody, *, created_at: str | None = None) -> Response:
    """Return a JSON response; with ``created_at``, the URL of a new object, its status is 201."""
    # Serialised by pydantic directly: for a list of 50 items, building dictionaries first takes twice as long.
    response = Response(body.model_dump_json(), content_type=_JSON)
    if created_at is not None:
        response.status_code = 201
        response.headers["Location"] = created_at
    return response


def add_item_routes(study: APIBlueprint, collection: Collection) -> None:
    """Register the routes of a collection: list, create, get, update, delete, and list an item's evidence."""
    noun, title = collection.noun, collection.noun.capitalize()
    item_id = f"{noun}_id"
    inside, one = f"/study-sets/<uuid:study_set_id>/{collection.name}", f"/{collection.name}/<uuid:{item_id}>"
    kinds = collection.kinds
    request_body = join_bodies(f"{title}Request", [kind.request for kind in kinds], collection.default_kind)
    response_body = join_bodies(f"{title}Response", [kind.response for kind in kinds], collection.default_kind)
    changes_body = body_of_changes(
        f"{title}ChangesRequest", request_body, f"Changes to a {noun}. Fields that are left out stay as they are."
    )
    kind_name = request_body.model_fields["kind"].annotation
    query_body = create_model(f"{title}Query", __base__=ItemQuery, kind=(kind_name | None, None))
    page_body = create_model(
        f"{title}Page",
        __base__=ItemPage,
        __doc__=f"A page of {collection.name}, oldest first.",
        items=(list[response_body], ...),  # type: ignore[valid-type]
    )

    @study.get(inside, endpoint=f"list_{collection.name}")
    @study.input(query_body, location="query", arg_name="query")
    @study.output(page_body)
    @study.doc(summary=f"List the {collection.name} of a study set, oldest first.")
    def list_items(study_set_id: UUID, query: ItemQuery) -> Response:
        with transaction():
            found = service.list_items(collection, g.user_id, study_set_id, query.chosen(), query)
        shown = [response_body.model_validate(_describe(row)) for row in found.items]
        return respond(page_body(items=shown, next_cursor=found.next_cursor))

    @study.post(inside, endpoint=f"create_{noun}")
    @study.input(request_body, arg_name="body")
    @study.output(response_body, status_code=201)
    @study.doc(summary=f"Add a {noun} by hand. A quote given as evidence is looked up on its page.")
    @idempotent
    def create_item(study_set_id: UUID, body: ItemRequest) -> ResponseReturnValue:
        given = _given(body)
        common = ItemRequest.model_fields.keys() | {"kind"}
        with transaction():
            row = service.create_item(
                collection,
                g.user_id,
                study_set_id,
                kind=given.get("kind", collection.default_kind),
                content={name: value for name, value in given.items() if name not in common},
                difficulty=body.difficulty,
                topic_id=body.topic_id,
                cited=body.evidence.cited() if body.evidence else None,
            )
        where: dict[str, Any] = {item_id: row.id}
        location = url_for(f".get_{noun}", **where)
        return respond(response_body.model_validate(_describe(row)), created_at=location)

    @study.get(one, endpoint=f"get_{noun}")
    @study.output(response_body)
    @study.doc(summary=f"Read a {noun}.")
    def get_item(**path: UUID) -> Response:
        with transaction():
            row = service.get_item(collection, g.user_id, path[item_id])
        return respond(response_body.model_validate(_describe(row)))

    @study.patch(one, endpoint=f"update_{noun}")
    @study.input(changes_body, arg_name="body")
    @study.output(response_body)
    @study.doc(
        summary=f"Change a {noun}. Its kind cannot be changed.",
        responses={409: f"The study set already has this {noun}"},
    )
    def update_item(body: RequestBody, **path: UUID) -> Response:
        with transaction():
            row = service.update_item(collection, g.user_id, path[item_id], _given(body))
        return respond(response_body.model_validate(_describe(row)))

    @study.delete(one, endpoint=f"delete_{noun}")
    @study.output({}, status_code=204)
    @study.doc(summary=f"Delete a {noun}.")
    def delete_item(**path: UUID) -> ResponseReturnValue:
        with transaction():
            service.delete_item(collection, g.user_id, path[item_id])
        return "", 204

    @study.get(f"{one}/evidence", endpoint=f"list_{noun}_evidence")
    @study.output(_EVIDENCE)
    @study.doc(summary=f"Read where a {noun} comes from, with the page's text around each quote.")
    def list_item_evidence(**path: UUID) -> Response:
        def read() -> list[EvidenceContext]:
            with transaction():
                return service.list_item_evidence(collection, g.user_id, path[item_id])

        found = read()
        unplaced = {(one.document_id, one.page): None for one in found if one.start is not None and one.boxes is None}
        if unplaced and library.place_words(g.user_id, unplaced):
            found = read()
        return Response(_CONTEXTS.dump_json(_CONTEXTS.validate_python(found)), content_type=_JSON)


def _given(body: RequestBody) -> dict[str, Any]:
    """Return the fields that the request sets."""
    return {name: value for name, value in body.model_dump().items() if name in body.model_fields_set}


def _describe(row: ItemView) -> dict[str, Any]:
    """Return an item's fields by their names in the response, including derived ones."""
    statuses = {evidence["status"] for evidence in row.evidence}
    outcome = "uncheckable" if EvidenceStatus.UNCHECKABLE in statuses else "verified" if statuses else "none"
    origin = "hand" if row.run_id is None else "generated"
    return {**join_fields(row._asdict()), "evidence_status": outcome, "origin": origin}
