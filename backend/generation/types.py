"""Values that the generation room takes and returns, independent of its tables."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from backend.billing.types import RunCharge
from backend.core.work.job_stats import EndedStats
from backend.library.types import ReadingWarning
from backend.study.types import AskedCounts, Counts, Difficulty


class RunState(StrEnum):
    """``cancelling`` and ``failing`` wait for calls in progress; the last four states are final.

    ``partial``: the run ended before all items were made, because its credits did not suffice or sections failed.
    """

    READING = "reading"
    MAKING = "making"
    CONNECTING = "connecting"
    CANCELLING = "cancelling"
    FAILING = "failing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTIAL = "partial"


ACTIVE_STATES = frozenset({RunState.READING, RunState.MAKING, RunState.CONNECTING})
ENDED_STATES = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.PARTIAL})


OVER_BUDGET = "over_budget"
"""Reason of pages that were skipped because fewer items were requested than there are sections."""

EARLIER_RUN = "earlier_run"
"""Reason of pages that belong to the run which this one continues."""

FREE_BUDGET = "free_budget"
"""What a run waits for while the day's budget for free credits is used up."""

MODEL_QUOTA = "model_quota"
"""What a run waits for while our account at the language model's vendor is used up."""

INSUFFICIENT_CREDITS = "insufficient_credits"
"""Error code of a run for which the user has too few credits."""


class PartialReason(StrEnum):
    """Why a run ended before all items were made."""

    RESERVATION_USED_UP = "reservation_used_up"
    MAX_CREDITS_REACHED = "max_credits_reached"
    SECTIONS_FAILED = "sections_failed"
    OUTPUT_USED_UP = "output_used_up"


PASSING_FAILURES = frozenset({"timeout", "unavailable", "rate_limited"})
"""Error codes of steps that may well succeed some minutes later."""


class StepKind(StrEnum):
    PLAN = "plan"
    SECTION = "section"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class RunWish:
    """Options of a run. None means all documents, as many items as the material supports, the documents' language, and
    a mix of difficulties. ``max_credits`` bounds what the run may cost."""

    document_ids: tuple[UUID, ...] | None = None
    asked: AskedCounts = field(default_factory=AskedCounts)
    language: str | None = None
    difficulty: Difficulty | None = None
    max_credits: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run in numbers; totals are None until they are known."""

    pages_read: int
    pages_total: int | None
    sections_done: int
    sections_total: int
    items_kept: int
    items_asked: int | None


@dataclass(frozen=True, slots=True)
class RunUsage:
    """Usage of the language model: requests and tokens. ``kept_replies`` were found again and cost nothing."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    kept_replies: int = 0


@dataclass(frozen=True, slots=True)
class PageCoverage:
    """Number of items from one page."""

    page: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Skipped:
    """Pages without items, and why. If the pages are None, it is the whole document."""

    first_page: int | None
    last_page: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentCoverage:
    """Coverage of one document: pages with items, skipped pages, and warnings about the pages the run used."""

    document_id: UUID
    filename: str
    pages: tuple[PageCoverage, ...] = field(default=())
    skipped: tuple[Skipped, ...] = field(default=())
    warnings: tuple[ReadingWarning, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RunStats:
    """Open runs by state, recently ended runs by model and outcome, and the age of the oldest open run."""

    open: dict[str, int]
    ended: tuple[EndedStats, ...]
    oldest_open_s: float


@dataclass(frozen=True, slots=True)
class CallStats:
    """Calls of one model with one outcome in the last hour. Input tokens include cached tokens.

    ``cost_usd`` is 0 if the model has no price.
    """

    model: str
    outcome: str
    count: int
    cost_usd: float
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """What some calls used, cost us and were worth. Credits are exact; ``unpriced_calls`` have no price list.

    ``price_credits`` is the price of all of them, ``charged_credits`` the part that users pay.
    """

    calls: int = 0
    unpriced_calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_chf: Decimal = Decimal(0)
    price_credits: Decimal = Decimal(0)
    charged_credits: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsage(CallCosts):
    """Calls of one model on one day in Swiss time."""

    day: date
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost(CallCosts):
    """Calls of one run, and what it spent. ``state`` is None if the run has been deleted."""

    run_id: UUID
    user_id: UUID | None
    state: RunState | None
    model: str
    charge: RunCharge


@dataclass(frozen=True, slots=True)
class WorkStats:
    """Statistics of runs and model calls."""

    runs: RunStats
    calls: tuple[CallStats, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as administrators see it: figures and states, without the user's material."""

    id: UUID
    user_id: UUID
    study_set_id: UUID
    state: RunState
    error_code: str | None
    partial_reason: str | None
    waiting_for: str | None
    retry_of: UUID | None
    continues: UUID | None
    model: str
    is_draft: bool
    asked: AskedCounts
    delivered: Counts
    failed_sections: int
    progress: Progress
    usage: RunUsage
    request_id: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserWork:
    """A user's runs by state, and their usage of the language model."""

    runs: dict[str, int]
    usage: RunUsage
