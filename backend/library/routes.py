"""Study sets and documents over HTTP."""

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import quote
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue

from backend.core.database.transaction import transaction
from backend.core.web.downloads import BINARY, FileDownload
from backend.core.web.http import ResponseBody, request_language
from backend.core.web.idempotency import idempotent
from backend.core.web.pagination import PageQuery
from backend.core.web.uploads import TEXT_TYPES
from backend.library import service
from backend.library.errors import FileRefused, FileTooLarge, NoFile, NotAPhotograph
from backend.library.extraction.formats import DocumentFormat
from backend.library.page_images.kept_images import find_image
from backend.library.page_images.showing import PageToShow, show_page
from backend.library.page_images.widths import image_type, snap_width
from backend.library.pasted_text import pasted_file
from backend.library.photographs import combine_photographs
from backend.library.rereading import get_rereading, start_rereading
from backend.library.schemas import (
    DocumentPage,
    DocumentResponse,
    PageImageQuery,
    PageResponse,
    PastedTextQuery,
    RereadingResponse,
    StudySetPage,
    StudySetRequest,
    StudySetResponse,
    UploadedDocument,
    UploadRequestBody,
    UploadResponse,
)
from backend.library.service import IncomingFile
from backend.settings import get_settings
from backend.text.invisible import CONTROLS, DIRECTIONS, LINE_ENDS, SURROGATES

# Joiners stay, because emoji need them.
_HIDING = re.compile(f"[\t\n\r{CONTROLS}{LINE_ENDS}{DIRECTIONS}{SURROGATES}]")
_MAX_NAME_CHARS = 255
_ABOUT_A_FILE: Mapping[str, str] = {
    "en": "{name}: {text}",
    "de": "{name}: {text}",
    "fr": "{name}\u00a0: {text}",
    "it": "{name}: {text}",
}

library = APIBlueprint("library", __name__, tag="Library")

_FILE_DOC: dict[int | str, Any] = {
    200: {
        "description": "The file as it was uploaded.",
        "content": {each.media_type: BINARY for each in DocumentFormat},
    },
    206: {
        "description": "The requested range of the file.",
        "content": {each.media_type: BINARY for each in DocumentFormat},
    },
    410: "The file has expired",
    416: "The requested range is outside the file",
    503: "Too many downloads, or the file's bucket is unreachable",
}


_IMAGE_CACHED = "private, max-age=604800, immutable"
# A document that is read again gets other pages, and an Office document with them other images.
_IMAGE_CHECKED = "private, no-cache"
_IMAGE_DOC: dict[int | str, Any] = {
    200: {
        "description": "The page: a PNG, or a JPEG of a photograph.",
        "content": {"image/png": BINARY, "image/jpeg": BINARY},
    },
    304: "The caller already has this image",
    409: "The document has no images of pages, or is being converted",
    410: "The file has expired",
    422: "The page is damaged or too complex to be rendered",
    503: "Too many pages are being rendered, or the file's bucket is unreachable",
}


@library.post("/study-sets")
@library.input(StudySetRequest, arg_name="body")
@library.output(StudySetResponse, status_code=201)
@idempotent
def create_study_set(body: StudySetRequest) -> ResponseReturnValue:
    """Create a study set."""
    with transaction():
        study_set = service.create_study_set(g.user_id, body.title)
        answer = StudySetResponse.model_validate(study_set)
    return created(answer, url_for(".get_study_set", study_set_id=study_set.id))


@library.get("/study-sets")
@library.input(PageQuery, location="query", arg_name="page")
@library.output(StudySetPage)
def list_study_sets(page: PageQuery) -> StudySetPage:
    """List your study sets, newest first."""
    with transaction():
        return StudySetPage.model_validate(service.list_study_sets(g.user_id, page))


@library.get("/study-sets/<uuid:study_set_id>")
@library.output(StudySetResponse)
def get_study_set(study_set_id: UUID) -> StudySetResponse:
    """Read a study set."""
    with transaction():
        return StudySetResponse.model_validate(service.get_study_set(g.user_id, study_set_id))


