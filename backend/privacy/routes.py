"""Data exports and account deletion over HTTP."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, url_for
from flask.typing import ResponseReturnValue

from backend.accounts import service as accounts
from backend.core.database.transaction import transaction
from backend.core.web.downloads import BINARY, FileDownload
from backend.core.web.idempotency import idempotent
from backend.core.web.origins import public_address
from backend.privacy import service
from backend.privacy.models import DataExport
from backend.privacy.schemas import EraseQuery, ErasureResponse, ExportLink, ExportList, ExportResponse, TicketQuery

privacy = APIBlueprint("privacy", __name__, tag="Privacy")

_FILE_DOC: dict[int | str, Any] = {
    200: {"description": "The archive.", "content": {"application/zip": BINARY}},
    206: {"description": "The part of it that was asked for.", "content": {"application/zip": BINARY}},
    403: "Not with an API key",
    409: "Not ready, or failed",
    410: "The export has expired",
    416: "There is no such part",
    503: "Too many downloads, or the bucket that has the archive is unreachable",
}
_LINKED_FILE_DOC: dict[int | str, Any] = {
    **{status: what for status, what in _FILE_DOC.items() if status not in (403, 409)},
    404: "No such export, or the link is wrong, expired or replaced by a newer one",
}


@privacy.post("/users/me/export")
@privacy.output(ExportResponse, status_code=202)
@privacy.doc(responses={403: "Needs a fresh sign-in"})
@idempotent
def request_export() -> ResponseReturnValue:
    """Ask for an archive of all that is yours; follow it at its Location. One made in the last hour is given again."""
    with transaction():
        accounts.require_fresh_sign_in(g.caller)
        export = service.request_export(g.user_id)
        answer = _answer(export)
    return answer.model_dump(mode="json"), 202, {"Location": url_for(".get_export", export_id=export.id)}


@privacy.get("/users/me/exports")
@privacy.output(ExportList)
def list_exports() -> ExportList:
    """List your newest exports."""
    with transaction():
        return ExportList(items=[_answer(export) for export in service.list_exports(g.user_id)])


@privacy.get("/users/me/exports/<uuid:export_id>")
@privacy.output(ExportResponse)
def get_export(export_id: UUID) -> ExportResponse:
    """Read the status of an export."""
    with transaction():
        return _answer(service.get_export(g.user_id, export_id))


@privacy.get("/users/me/exports/<uuid:export_id>/file")
@privacy.doc(responses=_FILE_DOC)
def download_export(export_id: UUID) -> Response:
    """Download an export, or part of it with `Range`. Needs a session; an API key is refused."""
    with transaction():
        accounts.require_session(g.caller)
        export = service.get_export(g.user_id, export_id)
    return _send(export)


@privacy.post("/users/me/exports/<uuid:export_id>/links")
@privacy.output(ExportLink)
@privacy.doc(responses={403: "Not with an API key", 409: "Not ready, or failed", 410: "The export has expired"})
def link_export(export_id: UUID) -> ExportLink:
    """Make a link to this export for a browser. It is valid for five minutes and replaces the previous link."""
    with transaction():
        accounts.require_session(g.caller)
        link = service.link_export(g.user_id, export_id)
    path = url_for(".download_linked_export", export_id=export_id, ticket=link.ticket)
    return ExportLink(url=public_address(path), expires_at=link.expires_at)


@privacy.get("/exports/<uuid:export_id>/file")
@privacy.input(TicketQuery, location="query", arg_name="query")
@privacy.doc(responses=_LINKED_FILE_DOC)
def download_linked_export(export_id: UUID, query: TicketQuery) -> Response:
    """Download an export by its link, or part of it with `Range`. Needs only the ticket in the link."""
    with transaction():
        export = service.get_linked_export(export_id, query.ticket)
    return _send(export)


@privacy.delete("/users/me")
@privacy.input(EraseQuery, location="query", arg_name="query")
@privacy.output(ErasureResponse, status_code=202)
@privacy.doc(responses={403: "Needs a fresh sign-in"})
def erase_me(query: EraseQuery) -> ResponseReturnValue:
    """Delete your account and all your data. Your access ends immediately on all devices; this cannot be undone."""
    with transaction():
        accounts.require_fresh_sign_in(g.caller)
        service.leave(g.user_id)
    # No Clear-Site-Data: it would take the cookies of every name under the registrable domain, of others too.
    return ErasureResponse(user_id=g.user_id).model_dump(mode="json"), 202


def _answer(export: DataExport) -> ExportResponse:
    return ExportResponse(
        id=export.id,
        status=service.export_status(export),
        size_bytes=export.size_bytes,
        created_at=export.created_at,
        expires_at=export.expires_at,
    )


def _send(export: DataExport) -> Response:
    download = FileDownload(
        tag=export.id.hex,
        size_bytes=export.size_bytes or 0,
        content_type="application/zip",
        disposition=f"attachment; filename=hackthestudy-{export.created_at:%Y-%m-%d}.zip",
    )
    return download.answer(lambda start: service.open_export(export, start))
