"""The syntax of cloze deletions: ``{{c1::hidden}}`` or ``{{c1::hidden::hint}}``."""

import re

from backend.text.folding import fold
from backend.text.stop_words import STOP_WORDS

_DELETION = re.compile(r"\{\{c(\d+)::((?:(?!\{\{c\d|::).)+?)(?:::((?:(?!\{\{c\d).)*?))?\}\}(?!\})", re.DOTALL)
_MATH = re.compile(r"\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")

_FEWEST_WORDS_LEFT = 2


def has_wrong_deletions(text: str) -> bool:
    """Say whether deletions are missing, unbalanced, nested, empty or not numbered from 1 without a gap."""
    found = _DELETION.findall(text)
    numbers = {int(number) for number, _, _ in found}
    rest = _MATH.sub("", _DELETION.sub("", text))
    return (
        not found
        or any(not hidden.strip() for _, hidden, _ in found)
        or numbers != set(range(1, len(numbers) + 1))
        or "{{" in rest
        or "}}" in rest
    )


def hides_everything(text: str) -> bool:
    """Say whether one card's deletions leave less than two words to go by, or hide a whole sentence."""
    for number in {number for number, _, _ in _DELETION.findall(text)}:
        if len(_WORD.findall(_shown(text, number))) < _FEWEST_WORDS_LEFT:
            return True
    return any(_is_sentence(text, match) for match in _DELETION.finditer(text))


def _shown(text: str, number: str) -> str:
    """Return what the card of one number shows: its own deletions hidden, those of other cards open."""
    return _DELETION.sub(lambda match: " " if match[1] == number else match[2], text)


def _is_sentence(text: str, match: re.Match[str]) -> bool:
    before = text[: match.start()].rstrip()
    after = text[match.end() :]
    if len(_WORD.findall(match[2])) < 3 or (before and before[-1] not in ".!?"):
        return False
    return match[2].rstrip().endswith((".", "!", "?")) or _SENTENCE_END.match(after) is not None


def hides_stop_word(text: str) -> bool:
    """Say whether a deletion hides nothing but function words or punctuation."""
    for _, hidden, _ in _DELETION.findall(text):
        words = _WORD.findall(fold(hidden).text)
        # A formula or a sign may well be what is to be known; a lone capital is a name (vitamin A), not a word.
        if not words and not any(character in "+-*/=<>≤≥≠∞°%\\" for character in hidden):
            return True
        if words and set(words) <= STOP_WORDS and not (len(hidden.strip()) == 1 and hidden.strip().isupper()):
            return True
    return False
