"""Places the words of a page's text on the page: which of the words that are shown is which of the text's.

A wrong place is worse than none, so only words in sequences that agree are placed.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

MAX_WORDS: Final = 6_000

_WORD: Final = re.compile(r"\S+")
# Words are sure to be those meant if a sequence of up to this many of them occurs only once.
_MAX_SEQUENCE: Final = 5
_MAX_PASSES: Final = 6
# Pairs of equal words. More are compared for seconds, and a page that repeats itself so much cannot be placed.
_MAX_COMPARED: Final = 400_000


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
    """Pair words in the order of ``ours``; again with what is left, because columns may be drawn in another order."""
    mine, other = list(range(len(ours))), list(range(len(theirs)))
    pairs: list[tuple[int, int]] = []
    for _ in range(_MAX_PASSES):
        found = _pairs_in_order([ours[place] for place in mine], [theirs[place] for place in other])
        if not found:
            break
        pairs += [(mine[a], other[b]) for a, b in found]
        mine = _without(mine, {a for a, _ in found})
        other = _without(other, {b for _, b in found})
    return sorted(pairs)


def _without(places: Sequence[int], gone: set[int]) -> list[int]:
    return [place for at, place in enumerate(places) if at not in gone]


def _pairs_in_order(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    counts = Counter(theirs)
    if sum(counts[word] for word in ours) > _MAX_COMPARED:
        return []
    unique = _once(ours) & _once(theirs)
    pairs: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            if not unique.isdisjoint(_sequences(ours[a:a_end])):
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


def _once(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {sequence for sequence, count in Counter(_sequences(words)).items() if count == 1}


def _sequences(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(1, _MAX_SEQUENCE + 1):
        for start in range(len(words) - size + 1):
            yield tuple(words[start : start + size])


def _letters(word: str) -> str:
    """Return the letters and digits alone: signs, accents and notation are written in many ways."""
    folded = unicodedata.normalize("NFKD", word).casefold()
    return folded if folded.isalnum() else "".join(char for char in folded if char.isalnum())
