"""Telling items that ask for the same fact.

Exact duplicates share one fingerprint: front and answer together, never the front alone. Near duplicates have
similar fronts **and** matching answers. Similarity of strings alone rates "What does DNA do?" and "What does RNA
do?" closer than most real paraphrases, so what is compared is words: a word of one side may be missing on the
other, but as soon as both sides have a word that the other lacks, they speak of different things. This prefers
keeping a repeated item to dropping one that is none.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process

from backend.text.cloze import split_deletions
from backend.text.folding import fold_text
from backend.text.negations import negations, numbers
from backend.text.stop_words import QUESTION_WORDS, STOP_WORDS

_GAP = " ___ "
_WORD = re.compile(r"\w+", re.UNICODE)
# Abbreviations, formulas, single capitals (vitamin A, hepatitis B), anything with a digit: one of these more or
# less makes another question. A lone A or I is more often a word of English than a name at a sentence's start.
_MARKER = re.compile(r"(?<!\w)(?:\w*\d\w*|\w+[A-ZÄÖÜ]\w*|(?<=\w )[A-Z](?!\w)|[B-HJ-Z](?!\w))[+-]?")
_ENDINGS = frozenset(["s", "es", "e", "n", "en", "er", "em", "ns", "t", "et", "te", "ten", "d", "ed", "ing"])

_SHARED_FRONT = 0.66
_SHARED_ANSWER = 0.75
# Cheap to compute for many at once; nearly all answers that share three quarters of their words reach it.
_COARSE_ANSWER = 55.0


@dataclass(frozen=True)
class ItemText:
    """What an item asks and what it wants to hear, as plain text."""

    front: str
    answer: str

    @cached_property
    def folded_front(self) -> str:
        """The front, folded."""
        return _normalise(self.front)

    @cached_property
    def folded_answer(self) -> str:
        """The answer, folded."""
        return _normalise(self.answer)

    @cached_property
    def rough_answer(self) -> str:
        """The answer's letters and digits: folded nearly as well, in a twentieth of the time."""
        return default_process(unicodedata.normalize("NFKC", self.answer))

    @cached_property
    def front_words(self) -> frozenset[str]:
        """The front's content words, folded."""
        return _content_words(self.folded_front)

    @cached_property
    def answer_words(self) -> frozenset[str]:
        """The answer's content words, folded."""
        return _content_words(self.folded_answer)

    @cached_property
    def claims(self) -> tuple[object, ...]:
        """What must be equal in duplicates: numbers, count of negations and markers, of each side."""
        return tuple(
            (
                sorted(numbers(folded)),
                len(negations(folded)),
                frozenset(marker.casefold() for marker in _MARKER.findall(text)),
            )
            for text, folded in ((self.front, self.folded_front), (self.answer, self.folded_answer))
        )


def cloze_text(text: str) -> ItemText:
    """Return a cloze card as an item: the sentence with gaps, and what is hidden, in order."""
    front, hidden = split_deletions(text, _GAP)
    return ItemText(front, "; ".join(hidden))


def fingerprint(front: str, answer: str) -> str:
    """Return 64 hexadecimal digits that are equal for items with the same normalised front and answer.

    A question gives its stem and the text of its key; a cloze card what ``cloze_text`` makes of it.
    """
    return hashlib.sha256(f"{_normalise(front)}\x1f{_normalise(answer)}".encode()).hexdigest()


def is_near_duplicate(one: ItemText, other: ItemText) -> bool:
    """Say whether two items ask for the same fact: similar fronts and matching answers, with equal numbers."""
    if one.folded_front == other.folded_front and one.folded_answer == other.folded_answer:
        return True
    # The cheapest comparisons first: hardly any pair passes the second.
    return (
        (one.folded_answer == other.folded_answer or _rough_similarity(one, other) >= _COARSE_ANSWER)
        and _say_the_same(one.folded_answer, other.folded_answer, one.answer_words, other.answer_words, _SHARED_ANSWER)
        and _say_the_same(one.folded_front, other.folded_front, one.front_words, other.front_words, _SHARED_FRONT)
        and one.claims == other.claims
    )


def find_near_duplicate(item: ItemText, others: Sequence[ItemText]) -> int | None:
    """Return the index of the first of ``others`` that is an exact or near duplicate, or None.

    1,000 others take a few milliseconds: only those with a similar answer are folded, once each.
    """
    # Only what has a similar answer is compared word by word.
    similar = process.extract_iter(
        item.rough_answer,
        [other.rough_answer for other in others],
        scorer=fuzz.token_sort_ratio,
        score_cutoff=_COARSE_ANSWER if item.rough_answer else None,
    )
    return next((at for _, _, at in similar if is_near_duplicate(item, others[at])), None)


def _rough_similarity(one: ItemText, other: ItemText) -> float:
    return fuzz.token_sort_ratio(one.rough_answer, other.rough_answer)


def _normalise(text: str) -> str:
    return fold_text(text).strip(" .?!:;,")


def _content_words(folded: str) -> frozenset[str]:
    return frozenset(_WORD.findall(folded)) - STOP_WORDS - QUESTION_WORDS - {"_", "__", "___"}


def _say_the_same(
    folded: str, other_folded: str, words: frozenset[str], other_words: frozenset[str], min_shared: float
) -> bool:
    if folded == other_folded:
        return True
    if not words or not other_words:
        return False
    extra = {word for word in words - other_words if not any(_inflected(word, other) for other in other_words)}
    other_extra = {word for word in other_words - words if not any(_inflected(word, own) for own in words)}
    if extra and other_extra:
        return False
    longer, missing = (words, extra) if extra else (other_words, other_extra)
    return 1 - len(missing) / len(longer) >= min_shared


def _inflected(word: str, other: str) -> bool:
    """Say whether two words differ in their ending only, and only in an ending that inflects."""
    shared = 0
    for one, another in zip(word, other, strict=False):
        if one != another:
            break
        shared += 1
    endings = {word[shared:], other[shared:]} - {""}
    return shared >= 4 and endings <= _ENDINGS
