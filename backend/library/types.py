"""What the library hands to the rooms above it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class DocumentStatus(StrEnum):
    """Where a document stands. ``failed`` documents carry an error code."""

    QUEUED = "queued"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


class PageSource(StrEnum):
    """How a page's text was obtained."""

    TEXT = "text"
    OCR = "ocr"


@dataclass(frozen=True, slots=True)
class PageText:
    """One page (slide, section of a flowing format) of a document, counted from 1.

    ``text`` is what offsets of evidence point into: characters (code points), never bytes.
    ``skipped`` says why a page has no usable text: ``blank`` or ``not_readable``; else None.
    """

    number: int
    text: str
    heading: str | None = None
    source: PageSource = PageSource.TEXT
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document with its pages, as the rooms above read it."""

    id: UUID
    filename: str
    status: DocumentStatus
    error_code: str | None
    pages: tuple[PageText, ...]


@dataclass(frozen=True, slots=True)
class StorageUsage:
    """Bytes that a user's files take, and may take."""

    used_bytes: int
    quota_bytes: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much a user has brought. ``stored_bytes`` is what counts towards the storage quota."""

    study_sets: int
    documents: int
    stored_bytes: int
