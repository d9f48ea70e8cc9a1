"""Values that the study room takes and returns, independent of its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from backend.library.types import Box, PageNotation

Content = TypeVar("Content")


class FlashcardKind(StrEnum):
    """A basic card has a front and a back. A cloze card's front contains ``{{c1::…}}`` and its back may be empty."""

    BASIC = "basic"
    CLOZE = "cloze"


SINGLE_CHOICE = "single_choice"
"""The kind of question with one correct option."""


class Difficulty(StrEnum):
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class EvidenceStatus(StrEnum):
    """Result of looking a quote up in the page's text. An item whose quote is not found is rejected instead.

    A whole page is ``uncheckable``, because there is no quote to look up.
    """

    VERIFIED = "verified"
    UNCHECKABLE = "uncheckable"


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of items. Arithmetic is per kind, so a difference may be negative."""

    flashcards: int = 0
    questions: int = 0

    @property
    def total(self) -> int:
        return self.flashcards + self.questions

    def __bool__(self) -> bool:
        return self != Counts()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.flashcards + other.flashcards, self.questions + other.questions)

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(self.flashcards - other.flashcards, self.questions - other.questions)

    def beyond(self, other: "Counts") -> "Counts":
        """Return by how much this exceeds ``other``. A surplus of one kind does not offset a lack of the other."""
        return Counts(max(self.flashcards - other.flashcards, 0), max(self.questions - other.questions, 0))


@dataclass(frozen=True, slots=True)
class AskedCounts:
    """Requested numbers of items; None leaves a number open until the material is known."""

    flashcards: int | None = None
    questions: int | None = None

    def settle(self, automatic: Counts) -> Counts:
        """Return the numbers, with open ones taken from ``automatic``."""
        return Counts(
            automatic.flashcards if self.flashcards is None else self.flashcards,
            automatic.questions if self.questions is None else self.questions,
        )

    def settled(self) -> Counts | None:
        """Return the numbers, or None while one of them is open."""
        return None if None in (self.flashcards, self.questions) else self.settle(Counts())

    def beyond(self, other: Counts) -> "AskedCounts":
        """Return by how much this exceeds ``other``; open numbers stay open."""
        more = self.settle(other).beyond(other)
        return AskedCounts(
            None if self.flashcards is None else more.flashcards, None if self.questions is None else more.questions
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an item comes from. ``start`` and ``end`` are code point offsets into the page's text.

    Without a quote and offsets it is the whole page. ``option_id`` names the option that this is evidence for; None
    means the whole item.
    """

    document_id: UUID
    page: int
    quote: str | None
    start: int | None
    end: int | None
    status: EvidenceStatus
    option_id: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a question. Its id is stable; its position is not."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class TopicView:
    """A named concept with its parent, if any."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A labelled, directed link between two topics."""

    source_id: UUID
    target_id: UUID
    label: str


@dataclass(frozen=True, slots=True)
class Flashcard:
    """The content of a flashcard. ``docs/page-text.md`` has the notation of item texts."""

    front: str
    back: str


@dataclass(frozen=True, slots=True)
class SingleChoice:
    """The content of a question with one correct option, whose id is ``key``."""

    stem: str
    options: tuple[Option, ...]
    key: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Item(Generic[Content]):
    """An item of a study set. ``kind`` determines the type of its content."""

    id: UUID
    kind: str
    content: Content
    difficulty: Difficulty
    topic_id: UUID | None
    evidence: tuple[Evidence, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StudyKit:
    """Everything in one study set, ready for export.

    ``filenames`` maps document ids to file names. ``is_draft`` is true if the built-in model wrote any item.
    ``notations`` has the pages of all quotes, by document and number; quotes of other pages are plain text.
    """

    study_set_id: UUID
    title: str
    is_draft: bool
    filenames: dict[UUID, str]
    topics: tuple[TopicView, ...]
    links: tuple[LinkView, ...]
    flashcards: tuple[Item[Any], ...]
    questions: tuple[Item[Any], ...]
    notations: Mapping[tuple[UUID, int], PageNotation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to add; ``parent`` is another topic's name."""

    name: str
    summary: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class NewItem(Generic[Content]):
    """A checked item to add; ``topic`` is a topic's name, or empty."""

    id: UUID
    kind: str
    content: Content
    difficulty: Difficulty
    topic: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AddedItems:
    """Ids of the added items, and how many were left out as duplicates."""

    flashcards: tuple[UUID, ...]
    questions: tuple[UUID, ...]
    duplicates: int

    @property
    def counts(self) -> Counts:
        return Counts(len(self.flashcards), len(self.questions))


@dataclass(frozen=True, slots=True)
class PageItems:
    """How many of a run's items come from one page. An item counts once, on the page of its first evidence."""

    document_id: UUID
    page: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Filters of a list of items; None means any. ``text`` is searched for in all texts of an item."""

    topic_id: UUID | None = None
    kind: str | None = None
    difficulty: Difficulty | None = None
    run_id: UUID | None = None
    document_id: UUID | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class CitedQuote:
    """A quote that the user gives as evidence, with the page they cite. The server looks it up."""

    document_id: UUID
    page: int
    quote: str


@dataclass(frozen=True, slots=True)
class EvidenceContext:
    """Evidence with the surrounding text; ``quote`` is read from the page again."""

    document_id: UUID
    filename: str
    page: int
    quote: str | None
    start: int | None
    end: int | None
    status: EvidenceStatus
    option_id: str | None
    text_before: str
    text_after: str
    page_text_length: int
    boxes: list[Box] | None
