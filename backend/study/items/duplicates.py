"""Detects items that ask for the same fact.

Exact duplicates share a fingerprint of front and answer together, never of the front alone. Near duplicates have
similar fronts **and** matching answers. String similarity rates "What does DNA do?" and "What does RNA do?" closer than
most real paraphrases, so words are compared instead: one side may lack words of the other, but if each side has a word
that the other lacks, the items differ. In doubt a repeated item is kept rather than a new one dropped.
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
# Abbreviations, formulas, single capitals (vitamin A, hepatitis B) and anything with a digit: if one of these differs,
# the question differs. At the start of a sentence, a lone A or I is usually an English word.
_MARKER = re.compile(r"(?<!\w)(?:\w*\d\w*|\w+[A-ZÄÖÜ]\w*|(?<=\w )[A-Z](?!\w)|[B-HJ-Z](?!\w))[+-]?")
_ENDINGS = frozenset(["s", "es", "e", "n", "en", "er", "em", "ns", "t", "et", "te", "ten", "d", "ed", "ing"])

_SHARED_FRONT = 0.66
_SHARED_ANSWER = 0.75
# Cheap to compute in bulk; nearly all answers that share three quarters of their words reach it.
_COARSE_ANSWER = 55.0


@dataclass(frozen=True)
class ItemText:
    """What an item asks, and the answer, as plain text."""

    front: str
    answer: str

    @cached_property
    def folded_front(self) -> str:
        return _normalise(self.front)

    @cached_property
    def folded_answer(self) -> str:
        return _normalise(self.answer)

    @cached_property
    def rough_answer(self) -> str:
        """The answer's letters and digits: nearly as good as folding, in a twentieth of the time."""
        return default_process(unicodedata.normalize("NFKC", self.answer))

    @cached_property
    def front_words(self) -> frozenset[str]:
        return _content_words(self.folded_front)

    @cached_property
    def answer_words(self) -> frozenset[str]:
        return _content_words(self.folded_answer)

    @cached_property
    def claims(self) -> tuple[object, ...]:
        """For front and answer, what must be equal in duplicates: numbers, count of negations, and markers."""
        return tuple(
            (
                sorted(numbers(folded)),
                len(negations(folded)),
                frozenset(marker.casefold() for marker in _MARKER.findall(text)),
            )
            for text, folded in ((self.front, self.folded_front), (self.answer, self.folded_answer))
        )


def cloze_text(text: str) -> ItemText:
    """Return the text of a cloze card: the front with gaps, and the hidden parts in order as the answer."""
    front, hidden = split_deletions(text, _GAP)
    return ItemText(front, "; ".join(hidden))


def fingerprint(front: str, answer: str) -> str:
    """Return 64 hexadecimal digits, equal for items with the same normalised front and answer.

    For a question these are the stem and the text of the key; for a cloze card, see ``cloze_text``.
    """
    return hashlib.sha256(f"{_normalise(front)}\x1f{_normalise(answer)}".encode()).hexdigest()


def is_near_duplicate(one: ItemText, other: ItemText) -> bool:
    """Say whether two items ask for the same fact: similar fronts and matching answers, with equal numbers."""
    if one.folded_front == other.folded_front and one.folded_answer == other.folded_answer:
        return True
    # The cheapest comparisons come first: hardly any pair passes the second.
    return (
        (one.folded_answer == other.folded_answer or _rough_similarity(one, other) >= _COARSE_ANSWER)
        and _say_the_same(one.folded_answer, other.folded_answer, one.answer_words, other.answer_words, _SHARED_ANSWER)
        and _say_the_same(one.folded_front, other.folded_front, one.front_words, other.front_words, _SHARED_FRONT)
        and one.claims == other.claims
    )


def find_near_duplicate(item: ItemText, others: Sequence[ItemText]) -> int | None:
    """Return the index of the first of ``others`` that is an exact or near duplicate, or None.

    1,000 others take a few milliseconds, because only those with a similar answer are folded and compared by words.
    """
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
    """Say whether two words differ only in an inflectional ending."""
    shared = 0
    for one, another in zip(word, other, strict=False):
        if one != another:
            break
        shared += 1
    endings = {word[shared:], other[shared:]} - {""}
    return shared >= 4 and endings <= _ENDINGS
