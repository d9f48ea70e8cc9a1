"""Bodies of the study room's routes."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from backend.core.web.http import Answer, Body
from backend.core.web.pagination import PageQuery
from backend.core.web.visible_text import Visible
from backend.study.exports.downloads import DownloadFormat
from backend.study.types import (
    AnswerText,
    CitedQuote,
    Difficulty,
    EvidenceStatus,
    FlashcardKind,
    ItemFilter,
)
from backend.study.views import FlashcardRow, ItemRow, QuestionRow

ShortText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
LongText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
OptionalText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, max_length=4000)]
SearchText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, max_length=200)]

EvidenceOutcome = Literal["verified", "uncheckable", "none"]


class ItemQuery(PageQuery):
    """What a list of items is narrowed to."""

    topic_id: UUID | None = None
    difficulty: Difficulty | None = None
    run_id: UUID | None = Field(None, description="Items that this run made.")
    document_id: UUID | None = Field(None, description="Items with evidence in this document.")
    q: SearchText | None = Field(None, description="Text to be found anywhere in an item; upper and lower case alike.")

    def chosen(self) -> ItemFilter:
        """Return the filter in the words of the service."""
        return ItemFilter(
            topic_id=self.topic_id,
            difficulty=self.difficulty,
            run_id=self.run_id,
            document_id=self.document_id,
            text=self.q,
        )


class FlashcardQuery(ItemQuery):
    """What a list of flashcards is narrowed to."""

    kind: FlashcardKind | None = None

    def chosen(self) -> ItemFilter:
        """Return the filter in the words of the service."""
        return ItemFilter(
            topic_id=self.topic_id,
            kind=self.kind,
            difficulty=self.difficulty,
            run_id=self.run_id,
            document_id=self.document_id,
            text=self.q,
        )


class EvidenceBody(Body):
    """A quote as evidence; the server looks it up on the page and those beside it."""

    document_id: UUID
    page: StrictInt = Field(ge=1, le=1_000_000)
    quote: LongText

    def cited(self) -> CitedQuote:
        """Return the quote in the words of the service."""
        return CitedQuote(self.document_id, self.page, self.quote)


class FlashcardBody(Body):
    """A flashcard written by hand. A cloze card's front hides a part as `{{c1::…}}`; its back may be empty."""

    kind: FlashcardKind = FlashcardKind.BASIC
    front: LongText
    back: OptionalText = ""
    difficulty: Difficulty = Difficulty.MEDIUM
    topic_id: UUID | None = None
    evidence: EvidenceBody | None = None


class FlashcardChangesBody(Body):
    """What is to be changed of a flashcard; what is left out stays."""

    # A default made by a factory is not written into the schema: leaving out is allowed, null is not.
    front: LongText = Field(default_factory=str)
    back: OptionalText = Field(default_factory=str)
    difficulty: Difficulty = Field(default_factory=lambda: Difficulty.MEDIUM)
    topic_id: UUID | None = None


class OptionBody(Body):
    """One option of a question written by hand."""

    text: ShortText
    correct: StrictBool = False


def _answers(options: list[OptionBody]) -> list[AnswerText]:
    return [AnswerText(option.text, option.correct) for option in options]


Options = Annotated[list[OptionBody], Field(min_length=2, max_length=8)]


class QuestionBody(Body):
    """A question written by hand; exactly one option is correct."""

    stem: LongText
    options: Options
    explanation: OptionalText = ""
    difficulty: Difficulty = Difficulty.MEDIUM
    topic_id: UUID | None = None
    evidence: EvidenceBody | None = None

    def answers(self) -> list[AnswerText]:
        """Return the options in the words of the service."""
        return _answers(self.options)


class QuestionChangesBody(Body):
    """What is to be changed of a question; what is left out stays. Options are replaced together."""

    stem: LongText = Field(default_factory=str)
    options: Options = Field(default_factory=list)
    explanation: OptionalText = Field(default_factory=str)
    difficulty: Difficulty = Field(default_factory=lambda: Difficulty.MEDIUM)
    topic_id: UUID | None = None

    def answers(self) -> list[AnswerText]:
        """Return the options in the words of the service."""
        return _answers(self.options)


class EvidenceAnswer(Answer):
    """Where an item comes from; offsets count code points of the page's text."""

    document_id: UUID
    page: int
    quote: str
    start: int
    end: int
    status: EvidenceStatus


class ItemAnswer(Answer):
    """What flashcards and questions share."""

    id: UUID
    study_set_id: UUID
    topic_id: UUID | None
    difficulty: Difficulty
    evidence: list[EvidenceAnswer]
    evidence_status: EvidenceOutcome = Field(description="`uncheckable` as soon as one quote is.")
    origin: Literal["generated", "hand"]
    model: str | None
    run_id: UUID | None
    created_at: datetime
    updated_at: datetime


class FlashcardAnswer(ItemAnswer):
    """A flashcard."""

    kind: FlashcardKind
    front: str
    back: str

    @classmethod
    def of(cls, row: FlashcardRow) -> Self:
        """Build the answer for one row."""
        return cls.model_validate(_fields(row))


class FlashcardPage(Answer):
    """A page of flashcards, oldest first."""

    items: list[FlashcardAnswer]
    next_cursor: str | None


class OptionAnswer(Answer):
    """One option of a question; its id is stable, its position is not."""

    id: str
    text: str


class QuestionAnswer(ItemAnswer):
    """A question; `key` is the id of the right option."""

    stem: str
    options: list[OptionAnswer]
    key: str
    explanation: str

    @classmethod
    def of(cls, row: QuestionRow) -> Self:
        """Build the answer for one row."""
        return cls.model_validate(_fields(row))


class QuestionPage(Answer):
    """A page of questions, oldest first."""

    items: list[QuestionAnswer]
    next_cursor: str | None


def _fields(row: ItemRow) -> dict[str, object]:
    """Return the row's columns, which are named as the answer's fields are, and what follows from them."""
    statuses = {evidence["status"] for evidence in row.evidence}
    outcome = "uncheckable" if EvidenceStatus.UNCHECKABLE in statuses else "verified" if statuses else "none"
    origin = "hand" if row.run_id is None else "generated"
    return {**row._asdict(), "evidence_status": outcome, "origin": origin}


class EvidenceContextAnswer(EvidenceAnswer):
    """Evidence with up to 300 characters of the page's text on each side."""

    filename: str
    text_before: str
    text_after: str
    page_text_length: int


class TopicAnswer(Answer):
    """A topic with the numbers of its items."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None
    flashcards: int
    questions: int


class TopicPage(Answer):
    """A page of topics, oldest first."""

    items: list[TopicAnswer]
    next_cursor: str | None


class TopicLinkAnswer(Answer):
    """A labelled, directed link between two topics."""

    source_id: UUID
    target_id: UUID
    label: str


class ConceptMapQuery(Body):
    """In which form the concept map is wanted."""

    format: Literal["json", "svg"] | None = Field(None, description="Goes before the Accept header.")


class ConceptMapAnswer(Answer):
    """Topics and links of a study set."""

    topics: list[TopicAnswer]
    links: list[TopicLinkAnswer]


class ExportQuery(Body):
    """In which form the kit is wanted."""

    format: DownloadFormat
