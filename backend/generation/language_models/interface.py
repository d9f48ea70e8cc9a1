"""The interface of every language model, in the terms of this room."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Protocol
from uuid import UUID

from pydantic import TypeAdapter

from backend.library.types import Span
from backend.study.types import Counts, Difficulty, FlashcardKind

_BYTES_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 1000


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

    Input tokens include cached tokens and those written to the cache. Output tokens include reasoning tokens, which the
    model thought with and nobody sees.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Usage)))


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The vendor's limits as the last response told them: how many requests and tokens, how many are left, and in how
    many seconds they are all there again. None is unknown.

    The period is not told. It is a minute at most vendors, but Groq counts requests by the day.
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None


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


@dataclass(frozen=True, slots=True)
class PageImage:
    """The rendering of a page, shown to a model together with its text."""

    page: int
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to a model's server, before it is made.

    ``name`` is that of the schema. ``effort`` is how much the model may reason before it answers; None leaves that to
    the model. ``host`` is the server's. ``cache_key`` groups requests with the same beginning, so that the vendor finds
    it in its cache. ``is_awaited`` is false if nobody waits for the answer, so that it may be slow and cheap.
    """

    name: str
    schema: Mapping[str, Any] = field(hash=False)
    system: str
    user: str
    model: str
    max_output_tokens: int
    temperature: float | None = None
    effort: str | None = None
    host: str | None = None
    images: tuple[PageImage, ...] = ()
    cache_key: str | None = field(default=None, compare=False)
    is_awaited: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        """SHA-256, in hexadecimal digits, of everything that decides the answer."""
        images = [(image.page, image.media_type, hashlib.sha256(image.data).hexdigest()) for image in self.images]
        decisive = {each.name: getattr(self, each.name) for each in fields(self) if each.compare} | {"images": images}
        text = json.dumps(decisive, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

    @property
    def input_tokens(self) -> int:
        """An estimate of the input tokens, from the bytes of the text: a token is about four of them."""
        schema = json.dumps(self.schema)
        # The schema is part of the system text where the server does not show it to the model.
        parts = (self.system, self.user, "" if schema in self.system else schema)
        text = sum(len(part.encode(errors="surrogatepass")) for part in parts)
        return text // _BYTES_PER_TOKEN + _TOKENS_PER_IMAGE * len(self.images)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model's server answered, not yet read.

    ``is_cut``: the server stopped at the limit of output tokens. ``is_filtered``: the vendor's content filter stopped
    it. ``text`` is then what was written before. It holds no character that the database refuses. ``service_tier`` is
    the one that the vendor says it used; its price may differ.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    is_cut: bool = False
    is_filtered: bool = False
    service_tier: str | None = None
    rate_limits: RateLimits = field(default_factory=RateLimits, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of the answer: all but the rate limits, which hold for a moment only."""
        stored = asdict(self)
        del stored["rate_limits"]
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ModelAnswer":
        """Read what ``to_json`` of this or of another release returned: unknown names are ignored."""
        return _ANSWER.validate_python(stored)


_ANSWER = TypeAdapter(ModelAnswer)


class ModelError(Exception):
    """A call that returned nothing usable.

    ``code`` is one of ``rate_limited``, ``quota_exhausted``, ``timeout``, ``unavailable``, ``context_too_long``,
    ``refused``, ``bad_output``, ``truncated``, ``output_used_up``, ``misconfigured``. ``truncated`` means that a
    shorter section may help, ``output_used_up`` that it does not, because nothing at all was written before the limit.
    ``retryable`` says whether the same call may succeed later. ``retry_after_s`` is the delay that the vendor asked
    for, in seconds. ``usage`` is what the failed call used.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        rate_limits: RateLimits | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.usage = usage or Usage()
        self.rate_limits = rate_limits or RateLimits()


BeforeCall = Callable[[], None]
"""Called right before each outside call; raises to stop it, so that a cancelled run makes no further calls."""


class LocalModel(Protocol):
    """Writes study material in this process, without a call."""

    name: str
    is_draft: bool
    host: None
    is_remote: Literal[False]

    def write_section(self, request: SectionRequest) -> SectionReply:
        """Write topics, flashcards and questions for one section."""

    def connect_topics(self, request: ConnectRequest) -> ConnectReply:
        """Arrange topics in a tree and link them."""


class RemoteModel(Protocol):
    """Writes study material behind a server. Asking and reading are pure; only sending makes a call.

    ``host`` is where its calls go, on which their price may depend.
    """

    name: str
    is_draft: bool
    host: str | None
    is_remote: Literal[True]

    def ask_section(self, request: SectionRequest) -> ModelRequest:
        """Return the request for topics, flashcards and questions of one section."""

    def ask_connections(self, request: ConnectRequest) -> ModelRequest:
        """Return the request to arrange topics in a tree and link them."""

    def send(self, request: ModelRequest, before_call: BeforeCall) -> ModelAnswer:
        """Call the server, several times if need be. Raises ModelError. No transaction may be open."""

    def read_section(self, answer: ModelAnswer, request: SectionRequest) -> SectionReply:
        """Read what was written for a section.

        Raises ModelError ``bad_output``, ``truncated`` or ``refused``, with the usage of the answer.
        """

    def read_connections(self, answer: ModelAnswer, request: ConnectRequest) -> ConnectReply:
        """Read parents and links. Raises ModelError as above."""


LanguageModel = LocalModel | RemoteModel
"""``is_remote`` tells which of the two it is, also to the type checker."""
