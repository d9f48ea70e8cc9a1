"""Checks that a sentence can stand alone on a card: complete, clear without its neighbours, free of code."""

import re
from collections.abc import Iterable

from backend.generation.language_models.builtin.lexicon import Lexicon

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_CODE = re.compile(
    r"[{}<>=|\\^~`$#@_*]|://|\(\)|::|->|--|\.\.\.|…|(?:^|[\s(„“\"])[/.]\w|[A-Za-z]\.[a-z]\w{1,3}\b|\[\d|\b\w+\(\d\)"
)
_CITATION = re.compile(
    r"\bet al\b|\bISBN\b|\bdoi\b|\bpp?\. ?\d|\((?:19|20)\d\d\)|[A-Z]\. [A-Z]\.|\[[A-Z]\w*\d\d\]|©|\bhttps?\b|www\.",
    re.IGNORECASE,
)
_FIRST_PERSON_OR_READER = re.compile(r"\b(?:Sie|Ihr|Ihre[mnrs]?|Ihnen)\b")

_PLAIN_SIGNS = ".,;:-()'’‘“”„\"–/%&+§°€²³"
# A lower-case sentence right after another one, or a comma without a space, is the remains of a table.
_LOST_LAYOUT = re.compile(r"[a-zäöüß],[a-zäöüß]|[^\W\d_]{4,}\. [a-zäöü]")

OPENING_WORDS = 3
"""Number of words at the start of a sentence that can refer back to the one before."""


def list_words(text: str) -> list[str]:
    """Return the words of a text in lower case; numbers and signs are not words."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def is_clean(text: str) -> bool:
    """Whether a sentence is free of code, citations, stray glyphs and unbalanced brackets or quotation marks."""
    if not text[0].isupper() and text[0] not in '„“"':
        return False
    if (
        not text.endswith((".", ".“", ".”", ".)"))
        or _CODE.search(text)
        or _CITATION.search(text)
        or _LOST_LAYOUT.search(text)
    ):
        return False
    if text.count("(") != text.count(")") or text.count("[") != text.count("]") or text.count('"') % 2:
        return False
    if text.count("„") != text.count("“") and text.count("“") != text.count("”"):
        return False
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    signs = sum(not (character.isalnum() or character.isspace() or character in _PLAIN_SIGNS) for character in text)
    if letters < 0.7 * len(text) or digits > 0.08 * len(text) or signs:
        return False
    words = text.split()
    # Many single letters or signs mean a formula or a table row that lost its layout.
    return sum(len(word.strip(".,;:()")) <= 1 and word not in ("a", "A") for word in words) <= 0.15 * len(words)


def stands_alone(text: str, lexicon: Lexicon, subject: str = "") -> bool:
    """Whether a sentence can be understood without the ones before it.

    ``subject`` is the sentence's own subject, if known; words inside it do not count (a compound with "next"). A
    pronoun late in the sentence refers to the sentence itself; one among the first words refers back.
    """
    if lexicon.references.search(text):
        return False
    own = set(list_words(subject))
    words = [word for word in list_words(text.replace("such as", "")) if word not in own]
    return not any(word in lexicon.dangling for word in words) and not any(
        word in lexicon.opening for word in words[:OPENING_WORDS]
    )


def speaks_to_reader(text: str, lexicon: Lexicon) -> bool:
    """Whether a sentence addresses the reader or mentions the author ("you can", "wir sehen")."""
    if _FIRST_PERSON_OR_READER.search(text[1:]):
        return True
    words = [word for word in list_words(text) if word not in _GERMAN_POSSESSIVES]
    return any(word in lexicon.reader for word in words)


def content_words(text: str, lexicon: Lexicon) -> list[str]:
    """Return the words that carry meaning: at least three letters and not a function word."""
    return [word for word in list_words(text) if len(word) >= 3 and word not in lexicon.stop]


def share_a_stem(word: str, others: Iterable[str]) -> bool:
    """Whether a word and one of the others are forms or parts of each other ("Konto", "Kontos", "Girokonto")."""
    stem = stem_of(word)
    for other in others:
        other_stem = stem_of(other)
        short, long = sorted((stem, other_stem), key=len)
        if short == long or (len(short) >= 4 and short in long):
            return True
    return False


def gives_away(word: str, others: Iterable[str]) -> bool:
    """Whether one of the other words is a form of the word, contains it, or makes up most of it.

    A short part of a compound ("Zelle" next to a gap for "Zellmembran") reveals little and may stay.
    """
    stem = stem_of(word)
    for other in others:
        part = stem_of(other)
        if part == stem or (len(stem) >= 4 and stem in part) or (len(part) >= 0.6 * len(stem) and part in stem):
            return True
    return False


def stem_of(word: str) -> str:
    """Return a word without case, umlauts and inflection; crude, and the same for German and English.

    A lemma dictionary (simplemma) was measured at 1.5 s and 106 MB for German alone, more than the worker's memory
    allows.
    """
    folded = word.lower().translate(_UMLAUTS)
    for suffix in ("ungen", "ies", "ern", "es", "en", "er", "em", "s", "e", "n", "y"):
        if folded.endswith(suffix) and len(folded) - len(suffix) >= 3:
            base = folded[: -len(suffix)]
            return base + "ung" if suffix == "ungen" else base
    return folded


def normalize_words(text: str) -> str:
    """Return lower-case words joined by single spaces. Drops all punctuation, unlike ``backend.text.folding``."""
    return " ".join(re.findall(r"\w+", text.lower()))


_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "’": "'"})
_GERMAN_POSSESSIVES = frozenset(["sie", "ihr", "ihre", "ihren", "ihrem"])
