"""What the generation room hands out and takes in, free of tables."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from backend.core.work.figures import EndedFigure
from backend.study.types import AskedCounts, Counts, Difficulty


class RunState(StrEnum):
    """Where a run stands. ``cancelling`` and ``failing`` wait for calls under way; the last three are final."""

    READING = "reading"
    MAKING = "making"
    CONNECTING = "connecting"
    CANCELLING = "cancelling"
    FAILING = "failing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_STATES = frozenset({RunState.READING, RunState.MAKING, RunState.CONNECTING})
ENDED_STATES = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})


class StepKind(StrEnum):
    """What a step does."""

    PLAN = "plan"
    SECTION = "section"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class RunWish:
    """What a student asks of a run. None means: all documents, as many items as the material carries,
    the documents' own language, a mix of difficulties."""

    document_ids: tuple[UUID, ...] | None = None
    asked: AskedCounts = field(default_factory=AskedCounts)
    language: str | None = None
    difficulty: Difficulty | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Counted work of a run."""

    pages_read: int
    pages_total: int | None
    sections_done: int
    sections_total: int
    items_kept: int
    items_asked: int | None


@dataclass(frozen=True, slots=True)
class RunUsage:
    """What the language model used for a run, in tokens."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PageCoverage:
    """What one page gave."""

    page: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Skipped:
    """Pages that gave nothing, or were not looked at, and why."""

    first_page: int | None
    last_page: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentCoverage:
    """What of one document became items."""

    document_id: UUID
    filename: str
    pages: tuple[PageCoverage, ...] = field(default=())
    skipped: tuple[Skipped, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RunFigures:
    """How many runs are open by state, how lately ended ones did, by model, and the age of the oldest open one."""

    open: dict[str, int]
    ended: tuple[EndedFigure, ...]
    oldest_open_s: float


@dataclass(frozen=True, slots=True)
class CallFigure:
    """Calls of one model with one outcome in the last hour. Input tokens include the cached ones."""

    model: str
    outcome: str
    count: int
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class WorkFigures:
    """Statistics of runs and model calls."""

    runs: RunFigures
    calls: tuple[CallFigure, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as those see it who help its user: figures and states, nothing of her material."""

    id: UUID
    user_id: UUID
    study_set_id: UUID
    state: RunState
    error_code: str | None
    retry_of: UUID | None
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
    """What one user has had made: runs by state, and what the language model used for them."""

    runs: dict[str, int]
    usage: RunUsage
