"""Request and response bodies of study sets and documents."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.uploads import UPLOADED_FILE
from backend.core.web.visible_text import VisibleLine
from backend.library.errors import DOCUMENT_SENTENCES
from backend.library.models import Document
from backend.library.page_images.widths import DEFAULT_WIDTH, MAX_WIDTH
from backend.library.service import document_status
from backend.library.types import DocumentPurpose, DocumentStatus, PageSource


class StudySetRequest(RequestBody):
    """The title of a new study set, or the new title of an existing one."""

    title: Annotated[str, VisibleLine] = Field(min_length=1, max_length=200)


class StudySetResponse(ResponseBody):
    """A study set."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class StudySetPage(ResponseBody):
    """A page of study sets, newest first."""

    items: list[StudySetResponse]
    next_cursor: str | None


def _add_files(schema: dict[str, Any]) -> None:
    schema["properties"]["files"] = {"type": "array", "minItems": 1, "items": UPLOADED_FILE}
    schema["required"] = ["files"]


class UploadRequestBody(BaseModel):
    """The multipart form of an upload."""

    # The route takes the files from the request itself: they are on disk, not in memory.
    model_config = ConfigDict(json_schema_extra=_add_files)

    purpose: DocumentPurpose = Field(
        DocumentPurpose.NOTES, description="The purpose of all files in this upload; a duplicate keeps the one it has."
    )


class DocumentProblem(ResponseBody):
    """Why a document could not be read, or a warning about its text. `detail` tells the user what to do."""

    code: str
    detail: str
    pages: list[int] | None = None
    count: int | None = None

    @classmethod
    def of(cls, code: str, language: str, **more: object) -> Self:
        texts = DOCUMENT_SENTENCES.get(code, DOCUMENT_SENTENCES["damaged"])
        return cls.model_validate({"code": code, "detail": texts[language], **more})


class DocumentResponse(ResponseBody):
    """A document and its reading progress."""

    id: UUID
    study_set_id: UUID
    filename: str
    format: str
    purpose: DocumentPurpose
    size_bytes: int
    status: DocumentStatus
    pages: int | None = Field(description="Pages of the document; null until it has been read.")
    pages_read: int
    characters: int
    warnings: list[DocumentProblem]
    error: DocumentProblem | None
    file_expired: bool = Field(
        description="The file was deleted after a long time without use. Pages and the items made from them stay."
    )
    created_at: datetime

    @classmethod
    def of(cls, document: Document, language: str) -> Self:
        return cls(
            id=document.id,
            study_set_id=document.study_set_id,
            filename=document.filename,
            format=document.format,
            purpose=DocumentPurpose(document.purpose),
            size_bytes=document.size_bytes,
            status=document_status(document),
            pages=document.pages_total,
            pages_read=document.pages_read,
            characters=document.characters,
            warnings=[
                DocumentProblem.of(str(warning["code"]), language, count=warning["count"], pages=warning["pages"])
                for warning in document.warnings
            ],
            error=DocumentProblem.of(document.error_code, language) if document.error_code else None,
            file_expired=document.stored_in is None,
            created_at=document.created_at,
        )


class UploadedDocument(DocumentResponse):
    """A document after an upload."""

    duplicate: bool = Field(
        False, description="The study set already had a file with the same bytes; this is its document."
    )


class UploadResponse(ResponseBody):
    """The documents of an upload, in the order of its files."""

    documents: list[UploadedDocument]


class DocumentPage(ResponseBody):
    """A page of documents, oldest first."""

    items: list[DocumentResponse]
    next_cursor: str | None


class PageImageQuery(BaseModel):
    """The width of a page's image."""

    width: int = Field(DEFAULT_WIDTH, ge=1, le=MAX_WIDTH, description="Pixels; the image has the next step's width.")


class PageResponse(ResponseBody):
    """The text of one page. Offsets of evidence count code points of this text."""

    document_id: UUID
    number: int
    text: str
    heading: str | None
    source: PageSource
    skipped: str | None
