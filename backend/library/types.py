"""Values that the library hands to higher rooms."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class DocumentStatus(StrEnum):
    """The reading status of a document. A failed document has an error code."""

    QUEUED = "queued"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


class DocumentPurpose(StrEnum):
    """What a document is for: notes to learn from, an exam, or the key (the solutions) to an exam."""

    NOTES = "notes"
    EXAM = "exam"
    KEY = "key"


class PageSource(StrEnum):
    """How a page's text was obtained."""

    TEXT = "text"
    OCR = "ocr"


@dataclass(frozen=True, slots=True)
class PageText:
    """One page (slide, or section of a format without pages) of a document, counted from 1.

    Offsets of evidence count code points of ``text``, not bytes.
    ``skipped`` says why a page has no usable text: ``blank`` or ``not_readable``; else None.
    """

    number: int
    text: str
    heading: str | None = None
    source: PageSource = PageSource.TEXT
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document with its pages, as higher rooms see it."""

    id: UUID
    filename: str
    status: DocumentStatus
    error_code: str | None
    pages: tuple[PageText, ...]


@dataclass(frozen=True, slots=True)
class StorageUsage:
    """How many bytes a user's files take, and the limit."""

    used_bytes: int
    quota_bytes: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """Counts and sizes of a user's data. ``stored_bytes`` is what counts towards the storage quota."""

    study_sets: int
    documents: int
    stored_bytes: int
