"""Bodies of the library's routes."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from backend.core.web.http import Answer, Body, request_language
from backend.core.web.visible_text import VisibleLine
from backend.library.errors import DOCUMENT_SENTENCES
from backend.library.models import Document
from backend.library.service import document_status
from backend.library.types import DocumentStatus, PageSource


class StudySetBody(Body):
    """A study set to be made, or its new title."""

    title: Annotated[str, VisibleLine] = Field(min_length=1, max_length=200)


class StudySetAnswer(Answer):
    """A study set."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class StudySetPage(Answer):
    """A page of study sets, newest first."""

    items: list[StudySetAnswer]
    next_cursor: str | None


class DocumentProblem(Answer):
    """Why a document cannot be read, or what to know about its text; ``detail`` says what to do."""

    code: str
    detail: str
    pages: list[int] | None = None
    count: int | None = None

    @classmethod
    def of(cls, code: str, **more: object) -> Self:
        """Return the problem with its sentence in the request's language."""
        texts = DOCUMENT_SENTENCES.get(code, DOCUMENT_SENTENCES["damaged"])
        return cls.model_validate({"code": code, "detail": texts[request_language()], **more})


class DocumentAnswer(Answer):
    """A document and how far it has been read."""

    id: UUID
    study_set_id: UUID
    filename: str
    kind: str
    size_bytes: int
    status: DocumentStatus
    pages: int | None = Field(description="Pages of the document; null until it has been read.")
    pages_read: int
    characters: int
    warnings: list[DocumentProblem]
    error: DocumentProblem | None
    file_expired: bool = Field(
        description="The file was deleted after a long time without use; pages and what was made of them stay."
    )
    created_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """Build the answer for one row."""
        return cls(
            id=document.id,
            study_set_id=document.study_set_id,
            filename=document.filename,
            kind=document.kind,
            size_bytes=document.size_bytes,
            status=document_status(document),
            pages=document.pages_total,
            pages_read=document.pages_read,
            characters=document.characters,
            warnings=[
                DocumentProblem.of(str(warning["code"]), count=warning["count"], pages=warning["pages"])
                for warning in document.warnings
            ],
            error=DocumentProblem.of(document.error_code) if document.error_code else None,
            file_expired=document.stored_in is None,
            created_at=document.created_at,
        )


class UploadedDocument(DocumentAnswer):
    """A document after an upload."""

    duplicate: bool = Field(False, description="The same bytes were in the study set before; this is that document.")


class UploadAnswer(Answer):
    """The documents of one upload, in the order of the files."""

    documents: list[UploadedDocument]


class DocumentPage(Answer):
    """A page of documents, oldest first."""

    items: list[DocumentAnswer]
    next_cursor: str | None


class PageAnswer(Answer):
    """The text of one page; offsets of evidence count its code points."""

    document_id: UUID
    number: int
    text: str
    heading: str | None
    source: PageSource
    skipped: str | None
