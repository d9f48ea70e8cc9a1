"""Requests and responses of runs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from backend.accounts.types import MAX_ITEMS_PER_RUN, ExamDefaults
from backend.core.web.http import RequestBody, ResponseBody
from backend.generation.checks.section import NOT_WRITTEN, reason_text
from backend.generation.errors import sentence
from backend.generation.runs.receipt import Receipt
from backend.generation.runs.views import RunView
from backend.generation.types import DocumentCoverage, RunState, RunWish
from backend.library.errors import find_problem_text
from backend.study.types import AskedCounts, Difficulty
from backend.text.languages import Language


class RunRequest(RequestBody):
    """Options of a new run. All have defaults, so the body may be empty.

    Options that are left out come from the user's exam defaults. Null overrides those and leaves the option open.
    """

    document_ids: list[UUID] | None = Field(
        None, min_length=1, max_length=20, description="Documents to use; by default all documents of the study set."
    )
    flashcards: StrictInt | None = Field(
        None,
        ge=0,
        le=MAX_ITEMS_PER_RUN,
        description="Maximum number of flashcards; null: as many as the material supports.",
    )
    questions: StrictInt | None = Field(
        None,
        ge=0,
        le=MAX_ITEMS_PER_RUN,
        description="Maximum number of questions; null: as many as the material supports.",
    )
    language: Language | None = Field(None, description="Language of the items; null: that of the documents.")
    difficulty: Difficulty | None = Field(None, description="Difficulty of the items; null: a mix.")

    def wish(self, defaults: ExamDefaults) -> RunWish:
        named = self.model_fields_set
        difficulty = Difficulty(defaults.difficulty) if defaults.difficulty else None
        return RunWish(
            document_ids=tuple(self.document_ids) if self.document_ids is not None else None,
            asked=AskedCounts(
                self.flashcards if "flashcards" in named else defaults.flashcards,
                self.questions if "questions" in named else defaults.questions,
            ),
            language=self.language if "language" in named else defaults.language,
            difficulty=self.difficulty if "difficulty" in named else difficulty,
        )


class RunProgress(ResponseBody):
    """Progress in numbers; totals are null until they are known."""

    pages_read: int
    pages_total: int | None
    sections_done: int
    sections_total: int
    items_kept: int
    items_asked: int | None


class RunModel(ResponseBody):
    """The language model of a run. Items of the built-in model are drafts."""

    name: str
    is_draft: bool


class ItemCounts(ResponseBody):
    """Numbers of items."""

    flashcards: int | None
    questions: int | None


class UsageResponse(ResponseBody):
    """Usage of the language model: requests and tokens."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


class RunProblem(ResponseBody):
    """Why a run failed. ``detail`` says what to do."""

    code: str
    detail: str


class RunResponse(ResponseBody):
    """A run and its progress."""

    id: UUID
    study_set_id: UUID
    state: RunState
    stage: str = Field(description="The current stage in a word or two, in the request's language.")
    progress: RunProgress
    asked: ItemCounts
    delivered: ItemCounts
    failed_sections: int
    eta_s: int | None = Field(description="Estimated seconds left at the pace so far; null while unknown.")
    model: RunModel
    usage: UsageResponse
    language: str | None
    difficulty: Difficulty | None
    error: RunProblem | None
    retry_of: UUID | None = Field(
        description="The ended run that this one retries for an administrator; null for a run that you started."
    )
    last_event: int
    created_at: datetime
    first_item_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, view: RunView, language: str) -> Self:
        run = view.run
        return cls(
            id=run.id,
            study_set_id=run.study_set_id,
            state=RunState(run.state),
            stage=STAGES[RunState(run.state)][language],
            progress=RunProgress.model_validate(view.progress),
            asked=ItemCounts.model_validate(run.asked),
            delivered=ItemCounts.model_validate(run.delivered),
            failed_sections=view.failed_sections,
            eta_s=view.eta_s,
            model=RunModel(name=run.model, is_draft=run.is_draft),
            usage=UsageResponse.model_validate(view.usage),
            language=run.language,
            difficulty=Difficulty(run.difficulty) if run.difficulty else None,
            error=RunProblem(code=run.error_code, detail=sentence(run.error_code, language))
            if run.error_code
            else None,
            retry_of=run.retry_of,
            last_event=run.last_event,
            created_at=run.created_at,
            first_item_at=run.first_item_at,
            ended_at=run.ended_at,
        )


