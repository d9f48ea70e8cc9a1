"""Whether a cloze card's deletions are well-formed and leave a fair question."""

import re
from itertools import accumulate

from backend.text.cloze import Deletion, find_deletions, replace_deletions
from backend.text.folding import fold
from backend.text.stop_words import STOP_WORDS

_MATH = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")

_MIN_WORDS_LEFT = 2


def has_wrong_deletions(text: str) -> bool:
    """Say whether deletions are missing, unbalanced, nested, empty or not numbered from 1 without a gap.

    A deletion with one brace of a pair cuts through an exponent or a formula.
    """
    deletions = find_deletions(text)
    numbers = {deletion.number for deletion in deletions}
    rest = _MATH.sub("", replace_deletions(text, lambda _: ""))
    return (
        not deletions
        or any(not deletion.hidden.strip() or not _has_pairs(deletion.hidden) for deletion in deletions)
        or numbers != set(range(1, len(numbers) + 1))
        or "{{" in rest
        or "}}" in rest
    )


def _has_pairs(hidden: str) -> bool:
    braces = _BRACE.findall(hidden.replace("\\{", "").replace("\\}", ""))
    depths = list(accumulate(1 if brace == "{" else -1 for brace in braces))
    return not depths or (depths[-1] == 0 and min(depths) >= 0)


def hides_everything(text: str) -> bool:
    """Say whether one card's deletions leave fewer than two words visible, or hide a whole sentence."""
    deletions = find_deletions(text)
    numbers = {deletion.number for deletion in deletions}
    if any(len(_WORD.findall(_visible_text(text, number))) < _MIN_WORDS_LEFT for number in numbers):
        return True
    return any(_is_sentence(text, deletion) for deletion in deletions)


def _visible_text(text: str, number: int) -> str:
    """Return the front of the card with this number: its own deletions hidden, those of other cards shown."""
    return replace_deletions(text, lambda deletion: " " if deletion.number == number else deletion.hidden)


def _is_sentence(text: str, deletion: Deletion) -> bool:
    before = text[: deletion.start].rstrip()
    after = text[deletion.end :]
    if len(_WORD.findall(deletion.hidden)) < 3 or (before and before[-1] not in ".!?"):
        return False
    return deletion.hidden.rstrip().endswith((".", "!", "?")) or _SENTENCE_END.match(after) is not None


def hides_stop_word(text: str) -> bool:
    """Say whether a deletion hides only function words or punctuation."""
    for deletion in find_deletions(text):
        hidden = deletion.hidden
        words = _WORD.findall(fold(hidden).text)
        # A formula or a sign may well be the answer; a lone capital is a name (vitamin A), not a word.
        if not words and not any(character in "+-*/=<>≤≥≠∞°%\\" for character in hidden):
            return True
        if words and set(words) <= STOP_WORDS and not (len(hidden.strip()) == 1 and hidden.strip().isupper()):
            return True
    return False
