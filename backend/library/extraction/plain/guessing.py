"""Guesses the encoding of a text in an old one, by the letters and words of the languages that use it.

charset-normalizer alone is wrong for short texts and neighbouring encodings (docs/decisions/0027-encodings.md); it
decides when no language fits.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from backend.library.extraction.plain.alphabets import ALPHABETS, Alphabet

_FALLBACK: Final = "cp1252"
_SHORT_LIST: Final = [
    "cp1252", "cp1250", "cp1251", "cp1253", "mac_roman", "gb18030", "big5", "cp932", "euc_jp", "cp949", "iso8859_2",
    "iso8859_15", "cp1254", "cp1257", "koi8_r", "cp1255", "cp1256",
]  # fmt: skip
_SAMPLE_BYTES = 1 << 16
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_WORD = re.compile(r"[^\W\d_]+")
# Signs that texts in all languages have, beside letters: quotes, dashes, units, money.
_SIGNS: Final = frozenset("„“”‚‘’»«›‹–—…•·§°€£©®™±×÷µ²³¹½¼¾\u00a0\u00ad†‡¿¡ªº′″№")
_BETWEEN_LETTERS = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f'’‘·\u00ad\u00a0–—…/”“»«„‚›‹](?=[^\W\d_])")
_CAPITAL_INSIDE = re.compile(r"(?<=[^\W\d_A-Z])(?![A-Z])[^\W\d_]")
_MIXED_SCRIPTS = re.compile("[A-Za-z][\u0370-\u06ff]|[\u0370-\u06ff][A-Za-z]")
_ALONE = re.compile("(?<![\u0370-\u06ff])[\u0370-\u06ff](?![\u0370-\u06ff])")
_OTHER_SCRIPT = re.compile("[\u0370-\u06ff]")
_MIN_SCORE = 0.3


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sample in one encoding, and what is to be said of it in any language."""

    encoding: str
    beyond: Counter[str]
    words: tuple[str, ...]
    misplaced: int


def guess_encoding(raw: bytes) -> str:
    """Return the likeliest encoding of a text that is not in Unicode."""
    sample = _sample(raw)
    names = {encoding for alphabet in ALPHABETS for encoding in alphabet.encodings}
    candidates = {name: candidate for name in names if (candidate := _candidate(sample, name)) is not None}
    best, *_, encoding = max(
        (
            # Of encodings that fit equally well, the likeliest of the likeliest language.
            (_fit(candidates[encoding], alphabet), -rank, -order, encoding)
            for rank, alphabet in enumerate(ALPHABETS)
            for order, encoding in enumerate(alphabet.encodings)
            if encoding in candidates
        ),
        default=(0.0, _FALLBACK),
    )
    if best >= _MIN_SCORE:
        return encoding
    match = from_bytes(sample, cp_isolation=_SHORT_LIST, enable_fallback=False).best()
    return match.encoding if match is not None else _FALLBACK


def _sample(raw: bytes) -> bytes:
    """Return lines with characters beyond ASCII; they are whole in every encoding."""
    lines, size = [], 0
    for line in re.split(rb"[\r\n]+", raw):
        if not line.isascii():
            lines.append(line[: _SAMPLE_BYTES - size])
            size += len(lines[-1]) + 1
            if size >= _SAMPLE_BYTES:
                break
    return b"\n".join(lines)


def _candidate(sample: bytes, encoding: str) -> _Candidate | None:
    """Return the sample in an encoding; None if too much of it does not exist there."""
    text = sample.decode(encoding, "replace").removesuffix("\ufffd")
    beyond = Counter(_BEYOND_ASCII.findall(text))
    if not beyond or beyond["\ufffd"] * 20 > beyond.total():
        return None
    misplaced = sum(len(pattern.findall(text)) for pattern in (_BETWEEN_LETTERS, _MIXED_SCRIPTS))
    misplaced += _capitals_inside(text)
    alone = len(_ALONE.findall(text))
    if alone * 2 > len(_OTHER_SCRIPT.findall(text)):
        # Single letters are words of Russian and Greek, but not most of a text.
        misplaced += alone
    return _Candidate(encoding, beyond, tuple(_WORD.findall(text.lower())), misplaced)


def _fit(candidate: _Candidate, alphabet: Alphabet) -> float:
    """Return how well a text fits a language: at most about 2, below 0 for rubbish."""
    count = candidate.beyond.total()
    letters = sum(times for sign, times in candidate.beyond.items() if sign in alphabet.letters)
    if alphabet.many_signs:
        # Frequent signs are about half of a text; rubbish has next to none.
        return 2.5 * letters / count - 20 * candidate.beyond["\ufffd"] / count
    signs = sum(times for sign, times in candidate.beyond.items() if sign in _SIGNS)
    wrong = count - letters - signs + candidate.misplaced
    frequent = sum(word in alphabet.words for word in candidate.words) / max(len(candidate.words), 1)
    return (letters + 0.6 * signs - 3 * wrong) / count + min(2 * frequent, 1)


def _capitals_inside(text: str) -> int:
    """Count capital letters beyond ASCII after small ones."""
    return sum(
        match.group().isupper() and text[match.start() - 1].islower() for match in _CAPITAL_INSIDE.finditer(text)
    )
