"""Turns Tesseract's table of words into text with a confidence. Noise does not become words."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final, Literal, NamedTuple

from backend.library.extraction import page_text

READABLE: Final = 60
"""Below this confidence more than half of the words of made pages were wrong: such a page counts as not readable."""

# From here on, short words alone are believed: noise gives fragments of one or two letters with less.
_SURE: Final = 80
_MIN_LETTERS: Final = 3
_WHOLE_WORD: Final = 3
_MIN_WHOLE_SHARE: Final = 0.3
# Noise also gives a word now and then.
_MIN_WHOLE_LETTERS: Final = 12

# Below this confidence most words of made pages were wrong, from it on most were right.
_CERTAIN: Final = 60.0
# A block of words below this is a drawing or dirt.
_NOISE: Final = 50.0
# Tesseract gives raised and lowered signs as others, with the confidence of the word, and drops the bar of comparisons:
# a word that may be such a reading is uncertain. Quotation marks after words, apostrophes in words and degrees with a
# unit are not.
_DOUBTFUL: Final = re.compile(
    r"""
    [^\W_][*^~®™©´`]            # 10*, Ca**
    | [0-9)][°'’"”“](?![CFK])    # 10°, 10'
    | (?<![^\W_])[^\W\d_]["”“°]  # m”
    | [^\Ws\d_]['’](?![^\W_])     # substance'
    | [^\W_],,|[^\W_],[^\W\d_]    # CyH,,0
    | ^[<>]                      # > 5
    | ^(?:[mck]?m|s)-?[1-4]\W*$  # m2
    """,
    re.VERBOSE,
)
_TIMES: Final = frozenset("x×·*")
_WORD_LEVEL: Final = "5"
_COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class Recognised:
    """Recognised text in the notation of ``page_text``, its confidence from 0 to 100, and its number of letters.

    ``letters_in_words`` counts those in certain words of three letters or more, ``unread`` the parts of the page with
    ink that are not in the text.
    """

    text: str
    confidence: int
    letters: int
    letters_in_words: int
    unread: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether the text is worth keeping."""
        if self.letters < _MIN_LETTERS or self.confidence < READABLE:
            return False
        if self.confidence >= _SURE:
            return True
        return self.letters_in_words >= max(_MIN_WHOLE_LETTERS, _MIN_WHOLE_SHARE * self.letters)


BLANK: Final = Recognised("", 100, 0, 0)
"""An empty page, on which nothing was overlooked."""


class Box(NamedTuple):
    """A rectangle in pixels of a page."""

    left: int
    top: int
    right: int
    bottom: int


class Unread(NamedTuple):
    """The total of parts of a page with ink in no word, their places, and the numbers of the words they are beside.

    A high part has several places. Beside a word means on its line.
    """

    total: int
    places: tuple[Box, ...]
    words_beside: frozenset[int]


_Side = Literal["left", "right", "above", "below"]
"""Where a part that was not read is, seen from a word."""


class _Word(NamedTuple):
    block: int
    paragraph: int
    line: int
    confidence: float
    text: str
    box: Box
    is_beside: bool = False
    marks: frozenset["_Side"] = frozenset()

    @property
    def is_certain(self) -> bool:
        return self.confidence >= _CERTAIN and not self.is_beside and not _DOUBTFUL.search(self.text)


def _find_nothing(_words: Sequence[Box]) -> Unread:
    return Unread(0, (), frozenset())


def parse_words(table: str, find_unread: Callable[[Sequence[Box]], Unread] = _find_nothing) -> Recognised:
    """Return the text of Tesseract's table (TSV): lines, paragraphs, and words that are uncertain marked.

    What was not read, or is noise, is marked at its place.
    """
    words = list(_words(table))
    blocks = [list(block) for _, block in groupby(words, key=lambda word: word.block)]
    kept = [block for block in blocks if _confidence(block) >= _NOISE]
    shown = [word for block in kept for word in block]
    whole = [word for word in shown if word.confidence >= _CERTAIN and _letters([word]) >= _WHOLE_WORD]
    unread = find_unread([word.box for word in shown])
    noise = list(_outside(unread.places, [block for block in blocks if block not in kept]))
    places = _places([*unread.places, *noise], [word.box for word in shown])
    marked = [
        word._replace(
            is_beside=number in unread.words_beside or _is_power(shown, number),
            marks=frozenset(places.get(number, ())),
        )
        for number, word in enumerate(shown)
    ]
    text = "\n\n".join(_write_block(block) for _, block in groupby(marked, key=lambda word: word.block))
    return Recognised(text, round(_confidence(shown)), _letters(shown), _letters(whole), unread.total + len(noise))


def _is_power(words: Sequence[_Word], number: int) -> bool:
    """Whether a word is a power of ten after a sign of multiplication, whose exponent has lost its place."""
    return number > 0 and words[number - 1].text in _TIMES and words[number].text.startswith("10")


def _outside(parts: Sequence[Box], noise: Iterable[Sequence[_Word]]) -> Iterable[Box]:
    """Yield the places of blocks with letters that are not among the parts already."""
    for block in noise:
        lefts, tops, rights, bottoms = zip(*(word.box for word in block), strict=True)
        box = Box(min(lefts), min(tops), max(rights), max(bottoms))
        if _letters(block) and all(_distance(box, part) for part in parts):
            yield box


def _distance(one: Box, other: Box) -> int:
    """Return how far two boxes are apart, 0 if they overlap."""
    across = max(one.left - other.right, other.left - one.right, 0)
    return across + max(one.top - other.bottom, other.top - one.bottom, 0)


def _places(parts: Iterable[Box], words: Sequence[Box]) -> dict[int, set[_Side]]:
    """Return, by the number of the word nearest to it, on which side of that word each part is."""
    places: dict[int, set[_Side]] = {}
    for part in parts if words else ():
        near = min(range(len(words)), key=partial(_nearness, words, part))
        places.setdefault(near, set()).add(_side(words[near], part))
    return places


def _nearness(words: Sequence[Box], part: Box, number: int) -> tuple[int, int]:
    word = words[number]
    return _distance(word, part), abs(word.top + word.bottom - part.top - part.bottom)


def _side(word: Box, part: Box) -> _Side:
    common = min(word.bottom, part.bottom) - max(word.top, part.top)
    is_far = max(part.left - word.right, word.left - part.right) > word.bottom - word.top
    if is_far or common * 2 >= min(word.bottom - word.top, part.bottom - part.top):
        return "left" if part.left + part.right < word.left + word.right else "right"
    return "above" if part.top + part.bottom < word.top + word.bottom else "below"


def _words(table: str) -> Iterable[_Word]:
    for row in table.splitlines():
        fields = row.split("\t", _COLUMNS - 1)
        if len(fields) == _COLUMNS and fields[0] == _WORD_LEVEL and fields[11].strip():
            block, paragraph, line = (int(field) for field in fields[2:5])
            left, top, width, height = (int(field) for field in fields[6:10])
            box = Box(left, top, left + width, top + height)
            yield _Word(block, paragraph, line, float(fields[10]), page_text.remove_marks(fields[11].strip()), box)


def _confidence(words: Sequence[_Word]) -> float:
    """Return the mean confidence, in which each word counts by its length."""
    length = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / length if length else 0.0


def _letters(words: Iterable[_Word]) -> int:
    return sum(char.isalnum() for word in words for char in word.text)


def _write_block(block: Iterable[_Word]) -> str:
    text = ""
    before: list[_Word] = []
    for _, words in groupby(block, key=lambda word: (word.paragraph, word.line)):
        line = list(words)
        if before:
            text += "\n\n" if _begins_paragraph(before[-1], line[0]) else "\n"
        text += _write_line(line)
        before = line
    return text


def _begins_paragraph(last: _Word, first: _Word) -> bool:
    """Whether a line begins a paragraph. Tesseract also divides where lines are ragged, within sentences."""
    goes_on = first.text[0].islower() or last.text.endswith(("-", ","))
    return first.paragraph != last.paragraph and not goes_on


def _write_line(line: Sequence[_Word]) -> str:
    parts = []
    for is_certain, texts in groupby(_with_marks(line), key=itemgetter(0)):
        text = " ".join(text for _, text in texts)
        parts.append(text if is_certain else page_text.uncertain(text))
    mark = page_text.uncertain(page_text.UNREAD)
    above = [mark] if any("above" in word.marks for word in line) else []
    below = [mark] if any("below" in word.marks for word in line) else []
    return "\n".join([*above, " ".join(parts), *below])


def _with_marks(line: Iterable[_Word]) -> Iterable[tuple[bool, str]]:
    """Yield the words of a line and its marks for what was not read, each with whether it is certain."""
    for word in line:
        if "left" in word.marks:
            yield False, page_text.UNREAD
        yield word.is_certain, word.text
        if "right" in word.marks:
            yield False, page_text.UNREAD
