"""Tells whether two folded texts have the same words, apart from articles and spelling.

Two sentences may be 98 % alike and differ in the one word that matters: increases and decreases, anterior and
posterior, hepatitis B and hepatitis C.
"""

import re
from dataclasses import dataclass

from rapidfuzz.distance import Indel

_WORD = re.compile(r"[^\W_]+")
# Words that may be added, left out or swapped.
_ARTICLES = frozenset(
    {
        *("the", "a", "an"),
        *("der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines"),
        *("le", "la", "les", "l", "un", "une", "il", "lo", "i", "gli", "uno", "una"),
    }
)
_MIN_LETTERS = 5
# Two spellings of one sound, as in catalyse and catalyze, haemoglobin and hemoglobin, Prozess and Prozeß.
_SPELLINGS = (
    (re.compile("[ao]e"), "e"),
    (re.compile("ou"), "o"),
    (re.compile("z"), "s"),
    (re.compile("re(?=s?$)"), "er"),
    (re.compile(r"(\w)\1"), r"\1"),
)


@dataclass(frozen=True, slots=True)
class _Block:
    """``words[start:end]`` and ``others[other_start:other_end]`` differ."""

    start: int
    end: int
    other_start: int
    other_end: int


def has_same_words(folded: str, other: str) -> bool:
    """Whether two folded texts differ in nothing but articles, spelling, punctuation and where words are divided."""
    words, others = _words(folded), _words(other)
    return all(
        _is_same(words[block.start : block.end], others[block.other_start : block.other_end])
        for block in _differences(words, others)
    )


def _words(folded: str) -> list[str]:
    return _WORD.findall(folded.replace("can't", "cannot").replace("n't", " not"))


def _differences(words: list[str], others: list[str]) -> list[_Block]:
    """Return where two lists of words differ; neighbouring insertions and deletions are one difference."""
    blocks: list[_Block] = []
    for edit in Indel.opcodes(words, others):
        if edit.tag == "equal":
            continue
        block = _Block(edit.src_start, edit.src_end, edit.dest_start, edit.dest_end)
        if blocks and (blocks[-1].end, blocks[-1].other_end) == (block.start, block.other_start):
            before = blocks.pop()
            block = _Block(before.start, block.end, before.other_start, block.other_end)
        blocks.append(block)
    return blocks


def _is_same(words: list[str], others: list[str]) -> bool:
    ours = [word for word in words if word not in _ARTICLES]
    theirs = [word for word in others if word not in _ARTICLES]
    if "".join(ours) == "".join(theirs) or "".join(words) == "".join(others):
        return True
    return len(ours) == len(theirs) and all(map(_is_spelling, ours, theirs))


def _is_spelling(word: str, other: str) -> bool:
    """Whether two words are spellings of one, or one lacks a letter of the other that is not its first."""
    if min(len(word), len(other)) < _MIN_LETTERS or not (word.isalpha() and other.isalpha()):
        return False
    if _spelled(word) == _spelled(other):
        return True
    return word[:2] == other[:2] and Indel.distance(word, other) == 1


def _spelled(word: str) -> str:
    for pattern, spelling in _SPELLINGS:
        word = pattern.sub(spelling, word)
    return word
