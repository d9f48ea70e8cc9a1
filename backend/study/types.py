"""What the study room hands out and takes in, free of tables."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

Content = TypeVar("Content")


class FlashcardKind(StrEnum):
    """A basic card has a front and a back; a cloze card's front holds ``{{c1::…}}`` and its back may be empty."""

    BASIC = "basic"
    CLOZE = "cloze"


SINGLE_CHOICE = "single_choice"
"""The kind of question with one right option."""


class Difficulty(StrEnum):
    """How demanding an item is meant to be."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class EvidenceStatus(StrEnum):
    """Outcome of looking a quote up in the page text; a quote that is not there rejects its item instead.

    A whole page is ``uncheckable``: there is nothing to look up.
    """

    VERIFIED = "verified"
    UNCHECKABLE = "uncheckable"


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of items. Added, subtracted and compared kind by kind, so a difference may be negative."""

    flashcards: int = 0
    questions: int = 0

    @property
    def total(self) -> int:
        """Flashcards and questions together."""
        return self.flashcards + self.questions

    def __bool__(self) -> bool:
        return self != Counts()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.flashcards + other.flashcards, self.questions + other.questions)

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(self.flashcards - other.flashcards, self.questions - other.questions)

    def beyond(self, other: "Counts") -> "Counts":
        """Return by how much this exceeds ``other``: a surplus of one kind makes up for nothing of the other."""
        return Counts(max(self.flashcards - other.flashcards, 0), max(self.questions - other.questions, 0))


@dataclass(frozen=True, slots=True)
class AskedCounts:
    """Numbers of items asked for; None leaves a number open until the material is known."""

    flashcards: int | None = None
    questions: int | None = None

    def settle(self, automatic: Counts) -> Counts:
        """Return the numbers, the open ones as in ``automatic``."""
        return Counts(
            automatic.flashcards if self.flashcards is None else self.flashcards,
            automatic.questions if self.questions is None else self.questions,
        )

    def settled(self) -> Counts | None:
        """Return the numbers, or None while one of them is open."""
        return None if None in (self.flashcards, self.questions) else self.settle(Counts())

    def beyond(self, other: Counts) -> "AskedCounts":
        """Return by how much this exceeds ``other``; what is open stays open."""
        more = self.settle(other).beyond(other)
        return AskedCounts(
            None if self.flashcards is None else more.flashcards, None if self.questions is None else more.questions
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an item comes from. ``start`` and ``end`` are code point offsets into the page's text.

    Without a quote, and so without offsets, it is the whole page. ``option_id`` names the option of a question that
    this is evidence for, None all of the item.
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
    """The content of a flashcard. Texts of items are plain, with LaTeX between ``\\( \\)`` or ``\\[ \\]``."""

    front: str
    back: str


@dataclass(frozen=True, slots=True)
class SingleChoice:
    """The content of a question with one right option, whose id is the ``key``."""

    stem: str
    options: tuple[Option, ...]
    key: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Item(Generic[Content]):
    """An item as it is in a study set. ``kind`` tells the type of its content."""

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
    """Everything made for one study set, ready to be exported.

    ``filenames`` maps a document's id to its file name; ``is_draft`` is true when any item was written by the
    built-in model.
    """

    study_set_id: UUID
    title: str
    is_draft: bool
    filenames: dict[UUID, str]
    topics: tuple[TopicView, ...]
    links: tuple[LinkView, ...]
    flashcards: tuple[Item[Any], ...]
    questions: tuple[Item[Any], ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be added; ``parent`` is another topic's name."""

    name: str
    summary: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class NewItem(Generic[Content]):
    """A checked item to be added; ``topic`` is a topic's name, empty for none."""

    id: UUID
    kind: str
    content: Content
    difficulty: Difficulty
    topic: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AddedItems:
    """Ids of the items that were added; ``duplicates`` counts those that were there already."""

    flashcards: tuple[UUID, ...]
    questions: tuple[UUID, ...]
    duplicates: int

    @property
    def counts(self) -> Counts:
        """How many were added."""
        return Counts(len(self.flashcards), len(self.questions))


@dataclass(frozen=True, slots=True)
class PageItems:
    """How many items of a run come from one page: each counts once, on the page of its first evidence."""

    document_id: UUID
    page: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What a list of items is narrowed to; None means any. ``text`` is searched in all texts of an item."""

    topic_id: UUID | None = None
    kind: str | None = None
    difficulty: Difficulty | None = None
    run_id: UUID | None = None
    document_id: UUID | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class CitedQuote:
    """A quote that a student gives as evidence, with the page she cites; the server looks it up."""

    document_id: UUID
    page: int
    quote: str


@dataclass(frozen=True, slots=True)
class EvidenceContext:
    """Evidence with the page's text around it; ``quote`` is read from the page anew."""

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
