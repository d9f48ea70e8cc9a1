"""Fixing what a reader cannot see: control, zero-width, bidirectional and tag characters, and outer white space."""

import re
from dataclasses import replace

from backend.generation.language_models.interface import DraftFlashcard, DraftOption, DraftQuestion

INVISIBLE_CHARACTERS = "invisible_characters"
"""Name of the fix, under which it is counted."""

_LINE_BREAK = re.compile("\r\n?|[\u0085\u2028\u2029\u000b\u000c]")
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f"  # control, save tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, fillers, joiners
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, bidirectional, annotations
    "\ufe00-\ufe0f\U000e0000-\U000e0fff"  # variation selectors and tags, which can carry hidden text
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # surrogates and noncharacters, which UTF-8 or readers refuse
)


def clean_text(text: str) -> str:
    """Return a text without invisible characters, with line feeds as line breaks, stripped."""
    return _INVISIBLE.sub("", _LINE_BREAK.sub("\n", text)).strip()


def clean_line(text: str) -> str:
    """Return a name without invisible characters, on one line, with single spaces between its words."""
    return " ".join(clean_text(text).split())


def _has_invisible(*texts: str) -> bool:
    return any(_INVISIBLE.search(text) for text in texts)


def clean_flashcard(draft: DraftFlashcard) -> tuple[DraftFlashcard, tuple[str, ...]]:
    """Return the draft cleaned, and the names of the fixes that it needed."""
    cleaned = replace(draft, front=clean_text(draft.front), back=clean_text(draft.back), topic=clean_line(draft.topic))
    invisible = _has_invisible(draft.front, draft.back, draft.topic)
    return cleaned, (INVISIBLE_CHARACTERS,) if invisible else ()


def clean_question(draft: DraftQuestion) -> tuple[DraftQuestion, tuple[str, ...]]:
    """Return the draft cleaned, and the names of the fixes that it needed. Ids of options are left as they are."""
    cleaned = replace(
        draft,
        stem=clean_text(draft.stem),
        options=tuple(DraftOption(option.id, clean_text(option.text)) for option in draft.options),
        explanation=clean_text(draft.explanation),
        topic=clean_line(draft.topic),
    )
    invisible = _has_invisible(draft.stem, *(option.text for option in draft.options), draft.explanation, draft.topic)
    return cleaned, (INVISIBLE_CHARACTERS,) if invisible else ()
