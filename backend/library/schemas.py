"""Request and response bodies of study sets and documents."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.uploads import UPLOADED_FILE
from backend.core.web.visible_text import VisibleLine
from backend.core.work.jobs import JobState
from backend.library.errors import find_problem_text
from backend.library.models import Document, Rereading
from backend.library.page_images.widths import DEFAULT_WIDTH, MAX_WIDTH
from backend.library.service import document_status
from backend.library.types import (
    OCR_TRUSTED,
    DocumentPurpose,
    DocumentStatus,
    PageSource,
    PageText,
    RereadingStatus,
    SpanKind,
)

_REREADING_STATUS = {
    JobState.PLANNED: RereadingStatus.QUEUED,
    JobState.QUEUED: RereadingStatus.QUEUED,
    JobState.RUNNING: RereadingStatus.READING,
    JobState.DONE: RereadingStatus.DONE,
    JobState.FAILED: RereadingStatus.FAILED,
    JobState.CANCELLED: RereadingStatus.FAILED,
}


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
    combine: bool = Field(
        False,
        description="Make one document of up to 100 photographs (JPEG, PNG, WebP or HEIC): a page for each, in the "
        "order of `files`.",
    )


class PastedTextQuery(BaseModel):
    """What an upload's body cannot say if it is a text."""

    model_config = ConfigDict(extra="forbid")

    filename: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The name of a text sent as the whole body. By default its first heading or line.",
    )
    purpose: DocumentPurpose | None = Field(
        None, description="The purpose of a text sent as the whole body; `notes` by default."
    )


class DocumentProblem(ResponseBody):
    """Why a document could not be read, or a warning about its text. `detail` tells the user what to do."""

    code: str
    detail: str
    pages: list[int] | None = None
    count: int | None = None

    @classmethod
    def of(cls, code: str, language: str, **more: object) -> Self:
        detail = find_problem_text(code, language) or find_problem_text("damaged", language)
        return cls.model_validate({"code": code, "detail": detail, **more})


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


class RereadingResponse(ResponseBody):
    """A request to read a document again. Until it is `done` and after it has `failed`, the document keeps its text."""

    id: UUID
    document_id: UUID
    status: RereadingStatus
    quotes_found: int | None = Field(description="Quotes that are in the new text; null until it is complete.")
    quotes_lost: int | None = Field(
        description="Quotes that are not in the new text. Their evidence is `uncheckable` and is the whole page."
    )
    error: DocumentProblem | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, rereading: Rereading, language: str) -> Self:
        return cls(
            id=rereading.id,
            document_id=rereading.document_id,
            status=_REREADING_STATUS[JobState(rereading.state)],
            quotes_found=rereading.quotes_found,
            quotes_lost=rereading.quotes_lost,
            error=DocumentProblem.of(rereading.error_code, language) if rereading.error_code else None,
            created_at=rereading.created_at,
            ended_at=rereading.ended_at,
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


class SpanResponse(ResponseBody):
    """A part of a page's text that has a kind: `text[start:end]`, with its notation (`#`, fence, `$`).

    `formula` is LaTeX; a `$` outside such spans is an ordinary sign. `uncertain` may be misread: quotes that touch it
    are `uncheckable`.
    """

    kind: SpanKind
    start: int = Field(ge=0, description="Offset in code points (not bytes or UTF-16 units) of the page's text.")
    end: int = Field(ge=0, description="Offset of the first code point after the span.")
    level: int | None = Field(description="1 to 6 for headings, else null.")


class PageImageQuery(BaseModel):
    """The width of a page's image."""

    width: int = Field(DEFAULT_WIDTH, ge=1, le=MAX_WIDTH, description="Pixels; the image has the next step's width.")


_PAGE_EXAMPLE: dict[str, Any] = {
    "document_id": "01939d2e-0000-7000-8000-0000000000d0",
    "number": 6,
    "label": "iv",
    "text": "## The mole\n\nA mole has 6.022·10^{23} particles,[^1] so $m = n \\cdot M$.\n\n[^1]: Since 2019.",
    "text_version": 2,
    "spans": [
        {"kind": "heading", "start": 0, "end": 11, "level": 2},
        {"kind": "formula", "start": 56, "end": 71, "level": None},
    ],
    "heading": "The mole",
    "source": "text",
    "confidence": None,
    "skipped": None,
}


class PageResponse(ResponseBody):
    """The text of one page. Offsets of spans and evidence count code points of this text.

    From text version 2 on, the text is light Markdown: `#` before headings, pipe tables with every cell, the labels of
    lists, `$…$` or `$$…$$` around LaTeX, `^{…}` and `_{…}` for raised and lowered text, `[^1]` for notes, fenced code,
    `[image: alt]`, and `[formula]` where one is missing. It has no escapes, no emphasis and no link targets.
    """

    model_config = ConfigDict(json_schema_extra={"example": _PAGE_EXAMPLE})

    document_id: UUID
    number: int = Field(description="The page's place in the document, from 1.")
    label: str | None = Field(description="The number printed on the page, such as `iv`; null if it is not known.")
    text: str
    text_version: int = Field(
        description="1: plain text of an earlier release, without spans. 2: light Markdown with spans. A document "
        "keeps its version until it is read again."
    )
    spans: list[SpanResponse] = Field(
        description="Headings, tables, code, formulas and uncertain parts, in order of their starts; they can be "
        "nested."
    )
    heading: str | None = Field(description="The first heading of the page, without its `#`.")
    source: PageSource = Field(description="`ocr` if the text was recognised in a picture.")
    confidence: int | None = Field(
        description="How sure the recognition is of the page's text, from 0 to 100; null for text that was not "
        f"recognised. Below {OCR_TRUSTED}, quotes of the page are `uncheckable`."
    )
    skipped: str | None = Field(description="Why the page has no usable text: `blank` or `not_readable`; else null.")

    @classmethod
    def of(cls, document_id: UUID, page: PageText) -> Self:
        return cls(document_id=document_id, **asdict(page))
