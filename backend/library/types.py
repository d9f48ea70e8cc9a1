"""Values that the library hands to higher rooms."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

TEXT_VERSION: Final = 2
"""The version of the notation of pages' texts. Texts of version 1 are plain."""

OCR_TRUSTED: Final = 70
"""Quotes of recognised pages with a lower confidence prove nothing."""


class DocumentStatus(StrEnum):
    """The reading status of a document. A failed document has an error code."""

    QUEUED = "queued"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


class RereadingStatus(StrEnum):
    """The status of reading a document again. Once done, the document has its new pages."""

    QUEUED = "queued"
    READING = "reading"
    DONE = "done"
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


class SpanKind(StrEnum):
    """What a part of a page's text is. A quote of an uncertain part proves nothing: it may be misread."""

    HEADING = "heading"
    TABLE = "table"
    CODE = "code"
    FORMULA = "formula"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` of a page, with its notation (``#``, fence, ``$``). ``level`` is 1 to 6 for headings."""

    kind: SpanKind
    start: int
    end: int
    level: int | None = None


@dataclass(frozen=True, slots=True)
class PageText:
    """One page (slide, or section of a format without pages) of a document, counted from 1.

    ``text`` is light Markdown (docs/page-text.md); offsets of evidence count its code points, not bytes.
    ``skipped`` says why a page has no usable text: ``blank`` or ``not_readable``; else None. ``label`` is the number
    that is printed on the page, such as ``iv``, if it is known. ``confidence`` is from 0 to 100 for recognised text.
    """

    number: int
    text: str
    heading: str | None = None
    source: PageSource = PageSource.TEXT
    skipped: str | None = None
    label: str | None = None
    spans: tuple[Span, ...] = ()
    confidence: int | None = None
    text_version: int = TEXT_VERSION


@dataclass(frozen=True, slots=True)
class PageNotation:
    """How the text of a page is written: the version of its notation, and its spans."""

    text_version: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class ReadingWarning:
    """Something was left out, replaced or guessed in reading these pages, ``count`` times in the document."""

    code: str
    count: int
    pages: tuple[int, ...]


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


@dataclass(frozen=True, slots=True)
class QuoteCounts:
    """How many quotes of a document are in its new text, how many are not, and the pages that stand for those."""

    found: int = 0
    lost: int = 0
    lost_pages: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the page as it is shown, from its top left corner."""

    left: float
    top: float
    width: float
    height: float
