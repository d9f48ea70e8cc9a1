"""From what a model wrote for a section to items that may be kept."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.core.ids import new_id
from backend.generation.language_model import DraftFlashcard, DraftQuestion, SectionReply, SectionRequest
from backend.generation.shuffling import shuffle_options
from backend.library.types import PageText
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.types import Evidence, NewFlashcard, NewQuestion


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """Items that passed, ready to be added, and how many each check dropped."""

    flashcards: tuple[NewFlashcard, ...]
    questions: tuple[NewQuestion, ...]
    rejected: Mapping[str, int]


def check_reply(reply: SectionReply, request: SectionRequest, pages: Sequence[PageText]) -> CheckedReply:
    """Check every item by itself."""
    index = PageIndex(request.document_id, pages)
    rejected: Counter[str] = Counter()
    cards, questions = [], []
    for card in reply.flashcards:
        ev = _ev(card, index)
        if not ev:
            rejected["quote_not_found"] += 1
            continue
        cards.append(NewFlashcard(new_id(), card.kind, card.front, card.back, card.difficulty, card.topic, ev))
    for q in reply.questions:
        ev = _ev(q, index)
        if not ev:
            rejected["quote_not_found"] += 1
            continue
        i = new_id()
        options, key = shuffle_options(q.options, q.key, i)
        questions.append(NewQuestion(i, q.stem, options, key, q.explanation, q.difficulty, q.topic, ev))
    return CheckedReply(tuple(cards), tuple(questions), rejected)


def _ev(item: DraftFlashcard | DraftQuestion, index: PageIndex) -> tuple[Evidence, ...]:
    found = [index.locate(q.quote, q.page) for q in item.quotes]
    return tuple(f for f in found if not isinstance(f, QuoteProblem))


def reason_text(check: str, language: str) -> str:
    return check