STAGES: dict[RunState, dict[str, str]] = {
    RunState.READING: {
        "en": "reading documents",
        "de": "Dokumente lesen",
        "fr": "lecture des documents",
        "it": "lettura dei documenti",
    },
    RunState.MAKING: {
        "en": "making items",
        "de": "Karten und Fragen erstellen",
        "fr": "création des cartes et des questions",
        "it": "creazione di flashcard e domande",
    },
    RunState.CONNECTING: {
        "en": "connecting topics",
        "de": "Themen verknüpfen",
        "fr": "mise en relation des thèmes",
        "it": "collegamento degli argomenti",
    },
    RunState.CANCELLING: {
        "en": "cancelling",
        "de": "wird abgebrochen",
        "fr": "annulation en cours",
        "it": "annullamento in corso",
    },
    RunState.FAILING: {
        "en": "failing",
        "de": "wird nach einem Fehler beendet",
        "fr": "interruption après une erreur",
        "it": "interruzione per errore",
    },
    RunState.DONE: {
        "en": "done",
        "de": "fertig",
        "fr": "terminé",
        "it": "completato",
    },
    RunState.FAILED: {
        "en": "failed",
        "de": "fehlgeschlagen",
        "fr": "échoué",
        "it": "non riuscito",
    },
    RunState.CANCELLED: {
        "en": "cancelled",
        "de": "abgebrochen",
        "fr": "annulé",
        "it": "annullato",
    },
    RunState.PARTIAL: {
        "en": "partly done",
        "de": "teilweise fertig",
        "fr": "terminé en partie",
        "it": "completato in parte",
    },
}


class QuotaResponse(ResponseBody):
    """The user's usage and limits. Storage is that of files that have not expired, text of documents, and items."""

    storage_used_bytes: int
    storage_quota_bytes: int
    active_runs: int
    most_active_runs: int


class RunPage(ResponseBody):
    """A page of runs, newest first."""

    items: list[RunResponse]
    next_cursor: str | None


class EventsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: int | None = Field(
        None,
        ge=0,
        le=2**31 - 1,
        description="Number of the last event you have. If given, the response is JSON instead of a stream.",
    )


class EventResponse(ResponseBody):
    """An event of a run, numbered from 1 without gaps."""

    number: int
    kind: str
    data: dict[str, Any]
    created_at: datetime


class EventPage(ResponseBody):
    """Events after a number, oldest first. Repeat with ``after=last_number`` until ``ended``."""

    items: list[EventResponse]
    last_number: int
    ended: bool


class PageCoverageResponse(ResponseBody):
    """Number of items from one page."""

    page: int
    flashcards: int
    questions: int


class SkippedResponse(ResponseBody):
    """Pages without items, and why. If the pages are null, it is the whole document."""

    first_page: int | None
    last_page: int | None
    reason: str
    detail: str


class DocumentCoverageResponse(ResponseBody):
    """Coverage of one document."""

    document_id: UUID
    filename: str
    pages: list[PageCoverageResponse]
    skipped: list[SkippedResponse]


class CheckCount(ResponseBody):
    """How many items failed a check or were fixed."""

    check: str
    count: int
    detail: str


class ReceiptResponse(ResponseBody):
    """Requested and delivered items, and an account of the difference."""

    run_id: UUID
    state: RunState
    asked: ItemCounts
    delivered: ItemCounts
    missing: ItemCounts = Field(description="Asked minus delivered; null until the number asked is known.")
    duplicates: int = Field(description="Items dropped because the study set already had them.")
    rejected: list[CheckCount] = Field(description="Items dropped by checks.")
    not_written: int | None = Field(
        description="Missing items that were neither rejected nor duplicates; null until the run has ended."
    )
    not_written_detail: str | None
    fixed: list[CheckCount] = Field(description="Items delivered after a fix.")
    documents: list[DocumentCoverageResponse]
    usage: UsageResponse

    @classmethod
    def of(cls, receipt: Receipt, view: RunView, language: str) -> Self:
        run = receipt.run
        return cls(
            run_id=run.id,
            state=RunState(run.state),
            asked=ItemCounts.model_validate(run.asked),
            delivered=ItemCounts.model_validate(run.delivered),
            missing=ItemCounts.model_validate(receipt.missing),
            duplicates=run.duplicates,
            rejected=_counts(run.rejected, language),
            not_written=receipt.not_written,
            not_written_detail=reason_text(NOT_WRITTEN, language) if receipt.not_written else None,
            fixed=_counts(run.fixed, language),
            documents=[_coverage(document, language) for document in receipt.documents],
            usage=UsageResponse.model_validate(view.usage),
        )


def _counts(counts: Mapping[str, int], language: str) -> list[CheckCount]:
    """Return the counts, largest first."""
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [CheckCount(check=check, count=count, detail=reason_text(check, language)) for check, count in ranked]


def _coverage(document: DocumentCoverage, language: str) -> DocumentCoverageResponse:
    return DocumentCoverageResponse(
        document_id=document.document_id,
        filename=document.filename,
        pages=[PageCoverageResponse(page=page.page, **asdict(page.counts)) for page in document.pages],
        skipped=[
            SkippedResponse(
                first_page=skipped.first_page,
                last_page=skipped.last_page,
                reason=skipped.reason,
                detail=_reason(skipped.reason, language),
            )
            for skipped in document.skipped
        ],
    )


def _reason(code: str, language: str) -> str:
    return find_problem_text(code, language) or sentence(code, language)
