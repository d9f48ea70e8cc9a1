"""Removes what readers cannot see: control, zero-width, bidirectional and tag characters, and outer white space."""

import re
from dataclasses import replace

from backend.generation.language_models.interface import DraftFlashcard, DraftOption, DraftQuestion
from backend.text.invisible import INVISIBLE, SOFT_HYPHEN, VARIATION_SELECTORS, normalize_line_ends

INVISIBLE_CHARACTERS = "invisible_characters"
"""Name under which this fix is counted."""

_INVISIBLE = re.compile(f"[{INVISIBLE}{SOFT_HYPHEN}{VARIATION_SELECTORS}]")


def clean_text(text: str) -> str:
    """Return a text without invisible characters, with line feeds as line breaks, stripped."""
    return _INVISIBLE.sub("", normalize_line_ends(text)).strip()


def clean_line(text: str) -> str:
    """Return a text without invisible characters, on one line with single spaces."""
    return " ".join(clean_text(text).split())


def _has_invisible(*texts: str) -> bool:
    return any(_INVISIBLE.search(text) for text in texts)


def clean_flashcard(draft: DraftFlashcard) -> tuple[DraftFlashcard, tuple[str, ...]]:
    """Return the cleaned draft, and the names of the fixes applied."""
    cleaned = replace(draft, front=clean_text(draft.front), back=clean_text(draft.back), topic=clean_line(draft.topic))
    invisible = _has_invisible(draft.front, draft.back, draft.topic)
    return cleaned, (INVISIBLE_CHARACTERS,) if invisible else ()


def clean_question(draft: DraftQuestion) -> tuple[DraftQuestion, tuple[str, ...]]:
    """Return the cleaned draft, and the names of the fixes applied. Option ids stay as they are."""
    cleaned = replace(
        draft,
        stem=clean_text(draft.stem),
        options=tuple(DraftOption(option.id, clean_text(option.text)) for option in draft.options),
        explanation=clean_text(draft.explanation),
        topic=clean_line(draft.topic),
    )
    invisible = _has_invisible(draft.stem, *(option.text for option in draft.options), draft.explanation, draft.topic)
    return cleaned, (INVISIBLE_CHARACTERS,) if invisible else ()
