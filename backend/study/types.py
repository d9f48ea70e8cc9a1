"""What the study room hands out and takes in, free of tables."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class FlashcardKind(StrEnum):
    """A basic card has a front and a back; a cloze card's front holds ``{{c1::…}}`` and its back may be empty."""

    BASIC = "basic"
    CLOZE = "cloze"


class Difficulty(StrEnum):
    """How demanding an item is meant to be."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class EvidenceStatus(StrEnum):
    """Outcome of looking a quote up in the page text; a quote that is not there rejects its item instead."""

    VERIFIED = "verified"
    UNCHECKABLE = "uncheckable"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an item comes from. ``start`` and ``end`` are code point offsets into the page's text."""

    document_id: UUID
    page: int
    quote: str
    start: int
    end: int
    status: EvidenceStatus


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a question. Its id is stable; its position is not."""

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
class FlashcardView:
    """A flashcard as exports read it. Texts are plain text with LaTeX between ``\\( \\)`` or ``\\[ \\]``."""

    id: UUID
    kind: FlashcardKind
    front: str
    back: str
    difficulty: Difficulty
    topic_id: UUID | None
    evidence: tuple[Evidence, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A multiple-choice question as exports read it; ``key`` is the id of the right option."""

    id: UUID
    stem: str
    options: tuple[Option, ...]
    key: str
    explanation: str
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
    flashcards: tuple[FlashcardView, ...]
    questions: tuple[QuestionView, ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be added; ``parent`` is another topic's name."""

    name: str
    summary: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class NewFlashcard:
    """A checked flashcard to be added; ``topic`` is a topic's name, empty for none."""

    id: UUID
    kind: FlashcardKind
    front: str
    back: str
    difficulty: Difficulty
    topic: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A checked question to be added; ``key`` is the id of the right option, ``topic`` a topic's name."""

    id: UUID
    stem: str
    options: tuple[Option, ...]
    key: str
    explanation: str
    difficulty: Difficulty
    topic: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AddedItems:
    """Ids of the items that were added; ``duplicates`` counts those that were there already."""

    flashcards: tuple[UUID, ...]
    questions: tuple[UUID, ...]
    duplicates: int


@dataclass(frozen=True, slots=True)
class PageItems:
    """How many items of a run come from one page: each counts once, on the page of its first evidence."""

    document_id: UUID
    page: int
    flashcards: int
    questions: int


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What a list of items is narrowed to; None means any. ``text`` is searched in all texts of an item."""

    topic_id: UUID | None = None
    kind: FlashcardKind | None = None
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
class AnswerText:
    """One answer of a question written by hand."""

    text: str
    correct: bool


@dataclass(frozen=True, slots=True)
class EvidenceContext:
    """Evidence with the page's text around it; ``quote`` is read from the page anew."""

    document_id: UUID
    filename: str
    page: int
    quote: str
    start: int
    end: int
    status: EvidenceStatus
    text_before: str
    text_after: str
    page_text_length: int
