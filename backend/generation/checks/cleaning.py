"""Removes what readers cannot see, and gives formulas their delimiters.

Removed are control, zero-width, bidirectional and tag characters, and outer white space.
"""

import re
from dataclasses import replace

from backend.generation.checks.formulas import delimit_formulas
from backend.generation.language_models.interface import DraftFlashcard, DraftOption, DraftQuestion
from backend.text.invisible import INVISIBLE, SOFT_HYPHEN, VARIATION_SELECTORS, normalize_line_ends

INVISIBLE_CHARACTERS = "invisible_characters"
FORMULA_DELIMITERS = "formula_delimiters"
"""Names under which the fixes are counted."""

_INVISIBLE = re.compile(f"[{INVISIBLE}{SOFT_HYPHEN}{VARIATION_SELECTORS}]")


def clean_text(text: str) -> str:
    """Return a text without invisible characters, with line feeds as line breaks, stripped."""
    return _INVISIBLE.sub("", normalize_line_ends(text)).strip()


def clean_line(text: str) -> str:
    """Return a text without invisible characters, on one line with single spaces."""
    return " ".join(clean_text(text).split())


def _has_invisible(*texts: str) -> bool:
    return any(_INVISIBLE.search(text) for text in texts)


def clean_flashcard(draft: DraftFlashcard, formulas: frozenset[str]) -> tuple[DraftFlashcard, tuple[str, ...]]:
    """Return the cleaned draft, and the names of the fixes applied. ``formulas`` are those of the pages."""
    cleaned = replace(draft, front=clean_text(draft.front), back=clean_text(draft.back), topic=clean_line(draft.topic))
    delimited = replace(
        cleaned, front=delimit_formulas(cleaned.front, formulas), back=delimit_formulas(cleaned.back, formulas)
    )
    invisible = _has_invisible(draft.front, draft.back, draft.topic)
    return delimited, _fixes(invisible=invisible, delimited=delimited != cleaned)


def clean_question(draft: DraftQuestion, formulas: frozenset[str]) -> tuple[DraftQuestion, tuple[str, ...]]:
    """Return the cleaned draft, and the names of the fixes applied. Option ids stay as they are."""
    cleaned = replace(
        draft,
        stem=clean_text(draft.stem),
        options=tuple(DraftOption(option.id, clean_text(option.text)) for option in draft.options),
        explanation=clean_text(draft.explanation),
        topic=clean_line(draft.topic),
    )
    delimited = replace(
        cleaned,
        stem=delimit_formulas(cleaned.stem, formulas),
        options=tuple(DraftOption(option.id, delimit_formulas(option.text, formulas)) for option in cleaned.options),
        explanation=delimit_formulas(cleaned.explanation, formulas),
    )
    invisible = _has_invisible(draft.stem, *(option.text for option in draft.options), draft.explanation, draft.topic)
    return delimited, _fixes(invisible=invisible, delimited=delimited != cleaned)


def _fixes(*, invisible: bool, delimited: bool) -> tuple[str, ...]:
    return (*((INVISIBLE_CHARACTERS,) if invisible else ()), *((FORMULA_DELIMITERS,) if delimited else ()))
