"""Routes of runs."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, current_app, g, request, url_for
from flask.typing import ResponseReturnValue

from backend.accounts import service as accounts
from backend.billing import service as billing
from backend.core.database.transaction import transaction
from backend.core.web.http import request_language, with_entity_tag
from backend.core.web.idempotency import idempotent
from backend.core.web.pagination import PageQuery
from backend.generation import service
from backend.generation.models import RunEvent
from backend.generation.runs.receipt import build_receipt
from backend.generation.runs.streaming import EventStream
from backend.generation.schemas import (
    ContinueRequest,
    EstimateResponse,
    EventPage,
    EventResponse,
    EventsQuery,
    QuotaResponse,
    ReceiptResponse,
    RunPage,
    RunRequest,
    RunResponse,
)
from backend.generation.types import ENDED_STATES
from backend.library import service as library
from backend.settings import get_settings

# As many digits as fit an integer column. A longer Last-Event-ID is invalid, and the stream starts from the beginning.
_EVENT_NUMBER = re.compile("[0-9]{1,9}")

generation = APIBlueprint("generation", __name__, tag="Runs")

# One event of the stream, in the form in which OpenAPI describes event streams.
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "The event's number, for `Last-Event-ID`."},
        "event": {"type": "string", "description": "The event's kind; `end` is the last one."},
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The event's data as JSON."},
    },
}
_EVENTS_DOC: dict[int | str, Any] = {
    200: {
        "description": "A stream of events, or JSON if `after` is given.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    },
    503: "Too many streams",
}


@generation.get("/users/me/quotas")
@generation.output(QuotaResponse)
def get_quotas() -> QuotaResponse:
    """Read your quotas and how much of them you use: storage and active runs."""
    with transaction():
        storage = library.measure_storage(g.user_id)
        page_images = library.measure_images(g.user_id)
        active_runs = service.count_active_runs(g.user_id)
    return QuotaResponse(
        storage_used_bytes=storage.used_bytes,
        storage_quota_bytes=storage.quota_bytes,
        page_images_bytes=page_images,
        active_runs=active_runs,
        most_active_runs=get_settings().max_active_runs_per_user,
    )


@generation.post("/study-sets/<uuid:study_set_id>/runs")
@generation.input(RunRequest, arg_name="body")
@generation.output(RunResponse, status_code=202)
@generation.doc(responses={402: "Too few credits", 409: "No usable document, or a limit is reached"})
@idempotent
def start_run(study_set_id: UUID, body: RunRequest) -> ResponseReturnValue:
    """Start a run that makes study material; follow it at its Location."""
    with transaction():
        wish = body.wish(accounts.get_exam_defaults(g.user_id))
        run = service.start_run(g.user_id, study_set_id, wish)
        response = RunResponse.of(service.view_run(run), request_language())
    location = url_for(".get_run", run_id=run.id)
    return response.model_dump(mode="json"), 202, {"Location": location}


@generation.post("/study-sets/<uuid:study_set_id>/runs/estimate")
@generation.input(RunRequest, arg_name="body")
@generation.output(EstimateResponse)
@generation.doc(responses={409: "No usable document"})
def estimate_run(study_set_id: UUID, body: RunRequest) -> EstimateResponse:
    """Estimate what a run would cost, without starting it."""
    with transaction():
        wish = body.wish(accounts.get_exam_defaults(g.user_id))
        priced = service.estimate_run(g.user_id, study_set_id, wish)
        return EstimateResponse.of(priced, billing.read_balance(g.user_id).available)


@generation.get("/study-sets/<uuid:study_set_id>/runs")
@generation.input(PageQuery, location="query", arg_name="page")
@generation.output(RunPage)
def list_runs(study_set_id: UUID, page: PageQuery) -> RunPage:
    """List the runs of a study set, newest first."""
    with transaction():
        found = service.list_runs(g.user_id, study_set_id, page)
        views = service.view_runs(found.items)
    return RunPage(items=[RunResponse.of(view, request_language()) for view in views], next_cursor=found.next_cursor)


@generation.get("/runs/<uuid:run_id>")
@generation.output(RunResponse)
@generation.doc(responses={304: "Not changed since your ETag"})
def get_run(run_id: UUID) -> Response:
    """Read a run: its state, progress, counts, usage, time left and error."""
    with transaction():
        view = service.view_run(service.get_run(g.user_id, run_id))
    return with_entity_tag(RunResponse.of(view, request_language()))


@generation.post("/runs/<uuid:run_id>/cancel")
@generation.output(RunResponse, status_code=202)
def cancel_run(run_id: UUID) -> RunResponse:
    """Cancel a run: no further model call starts. Items already made are kept."""
    with transaction():
        run = service.cancel_run(g.user_id, run_id)
        return RunResponse.of(service.view_run(run), request_language())


@generation.post("/runs/<uuid:run_id>/continue")
@generation.input(ContinueRequest, arg_name="body")
@generation.output(RunResponse, status_code=202)
@generation.doc(responses={402: "Too few credits", 409: "Not continuable, no usable document, or a limit is reached"})
def continue_run(run_id: UUID, body: ContinueRequest) -> ResponseReturnValue:
    """Continue a run that ended for lack of credits, as a new run for what is missing. Repeating it is safe."""
    with transaction():
        run = service.continue_run(g.user_id, run_id, body.max_credits)
        response = RunResponse.of(service.view_run(run), request_language())
    location = url_for(".get_run", run_id=run.id)
    return response.model_dump(mode="json"), 202, {"Location": location}


@generation.get("/runs/<uuid:run_id>/events")
@generation.input(EventsQuery, location="query", arg_name="query")
@generation.output(EventPage)
@generation.doc(responses=_EVENTS_DOC)
def list_run_events(run_id: UUID, query: EventsQuery) -> ResponseReturnValue:
    """Follow a run: server-sent events (resume with `Last-Event-ID`), or JSON if `after` is given."""
    if query.after is not None:
        with transaction():
            run, events = service.list_run_events(g.user_id, run_id, query.after)
            last = events[-1].number if events else min(query.after, run.last_event)
            ended = run.state in ENDED_STATES and last >= run.last_event
        items = [EventResponse.model_validate(event) for event in events]
        return EventPage(items=items, last_number=last, ended=ended).model_dump(mode="json")
    return _stream_events(g.user_id, run_id)


def _stream_events(user_id: UUID, run_id: UUID) -> Response:
    with transaction():
        service.get_run(user_id, run_id)
    last_seen = request.headers.get("Last-Event-ID", "")
    # Bound to the app itself: the proxy is unbound after the request.
    open_context, caller = current_app.app_context, g.caller

    def read(after: int) -> tuple[bool, Sequence[RunEvent]]:
        # The stream outlives the request's context; each read borrows a connection and returns it.
        with open_context(), transaction():
            accounts.require_access(caller)
            run, events = service.list_run_events(user_id, run_id, after)
            return run.state in ENDED_STATES and not events, events

    stream = EventStream(read, int(last_seen) if _EVENT_NUMBER.fullmatch(last_seen) else 0)
    response = Response(stream, content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


@generation.get("/runs/<uuid:run_id>/receipt")
@generation.output(ReceiptResponse)
def get_receipt(run_id: UUID) -> ReceiptResponse:
    """Read the coverage receipt: the items from each page, and what was left out and why."""
    with transaction():
        run = service.get_run(g.user_id, run_id)
        return ReceiptResponse.of(build_receipt(run), service.view_run(run), request_language())
