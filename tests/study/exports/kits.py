"""Small study kits for the tests of the exports."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from backend.library.types import PageNotation, Span, SpanKind
from backend.study.types import (
    SINGLE_CHOICE,
    Difficulty,
    Evidence,
    EvidenceStatus,
    Flashcard,
    FlashcardKind,
    Item,
    LinkView,
    Option,
    SingleChoice,
    StudyKit,
    TopicView,
)

MADE_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
STUDY_SET_ID = UUID("01939d2e-0000-7000-8000-000000000001")
DOCUMENT_ID = UUID("01939d2e-0000-7000-8000-0000000000d0")


def an_id(number: int) -> UUID:
    return UUID(int=(0x01939D2E0000700080000000 << 32) + number)


def evidence(quote: str = "Der Mittelwert einer Messreihe", page: int = 3) -> Evidence:
    return Evidence(DOCUMENT_ID, page, quote, 10, 10 + len(quote), EvidenceStatus.VERIFIED)


def page_quote(
    text: str, *spans: tuple[SpanKind, str], quote: str | None = None, page: int = 3
) -> tuple[Evidence, dict[tuple[UUID, int], PageNotation]]:
    """Return evidence on a page with this text, and the page's notation: the kinds of some of its parts."""
    quote = text if quote is None else quote
    start = text.index(quote)
    found = [Span(kind, text.index(part), text.index(part) + len(part)) for kind, part in spans]
    one = Evidence(DOCUMENT_ID, page, quote, start, start + len(quote), EvidenceStatus.VERIFIED)
    return one, {(DOCUMENT_ID, page): PageNotation(2, tuple(found))}


def card(
    number: int,
    front: str,
    back: str = "",
    kind: FlashcardKind = FlashcardKind.BASIC,
    *,
    topic_id: UUID | None = None,
    sources: Sequence[Evidence] = (),
    edited_after: timedelta = timedelta(0),
) -> Item[Flashcard]:
    return Item(
        id=an_id(number),
        kind=kind,
        content=Flashcard(front, back),
        difficulty=Difficulty.MEDIUM,
        topic_id=topic_id,
        evidence=tuple(sources),
        created_at=MADE_AT,
        updated_at=MADE_AT + edited_after,
    )


def cloze(number: int, front: str, back: str = "") -> Item[Flashcard]:
    return card(number, front, back, FlashcardKind.CLOZE)


def question(
    number: int,
    stem: str,
    options: Sequence[str] = ("2", "3", "5", "8"),
    *,
    key: int = 1,
    explanation: str = "",
    sources: Sequence[Evidence] = (),
) -> Item[SingleChoice]:
    named = tuple(Option(f"o{index}", text) for index, text in enumerate(options))
    return Item(
        id=an_id(number),
        kind=SINGLE_CHOICE,
        content=SingleChoice(stem, named, f"o{key}", explanation),
        difficulty=Difficulty.HARD,
        topic_id=None,
        evidence=tuple(sources),
        created_at=MADE_AT,
        updated_at=MADE_AT,
    )


def topic(number: int, name: str, parent: int | None = None, summary: str = "") -> TopicView:
    return TopicView(an_id(number), name, summary, None if parent is None else an_id(parent))


def link(source: int, target: int, label: str) -> LinkView:
    return LinkView(an_id(source), an_id(target), label)


def kit(
    flashcards: Sequence[Item[Flashcard]] = (),
    questions: Sequence[Item[SingleChoice]] = (),
    topics: Sequence[TopicView] = (),
    links: Sequence[LinkView] = (),
    *,
    title: str = "Messtechnik",
    is_draft: bool = False,
    notations: Mapping[tuple[UUID, int], PageNotation] | None = None,
) -> StudyKit:
    return StudyKit(
        study_set_id=STUDY_SET_ID,
        title=title,
        is_draft=is_draft,
        filenames={DOCUMENT_ID: "skript & übung.pdf"},
        topics=tuple(topics),
        links=tuple(links),
        flashcards=tuple(flashcards),
        questions=tuple(questions),
        notations=notations or {},
    )


def mixed_kit() -> StudyKit:
    """Two topics, two basic cards, a cloze card with two deletions, a question."""
    return kit(
        flashcards=[
            card(1, "Was ist ein Mittelwert?", "Summe durch Anzahl", topic_id=an_id(91), sources=[evidence()]),
            card(2, "Was ist die Varianz?", "Mittlere quadratische Abweichung"),
            cloze(3, "Der {{c1::Median}} teilt die Daten in {{c2::zwei Hälften}}."),
        ],
        questions=[question(4, "Welche Zahl ist der Median von 2, 3, 8?", explanation="Die mittlere ist 3.")],
        topics=[topic(90, "Deskriptive Statistik"), topic(91, "Lage & Maße", 90, "Wo die Daten liegen")],
        links=[link(90, 91, "umfasst")],
    )