@library.patch("/study-sets/<uuid:study_set_id>")
@library.input(StudySetRequest, arg_name="body")
@library.output(StudySetResponse)
def rename_study_set(study_set_id: UUID, body: StudySetRequest) -> StudySetResponse:
    """Rename a study set."""
    with transaction():
        return StudySetResponse.model_validate(service.rename_study_set(g.user_id, study_set_id, body.title))


@library.delete("/study-sets/<uuid:study_set_id>")
@library.output({}, status_code=204)
def delete_study_set(study_set_id: UUID) -> ResponseReturnValue:
    """Delete a study set and everything in it."""
    with transaction():
        service.delete_study_set(g.user_id, study_set_id)
    return "", 204


@library.post("/study-sets/<uuid:study_set_id>/documents")
@library.input(PastedTextQuery, location="query", arg_name="pasted")
@library.input(UploadRequestBody, location="form_and_files", arg_name="body")
@library.output(UploadResponse, status_code=201)
@library.doc(responses={411: "No length", 413: "Too large", 409: "Too many, or too much storage"})
@idempotent
def upload_documents(study_set_id: UUID, pasted: PastedTextQuery, body: UploadRequestBody) -> ResponseReturnValue:
    """Upload one or more files in the multipart field `files`: either all are accepted or none.

    Photographs can be combined into one document. A text in Markdown or without markup may be sent as the whole body
    instead.
    """
    is_text = request.mimetype in TEXT_TYPES
    files = [_pasted_file(pasted)] if is_text else _incoming_files()
    purpose = pasted.purpose if is_text and pasted.purpose else body.purpose
    with transaction():
        try:
            if body.combine:
                service.check_study_set(g.user_id, study_set_id)
            with combine_photographs(files) if body.combine else nullcontext(files) as stored:
                added = service.add_documents(g.user_id, study_set_id, stored, purpose)
        except (FileRefused, FileTooLarge, NotAPhotograph) as error:
            _name_refused_file(error, files)
            raise
        answer = UploadResponse(
            documents=[
                UploadedDocument(
                    **dict(DocumentResponse.of(each.document, request_language())), duplicate=each.duplicate
                )
                for each in added
            ]
        )
    return created(answer, url_for(".list_documents", study_set_id=study_set_id))


@library.get("/study-sets/<uuid:study_set_id>/documents")
@library.input(PageQuery, location="query", arg_name="page")
@library.output(DocumentPage)
def list_documents(study_set_id: UUID, page: PageQuery) -> DocumentPage:
    """List the documents of a study set, oldest first."""
    with transaction():
        found = service.list_documents(g.user_id, study_set_id, page)
    return DocumentPage(
        items=[DocumentResponse.of(d, request_language()) for d in found.items], next_cursor=found.next_cursor
    )


@library.get("/documents/<uuid:document_id>")
@library.output(DocumentResponse)
def get_document(document_id: UUID) -> DocumentResponse:
    """Read a document: its status, counts and warnings."""
    with transaction():
        return DocumentResponse.of(service.get_document(g.user_id, document_id), request_language())


@library.get("/documents/<uuid:document_id>/pages/<int:number>")
@library.output(PageResponse)
def get_page(document_id: UUID, number: int) -> PageResponse:
    """Read the text of one page."""
    with transaction():
        page = service.get_page(g.user_id, document_id, number)
    return PageResponse.of(document_id, page)


@library.get("/documents/<uuid:document_id>/pages/<int:number>/image")
@library.input(PageImageQuery, location="query", arg_name="wanted")
@library.doc(responses=_IMAGE_DOC)
def get_page_image(document_id: UUID, number: int, wanted: PageImageQuery) -> Response:
    """Show a page as it looks. Its width is the next of a few steps: 400, 800, 1200, 1600 or 2400 pixels.

    A photograph is never larger than it is.
    """
    width = snap_width(wanted.width)
    with transaction():
        page = PageToShow.find(g.user_id, document_id, number)
        found = find_image(page.image(width))
    page.refuse_pending()
    if request.if_none_match.contains(page.tag(width)):
        response = Response(status=304)
    else:
        image = show_page(page, width, found)
        response = Response(image, content_type=image_type(image))
    response.set_etag(page.tag(width))
    response.headers["Cache-Control"] = _IMAGE_CACHED if page.is_final else _IMAGE_CHECKED
    return response


