"""From what a model wrote for a section to items that may be added, and the count of those that may not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.core.ids import new_id
from backend.generation.checks.check import CheckContext, Kept
from backend.generation.checks.reasons import REASONS
from backend.generation.checks.reply import check_reply as check_items
from backend.generation.language_model import DraftFlashcard, DraftQuestion, SectionReply, SectionRequest
from backend.generation.prompts import prompt_fragments
from backend.generation.shuffling import shuffle_options
from backend.library.types import PageText
from backend.study.evidence import PageIndex
from backend.study.types import NewFlashcard, NewQuestion

SCHEMA_INVALID = "schema_invalid"
MORE_THAN_ASKED = "more_than_asked"

_OWN_REASONS: Mapping[str, Mapping[str, str]] = {
    SCHEMA_INVALID: {
        "de": "Der Eintrag war unvollständig oder hatte nicht die verlangte Form.",
        "en": "The item was incomplete or did not have the form asked for.",
    },
    MORE_THAN_ASKED: {
        "de": "Das Sprachmodell hat mehr geliefert als verlangt.",
        "en": "The language model delivered more than was asked for.",
    },
}


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """Items that passed, ready to be added, and how many each check dropped."""

    flashcards: tuple[NewFlashcard, ...]
    questions: tuple[NewQuestion, ...]
    rejected: Mapping[str, int]


def check_reply(reply: SectionReply, request: SectionRequest, pages: Sequence[PageText]) -> CheckedReply:
    """Check every item of a reply against the pages that the model saw, and keep at most what was asked for."""
    context = CheckContext(
        index=PageIndex(request.document_id, pages),
        language=request.language,
        prompt_fragments=prompt_fragments(),
    )
    checked = check_items(reply, context)
    rejected = checked.count_rejected()
    rejected[SCHEMA_INVALID] += reply.malformed
    extra = max(len(checked.flashcards) - request.flashcards, 0) + max(len(checked.questions) - request.questions, 0)
    rejected[MORE_THAN_ASKED] += extra
    return CheckedReply(
        flashcards=tuple(_flashcard(kept) for kept in checked.flashcards[: request.flashcards]),
        questions=tuple(_question(kept) for kept in checked.questions[: request.questions]),
        rejected=+Counter(rejected),
    )


def reason_text(check: str, language: str) -> str:
    """Return why a check drops items, as a sentence for students."""
    texts = _OWN_REASONS.get(check) or REASONS[check]
    return texts.get(language, texts["en"])


def _flashcard(kept: Kept[DraftFlashcard]) -> NewFlashcard:
    draft = kept.draft
    return NewFlashcard(
        id=new_id(),
        kind=draft.kind,
        front=draft.front,
        back=draft.back,
        difficulty=draft.difficulty,
        topic=draft.topic,
        evidence=kept.evidence,
    )


def _question(kept: Kept[DraftQuestion]) -> NewQuestion:
    draft, question_id = kept.draft, new_id()
    options, key = shuffle_options(draft.options, draft.key, question_id)
    return NewQuestion(
        id=question_id,
        stem=draft.stem,
        options=options,
        key=key,
        explanation=draft.explanation,
        difficulty=draft.difficulty,
        topic=draft.topic,
        evidence=kept.evidence,
    )
