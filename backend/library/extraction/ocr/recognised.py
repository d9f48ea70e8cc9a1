"""Turns Tesseract's table of words into text with a confidence. Noise does not become words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

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
_WORD_LEVEL: Final = "5"
_COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class Recognised:
    """Recognised text in the notation of ``page_text``, its confidence from 0 to 100, and its number of letters.

    ``letters_in_words`` counts those in certain words of three letters or more.
    """

    text: str
    confidence: int
    letters: int
    letters_in_words: int

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


class _Word(NamedTuple):
    block: int
    paragraph: int
    line: int
    confidence: float
    text: str


def parse_words(table: str) -> Recognised:
    """Return the text of Tesseract's table (TSV): lines, paragraphs, and words that are uncertain marked."""
    words = list(_words(table))
    blocks = [list(block) for _, block in groupby(words, key=lambda word: word.block)]
    kept = [block for block in blocks if _confidence(block) >= _NOISE]
    shown = [word for block in kept for word in block]
    whole = [word for word in shown if word.confidence >= _CERTAIN and _letters([word]) >= _WHOLE_WORD]
    text = "\n\n".join(map(_write_block, kept))
    return Recognised(text, round(_confidence(shown)), _letters(shown), _letters(whole))


def _words(table: str) -> Iterable[_Word]:
    for row in table.splitlines():
        fields = row.split("\t", _COLUMNS - 1)
        if len(fields) == _COLUMNS and fields[0] == _WORD_LEVEL and fields[11].strip():
            block, paragraph, line = (int(field) for field in fields[2:5])
            yield _Word(block, paragraph, line, float(fields[10]), page_text.remove_marks(fields[11].strip()))


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


def _write_line(line: Iterable[_Word]) -> str:
    parts = []
    for is_certain, words in groupby(line, key=lambda word: word.confidence >= _CERTAIN):
        text = " ".join(word.text for word in words)
        parts.append(text if is_certain else page_text.uncertain(text))
    return " ".join(parts)
