"""Checks of flashcards."""

from backend.generation.checks.check import MAX_TOPIC_CHARS, Check, CheckContext, Kept, Rejected, run_checks
from backend.generation.checks.cleaning import clean_flashcard
from backend.generation.checks.cloze import has_wrong_deletions, hides_everything, hides_stop_word
from backend.generation.checks.wording import has_prompt_fragment, is_meta, is_placeholder, points_to_the_page
from backend.generation.language_models.interface import DraftFlashcard
from backend.study.types import FlashcardKind
from backend.text.cloze import may_have_deletions

MAX_FRONT_CHARS = 500
MAX_BACK_CHARS = 1500


def _is_cloze(draft: DraftFlashcard) -> bool:
    return draft.kind is FlashcardKind.CLOZE


def _empty(draft: DraftFlashcard, _: CheckContext) -> bool:
    return not draft.front or (not draft.back and not _is_cloze(draft))


def _too_long(draft: DraftFlashcard, _: CheckContext) -> bool:
    return len(draft.front) > MAX_FRONT_CHARS or len(draft.back) > MAX_BACK_CHARS or len(draft.topic) > MAX_TOPIC_CHARS


def _placeholder(draft: DraftFlashcard, _: CheckContext) -> bool:
    return any(is_placeholder(text) for text in (draft.front, draft.back) if text)


def _meta(draft: DraftFlashcard, _: CheckContext) -> bool:
    return is_meta(draft.front) or is_meta(draft.back)


def _missing_context(draft: DraftFlashcard, _: CheckContext) -> bool:
    return points_to_the_page(draft.front) or points_to_the_page(draft.back)


def _prompt_leak(draft: DraftFlashcard, context: CheckContext) -> bool:
    return any(has_prompt_fragment(text, context) for text in (draft.front, draft.back, draft.topic))


def _cloze_in_basic_card(draft: DraftFlashcard, _: CheckContext) -> bool:
    return not _is_cloze(draft) and may_have_deletions(draft.front + draft.back)


FLASHCARD_CHECKS: tuple[Check[DraftFlashcard], ...] = (
    Check("empty", _empty),
    Check("too_long", _too_long),
    Check("placeholder", _placeholder),
    Check("meta_text", _meta),
    Check("missing_context", _missing_context),
    Check("prompt_leak", _prompt_leak),
    Check("cloze_syntax", lambda draft, _: _is_cloze(draft) and has_wrong_deletions(draft.front)),
    Check("cloze_whole_sentence", lambda draft, _: _is_cloze(draft) and hides_everything(draft.front)),
    Check("cloze_stop_word", lambda draft, _: _is_cloze(draft) and hides_stop_word(draft.front)),
    Check("cloze_in_basic_card", _cloze_in_basic_card),
)
"""In the order in which they run; the first to fail is the reason."""


def check_flashcard(draft: DraftFlashcard, context: CheckContext) -> Kept[DraftFlashcard] | Rejected[DraftFlashcard]:
    """Clean a card, check it and locate its quotes."""
    cleaned, fixed = clean_flashcard(draft, context.formulas)
    return run_checks(draft, cleaned, FLASHCARD_CHECKS, context, fixed)
