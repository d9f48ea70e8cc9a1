"""Places the words of a page's text on the page: which of the words that are shown is which of the text's.

A wrong place is worse than none, so only words in sequences that agree are placed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final

MAX_WORDS: Final = 6_000
"""Comparing takes the square of this in the worst case."""

_WORD: Final = re.compile(r"\S+")
# A shorter sequence that occurs more than once may be another one.
_SURE_WORDS: Final = 3


def place_words(text: str, shown: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return ``[start, end, left, top, right, bottom]`` for the words of ``text`` among ``[word, left, …]``.

    A word that a line break divides has two entries.
    """
    spans = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    ours = [_letters(text[start:end]) for start, end in spans]
    theirs = [_letters(each[0]) for each in shown]
    # Marks of the notation alone, such as "|" or "-", are nothing that is shown.
    our_places = [place for place, letters in enumerate(ours) if letters]
    their_places = [place for place, letters in enumerate(theirs) if letters]
    ours, theirs = [ours[place] for place in our_places], [theirs[place] for place in their_places]
    if max(len(ours), len(theirs)) > MAX_WORDS:
        return []
    placed: list[list[Any]] = []
    for mine, other in _pairs(ours, theirs):
        start, end = spans[our_places[mine]]
        placed.append([start, end, *shown[their_places[other]][1:]])
    return placed


def _pairs(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    unique = _once(ours) & _once(theirs)
    pairs: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            if a_end - a >= _SURE_WORDS or any(word in unique for word in ours[a:a_end]) or len(ours) == len(theirs):
                pairs += zip(range(a, a_end), range(b, b_end), strict=True)
        elif kind == "replace":
            pairs += _by_letters(ours, range(a, a_end), theirs, range(b, b_end))
    return pairs


def _by_letters(ours: Sequence[str], a: range, theirs: Sequence[str], b: range) -> list[tuple[int, int]]:
    """Pair words that are divided otherwise, such as by a hyphen, where all their letters agree."""
    mine = [place for place in a for _ in ours[place]]
    other = [place for place in b for _ in theirs[place]]
    if "".join(ours[place] for place in a) != "".join(theirs[place] for place in b):
        return []
    return list(dict.fromkeys(zip(mine, other, strict=True)))


def _once(words: Sequence[str]) -> set[str]:
    return {word for word, count in Counter(words).items() if count == 1}


def _letters(word: str) -> str:
    """Return the letters and digits alone: signs, accents and notation are written in many ways."""
    return "".join(char for char in unicodedata.normalize("NFKD", word).casefold() if char.isalnum())
