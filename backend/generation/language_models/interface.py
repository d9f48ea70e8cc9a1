"""The interface of every language model, in the terms of this room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from backend.library.types import Span
from backend.study.types import Counts, Difficulty, FlashcardKind


@dataclass(frozen=True, slots=True)
class SectionPage:
    """One page as it is passed to a model; ``number`` counts from 1 within its document.

    ``spans`` say what parts of ``text`` are (docs/page-text.md).
    """

    number: int
    heading: str | None
    text: str
    spans: tuple[Span, ...] = ()


ReadDocument = Callable[[], tuple[SectionPage, ...]]
"""Reads all pages with text of the section's document, for a model that looks beyond the section."""


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """What a model is asked to write for one section of a document.

    ``language`` is an ISO 639-1 code; ``difficulty`` None means a mix. ``existing`` holds fronts and stems already
    made from these pages, which must not be asked again. ``wanted`` is the upper limit of each kind. ``read_document``
    opens its own transaction, so only a model that needs it pays for it; None if there is nothing beyond the section.
    """

    document_id: UUID
    filename: str
    pages: tuple[SectionPage, ...]
    wanted: Counts
    language: str
    difficulty: Difficulty | None = None
    existing: tuple[str, ...] = ()
    known_topics: tuple[str, ...] = ()
    read_document: ReadDocument | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DraftQuote:
    """A quote that a model proposes, with the page it cites. The server verifies it against that page."""

    page: int
    quote: str


@dataclass(frozen=True, slots=True)
class DraftTopic:
    """A topic that a model proposes; ``parent`` is another topic's name."""

    name: str
    summary: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class DraftFlashcard:
    """A flashcard as a model wrote it, not yet checked."""

    kind: FlashcardKind
    front: str
    back: str
    topic: str
    difficulty: Difficulty
    quotes: tuple[DraftQuote, ...]


@dataclass(frozen=True, slots=True)
class DraftOption:
    """One option of a drafted question; ``id`` is the model's own name for it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """A question as a model wrote it, not yet checked; ``key`` should be the id of one option."""

    stem: str
    options: tuple[DraftOption, ...]
    key: str
    explanation: str
    topic: str
    difficulty: Difficulty
    quotes: tuple[DraftQuote, ...]


@dataclass(frozen=True, slots=True)
class DraftLink:
    """A labelled link between two topics, by name."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens used by one call; ``calls`` counts the HTTP requests that returned content.

    Input tokens include cached tokens and those written to the cache.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class SectionReply:
    """The material that a model wrote for a section.

    ``truncated``: the output was cut off; only complete items are included. ``malformed`` counts items that did not
    match the schema. Each of them is dropped on its own, without its neighbours.
    """

    topics: tuple[DraftTopic, ...]
    flashcards: tuple[DraftFlashcard, ...]
    questions: tuple[DraftQuestion, ...]
    usage: Usage = field(default_factory=Usage)
    truncated: bool = False
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Topics of a study set to arrange in a tree and link. Each has a name, a summary and its known parent."""

    topics: tuple[DraftTopic, ...]
    language: str


@dataclass(frozen=True, slots=True)
class ConnectReply:
    """Parents by topic name (None for a root) and labelled links; names not in the request are ignored."""

    parents: dict[str, str | None]
    links: tuple[DraftLink, ...]
    usage: Usage = field(default_factory=Usage)


class ModelError(Exception):
    """A call that returned nothing usable.

    ``code`` is one of ``rate_limited``, ``quota_exhausted``, ``timeout``, ``unavailable``, ``context_too_long``,
    ``refused``, ``bad_output``, ``truncated``, ``misconfigured``. ``retryable`` says whether the same call may succeed
    later. ``retry_after_s`` is the delay that the vendor asked for, in seconds. ``usage`` is what the failed call
    used.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.usage = usage or Usage()


BeforeCall = Callable[[], None]
"""Called right before each outside call; raises to stop it, so that a cancelled run makes no further calls."""


class LanguageModel(Protocol):
    """Writes study material for one section at a time. Raises ModelError; never opens a transaction.

    ``host`` is where its calls go, on which their price may depend; None if nothing leaves this process.
    """

    name: str
    is_draft: bool
    host: str | None

    def write_section(self, request: SectionRequest, before_call: BeforeCall) -> SectionReply:
        """Write topics, flashcards and questions for one section."""

    def connect_topics(self, request: ConnectRequest, before_call: BeforeCall) -> ConnectReply:
        """Arrange topics in a tree and link them."""
