"""Checks all items of a reply individually, and their language together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backend.generation.checks.check import CheckContext, Draft, Kept, Rejected
from backend.generation.checks.flashcards import check_flashcard
from backend.generation.checks.questions import check_question
from backend.generation.language_models.interface import DraftFlashcard, DraftQuestion, SectionReply
from backend.study.types import Counts
from backend.text.languages import is_clearly_another_language

WRONG_LANGUAGE = "wrong_language"


@dataclass(frozen=True, slots=True)
class CheckedItems:
    """Kept and rejected drafts of a reply; every draft is in exactly one group."""

    flashcards: tuple[Kept[DraftFlashcard], ...]
    questions: tuple[Kept[DraftQuestion], ...]
    rejected: tuple[Rejected[DraftFlashcard] | Rejected[DraftQuestion], ...]

    @property
    def counts(self) -> Counts:
        return Counts(len(self.flashcards), len(self.questions))

    def count_rejected(self) -> Counter[str]:
        """Count rejected items by the name of the check that they failed."""
        return Counter(rejected.check for rejected in self.rejected)


def check_items(reply: SectionReply, context: CheckContext) -> CheckedItems:
    """Check each item individually, so that a bad one does not affect the others, then the language of the rest.

    If the remaining items together are clearly not in the requested language, all of them are rejected.
    """
    flashcards, bad_flashcards = _sort([check_flashcard(draft, context) for draft in reply.flashcards])
    questions, bad_questions = _sort([check_question(draft, context) for draft in reply.questions])
    rejected: list[Rejected[DraftFlashcard] | Rejected[DraftQuestion]] = [*bad_flashcards, *bad_questions]
    if is_clearly_another_language(_texts(flashcards, questions), context.language):
        rejected.extend(Rejected(kept.draft, WRONG_LANGUAGE) for kept in flashcards)
        rejected.extend(Rejected(kept.draft, WRONG_LANGUAGE) for kept in questions)
        flashcards, questions = [], []
    return CheckedItems(tuple(flashcards), tuple(questions), tuple(rejected))


def _sort(checked: Sequence[Kept[Draft] | Rejected[Draft]]) -> tuple[list[Kept[Draft]], list[Rejected[Draft]]]:
    kept = [each for each in checked if isinstance(each, Kept)]
    return kept, [each for each in checked if isinstance(each, Rejected)]


def _texts(flashcards: list[Kept[DraftFlashcard]], questions: list[Kept[DraftQuestion]]) -> list[str]:
    texts = [text for kept in flashcards for text in (kept.draft.front, kept.draft.back)]
    for kept in questions:
        texts += [kept.draft.stem, *(option.text for option in kept.draft.options), kept.draft.explanation]
    return texts