@library.get("/documents/<uuid:document_id>/file")
@library.doc(responses=_FILE_DOC)
def download_document(document_id: UUID) -> Response:
    """Download the file as it was uploaded, or a part of it with `Range`."""
    with transaction():
        document = service.get_document(g.user_id, document_id)
    download = FileDownload(
        tag=document.id.hex,
        size_bytes=document.size_bytes,
        content_type=DocumentFormat(document.format).media_type,
        disposition=f"attachment; filename*=UTF-8''{quote(document.filename)}",
    )
    return download.answer(lambda start: service.document_file.open(document.id, start))


@library.post("/documents/<uuid:document_id>/reread")
@library.output(RereadingResponse, status_code=202)
@library.doc(responses={409: "Not ready, file expired, already being read again, or in use by a run"})
@idempotent
def reread_document(document_id: UUID) -> ResponseReturnValue:
    """Read a document's file again. Its pages and evidence stay as they are until the new text is complete."""
    with transaction():
        rereading = start_rereading(g.user_id, document_id)
        answer = RereadingResponse.of(rereading, request_language())
    return created(answer, url_for(".get_document_rereading", document_id=document_id), 202)


@library.get("/documents/<uuid:document_id>/rereading")
@library.output(RereadingResponse)
def get_document_rereading(document_id: UUID) -> RereadingResponse:
    """Follow the latest rereading of a document."""
    with transaction():
        return RereadingResponse.of(get_rereading(g.user_id, document_id), request_language())


@library.delete("/documents/<uuid:document_id>")
@library.output({}, status_code=204)
@library.doc(responses={409: "A run is using the document"})
def delete_document(document_id: UUID) -> ResponseReturnValue:
    """Delete a document and its pages. Items made from it stay but lose their evidence."""
    with transaction():
        service.delete_document(g.user_id, document_id)
    return "", 204


def _pasted_file(pasted: PastedTextQuery) -> IncomingFile:
    name = _plain_name(pasted.filename) if pasted.filename else None
    return pasted_file(request.mimetype, name, request_language())


def _incoming_files() -> list[IncomingFile]:
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise NoFile
    incoming = []
    for file in files:
        # Uploads are always spooled to a named temporary file (see ``core.web.uploads``).
        size = file.stream.seek(0, 2)
        file.stream.seek(0)
        incoming.append(
            IncomingFile(
                _plain_name(str(file.filename)), Path(str(file.stream.name)), cast(BinaryIO, file.stream), size
            )
        )
    return incoming


def _name_refused_file(error: FileRefused | FileTooLarge | NotAPhotograph, files: Sequence[IncomingFile]) -> None:
    """Put the name of the file into the error's message: users know their files by name, not by index."""
    if isinstance(error, FileTooLarge):
        # The error does not name the file, so name every file that is over the limit.
        limit = get_settings().max_upload_bytes
        error.fields = {f"files[{index}]": [] for index, file in enumerate(files) if file.size_bytes > limit}
    for index, file in enumerate(files):
        if f"files[{index}]" in error.fields:
            language = request_language()
            named = _ABOUT_A_FILE[language].format(name=file.name, text=error.text(language))
            error.fields[f"files[{index}]"] = [named]


def _plain_name(name: str) -> str:
    """Return the last part of a path without invisible characters, shortened but with its extension."""
    plain = PurePosixPath(_HIDING.sub("", name).replace("\\", "/"))
    return plain.stem[: _MAX_NAME_CHARS - len(plain.suffix)] + plain.suffix[:_MAX_NAME_CHARS]


def created(answer: ResponseBody, location: str, status: int = 201) -> ResponseReturnValue:
    return answer.model_dump(mode="json"), status, {"Location": location}
