"""Sample text of a document and items made from it."""

from typing import Any
from uuid import UUID

from backend.core.ids import new_id
from backend.study.types import (
    SINGLE_CHOICE,
    Difficulty,
    Evidence,
    EvidenceStatus,
    Flashcard,
    FlashcardKind,
    NewItem,
    NewTopic,
    Option,
    SingleChoice,
)

SENTENCE = "The mitochondrion of kind {n} makes adenosine triphosphate for cells of class {n}."
PAGES = 9


def page_text(number: int) -> str:
    """Return the text of one page of the document; the sentence in its middle names the page."""
    return f"{'Before it. ' * 40}{SENTENCE.format(n=number)}{' After it.' * 40}"


def new_topic(name: str, summary: str = "", parent: str | None = None) -> NewTopic:
    """Return a topic as created by a run."""
    return NewTopic(name, summary, parent)


def new_card(front: str, back: str, topic: str = "Cells", **more: Any) -> NewItem[Flashcard]:
    """Return a card as created by a run."""
    kind = FlashcardKind.CLOZE if "{{c1::" in front else FlashcardKind.BASIC
    given = {"id": new_id(), "kind": kind, "difficulty": Difficulty.MEDIUM, "evidence": (), **more}
    return NewItem(content=Flashcard(front, back), topic=topic, **given)


def new_question(stem: str, right: str, *wrong: str, topic: str = "Cells", **more: Any) -> NewItem[SingleChoice]:
    """Return a question as created by a run, with the correct option first."""
    options = tuple(Option(f"id{at}", text) for at, text in enumerate((right, *(wrong or ("Nothing of this",)))))
    given = {"id": new_id(), "difficulty": Difficulty.MEDIUM, "evidence": (), **more}
    content = SingleChoice(stem, options, "id0", given.pop("explanation", ""))
    return NewItem(kind=SINGLE_CHOICE, content=content, topic=topic, **given)


def evidence_on(document_id: str, page: int, status: EvidenceStatus = EvidenceStatus.VERIFIED) -> Evidence:
    """Return evidence for the sentence in the middle of a page."""
    quote = SENTENCE.format(n=page)
    start = page_text(page).index(quote)
    return Evidence(UUID(document_id), page, quote, start, start + len(quote), status)
