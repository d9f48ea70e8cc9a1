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
from backend.generation.runs.stages import stage_of
from backend.generation.runs.starting import PricedEstimate
from backend.generation.runs.views import RunView
from backend.generation.types import DocumentCoverage, PartialReason, RunState, RunWish
from backend.library.errors import find_problem_text
from backend.study.types import AskedCounts, Difficulty
from backend.text.languages import Language

_MAX_CREDITS = 1_000_000_000


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
    max_credits: StrictInt | None = Field(
        None, ge=1, le=_MAX_CREDITS, description="Maximum cost in credits; null: what the run is estimated to cost."
    )

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
            max_credits=self.max_credits,
        )


class ContinueRequest(RequestBody):
    """Options of a run that continues another. The body may be empty."""

    max_credits: StrictInt | None = Field(
        None, ge=1, le=_MAX_CREDITS, description="Maximum cost in credits; null: that of the run to continue."
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
    kept_replies: int = Field(
        description="Replies that were kept from an earlier, identical request. They cost no credits."
    )


class RunProblem(ResponseBody):
    """Why a run failed. ``detail`` says what to do."""

    code: str
    detail: str
    required: int | None = Field(None, description="Credits that the run needs, if there were too few.")
    available: int | None = Field(None, description="Credits that could be spent, if too few. Can be negative.")


class RunCredits(ResponseBody):
    """Credits of a run. While it runs, what is not charged yet stays reserved."""

    reserved: int = Field(description="Credits reserved for the run; 0 if nothing is charged.")
    charged: int = Field(description="Credits charged so far, for what was delivered.")


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
    credits: RunCredits
    max_credits: int | None = Field(description="Maximum cost that you set; null for none.")
    waiting_for: str | None = Field(
        description="`free_budget`: today's free credits of all users are used up, and the run starts tomorrow. "
        "`model_quota`: our account at the language model's vendor is used up. The run goes on by itself."
    )
    language: str | None
    difficulty: Difficulty | None
    error: RunProblem | None
    partial_reason: PartialReason | None = Field(description="Why a run is only partly done.")
    partial_detail: str | None = Field(description="The same in the request's language, with what to do.")
    continues: UUID | None = Field(description="The run whose missing items this one makes.")
    continued_by: UUID | None = Field(description="The run that makes the items that this one left out.")
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
            stage=stage_of(run)[language],
            progress=RunProgress.model_validate(view.progress),
            asked=ItemCounts.model_validate(run.asked),
            delivered=ItemCounts.model_validate(run.delivered),
            failed_sections=view.failed_sections,
            eta_s=view.eta_s,
            model=RunModel(name=run.model, is_draft=run.is_draft),
            usage=UsageResponse.model_validate(view.usage),
            credits=RunCredits(reserved=view.reserved, charged=view.charged),
            max_credits=run.max_credits,
            waiting_for=run.waiting_for,
            language=run.language,
            difficulty=Difficulty(run.difficulty) if run.difficulty else None,
            error=_problem(run.error_code, run.error_facts or {}, language) if run.error_code else None,
            partial_reason=PartialReason(run.partial_reason) if run.partial_reason else None,
            partial_detail=sentence(run.partial_reason, language) if run.partial_reason else None,
            continues=run.continues,
            continued_by=view.continued_by,
            retry_of=run.retry_of,
            last_event=run.last_event,
            created_at=run.created_at,
            first_item_at=run.first_item_at,
            ended_at=run.ended_at,
        )


def _problem(code: str, facts: Mapping[str, int], language: str) -> RunProblem:
    return RunProblem(
        code=code,
        detail=sentence(code, language, facts),
        required=facts.get("required"),
        available=facts.get("available"),
    )


class EstimateResponse(ResponseBody):
    """What a run with these options would cost in credits."""

    low: int
    likely: int
    high: int = Field(description="Reserved for the run, or `max_credits` if that is less; the rest is released.")
    is_charged: bool = Field(description="False: nothing is charged, because the model or the system is free.")
    asked: ItemCounts = Field(description="The number of items that was assumed.")
    sections: int = Field(description="The number of sections that was assumed; each takes one call.")
    price_list: str = Field(description="The price list, as in `GET /billing/prices`.")
    available: int = Field(description="Credits that you can spend.")

    @classmethod
    def of(cls, priced: PricedEstimate, available: int) -> Self:
        credits = priced.estimate.credits
        return cls(
            low=credits.low,
            likely=credits.likely,
            high=credits.high,
            is_charged=priced.is_charged,
            asked=ItemCounts.model_validate(priced.estimate.asked),
            sections=priced.estimate.sections,
            price_list=priced.price_list,
            available=available,
        )


class QuotaResponse(ResponseBody):
    """The user's usage and limits. Storage is that of files that have not expired, text of documents, and items.

    Images of pages do not count towards it: they are dropped when others need the room.
    """

    storage_used_bytes: int
    storage_quota_bytes: int
    page_images_bytes: int = Field(description="What is kept to show pages of documents as images.")
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


class ReadingWarningResponse(ResponseBody):
    """Something was left out, replaced or guessed when these pages were read."""

    code: str
    detail: str
    count: int = Field(description="How often it occurred in the whole document.")
    pages: list[int] = Field(description="The pages of this run among those on which it occurred.")


class DocumentCoverageResponse(ResponseBody):
    """Coverage of one document."""

    document_id: UUID
    filename: str
    pages: list[PageCoverageResponse]
    skipped: list[SkippedResponse]
    warnings: list[ReadingWarningResponse] = Field(description="The document's warnings about pages of this run.")


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
            documents=[_coverage(document, language, run.error_facts or {}) for document in receipt.documents],
            usage=UsageResponse.model_validate(view.usage),
        )


def _counts(counts: Mapping[str, int], language: str) -> list[CheckCount]:
    """Return the counts, largest first."""
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [CheckCount(check=check, count=count, detail=reason_text(check, language)) for check, count in ranked]


def _coverage(document: DocumentCoverage, language: str, facts: Mapping[str, int]) -> DocumentCoverageResponse:
    return DocumentCoverageResponse(
        document_id=document.document_id,
        filename=document.filename,
        pages=[PageCoverageResponse(page=page.page, **asdict(page.counts)) for page in document.pages],
        skipped=[
            SkippedResponse(
                first_page=skipped.first_page,
                last_page=skipped.last_page,
                reason=skipped.reason,
                detail=_reason(skipped.reason, language, facts),
            )
            for skipped in document.skipped
        ],
        warnings=[
            ReadingWarningResponse(
                code=warning.code,
                detail=_reason(warning.code, language, facts),
                count=warning.count,
                pages=list(warning.pages),
            )
            for warning in document.warnings
        ],
    )


def _reason(code: str, language: str, facts: Mapping[str, int]) -> str:
    return find_problem_text(code, language) or sentence(code, language, facts)
