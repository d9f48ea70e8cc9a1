"""Chooses the wrong options of a question: other terms of the same document that resemble the key."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from statistics import median

from backend.generation.language_models.builtin.concepts import Concept, Survey
from backend.generation.language_models.builtin.lexicon import Lexicon
from backend.generation.language_models.builtin.prose import Sentence
from backend.generation.language_models.builtin.sentence_checks import (
    content_words,
    list_words,
    normalize_words,
    share_a_stem,
    stem_of,
)
from backend.generation.language_models.builtin.terms import Term, is_abbreviation, stem_key

OPTIONS = 4
MIN_SHARED_START = 7
"""From this many equal first letters on, two words share a part of a compound; fewer are only a prefix."""

MIN_DEFINED = 2
"""How many of the three wrong options must have a definition; a word in a heading may not be a concept."""

_ADJECTIVE = re.compile(r"(?:ed|ing|ive|able|ible|al|ous|ful|ic|ly)$")


class DistractorChooser:
    """Chooses among the terms of a section and the concepts of its document, the nearest first."""

    def __init__(self, terms: dict[str, Term], survey: Survey, lexicon: Lexicon) -> None:
        concepts = self._concepts = survey.concepts
        self._common = survey.common
        self._lexicon = lexicon
        self._terms = {key: _as_term(concept) for key, concept in concepts.items() if key not in terms} | {
            key: _merge(term, concepts.get(key)) for key, term in terms.items()
        }

    def choose(self, key: str, stem: str, evidence: Sentence) -> list[str]:
        """Return three distractors, best first, or an empty list if there are not three good ones.

        A distractor is written like the key (words, capitals, number), does not occur in the evidence, shares no word
        with the key or another distractor, and does not mean nearly the same. There is no question if a word of the
        stem is in the key but in no distractor, or if the key is much longer than the rest, because that would give
        the key away. There is none about the subject of the whole document either, because any of its sentences would
        have the same answer.
        """
        stem_words = content_words(stem, self._lexicon)
        if self._is_common(key) or _reveals_key(key, stem, stem_words, self._lexicon):
            return []
        own = self._terms.get(stem_key(key))
        if self._lexicon.language == "de" and (own is None or not own.singular):
            # Without a singular article, the number of a German noun is unknown, and a wrong one would stand out.
            return []
        evidence_words = list_words(evidence.text)
        ranked = sorted(
            (-self._rank(key, own, term, evidence), term.text)
            for name, term in self._terms.items()
            if _is_like(key, term, self._lexicon)
            and _stands_apart(key, term.text, evidence_words, stem_words, self._lexicon)
            and not self._may_fit(key, name, evidence_words)
        )
        chosen = self._pick_distinct([text for _, text in ranked])
        terms = [self._terms[stem_key(text)] for text in chosen]
        # Each must be defined or in a heading; words that are only frequent make silly options.
        fit = all(term.is_known for term in terms) and sum(term.defined for term in terms) >= MIN_DEFINED
        return chosen if len(chosen) == OPTIONS - 1 and fit and _are_distinct([key, *chosen]) else []

    def _is_common(self, key: str) -> bool:
        """Whether the whole document is about a term or about a part of it ("Debian-Projekt")."""
        return stem_key(key) in self._common or any(stem_key(part) in self._common for part in key.split("-")[:-1])

    def defines(self, term: str) -> bool:
        return stem_key(term) in self._concepts

    def _rank(self, key: str, own: Term | None, term: Term, evidence: Sentence) -> float:
        """Return how well a term fits beside the key; higher is better."""
        rank = _likeness(key, term) + 0.3 * term.score
        if own is not None and own.sentences & term.sentences:
            rank -= 0.5
        mine, other = self._concepts.get(stem_key(key)), self._concepts.get(stem_key(term.text))
        if mine and other:
            rank += 1.0 * (mine.genus == other.genus != "")
            rank -= 0.7 * (None not in (mine.counted, other.counted) and mine.counted != other.counted)
        # A defined term is a concept; a word in a heading may be anything.
        rank += 2.0 * (other is not None)
        if other and not term.sentences:
            # A term from far away is less plausible; beyond about 75 pages the distance no longer matters.
            rank -= min(abs(other.page - evidence.page) / 50, 1.5)
        return rank

    def _may_fit(self, key: str, name: str, evidence_words: list[str]) -> bool:
        """Whether the other term's definition makes it a kind of the key, or nearly the same."""
        other = self._concepts.get(name)
        if other is None or not other.meaning:
            return False
        told = {stem_of(word) for word in evidence_words}
        return bool(other.meaning & set(stem_key(key).split())) or len(other.meaning & told) >= 0.5 * len(other.meaning)

    def _pick_distinct(self, texts: list[str]) -> list[str]:
        """Return the first three texts that share no word with each other."""
        chosen: list[str] = []
        for text in texts:
            words = content_words(text, self._lexicon) or [normalize_words(text)]
            if not any(share_a_stem(word, list_words(other)) for other in chosen for word in words):
                chosen.append(text)
            if len(chosen) == OPTIONS - 1:
                break
        return chosen


def _reveals_key(key: str, stem: str, stem_words: list[str], lexicon: Lexicon) -> bool:
    """Whether a stem reveals its key: by one of its words, the first part of a compound, or its initials."""
    for word in content_words(key, lexicon):
        if share_a_stem(word, stem_words) or any(_same_start(word, other) for other in stem_words):
            return True
    return is_abbreviation(key) and _spells_out(stem, key)


def _same_start(left: str, right: str) -> bool:
    """Whether two words are compounds with the same first part ("Darlehensgebühr", "Darlehenssumme")."""
    return left[:MIN_SHARED_START] == right[:MIN_SHARED_START] and min(len(left), len(right)) >= MIN_SHARED_START


def _spells_out(stem: str, key: str) -> bool:
    """Whether a stem contains the words of an abbreviation ("a Logical Volume Manager …" for "LVM2")."""
    letters = "".join(letter for letter in key if letter.isupper()).lower()
    return letters in "".join(word[0] for word in list_words(stem.replace("-", " ")))


def _merge(term: Term, concept: Concept | None) -> Term:
    """Add what the document says about a section's term; a plural definition outweighs a singular article."""
    return replace(term, defined=True, singular=concept.singular) if concept else term


def _as_term(concept: Concept) -> Term:
    return Term(concept.text, count=1, defined=True, singular=concept.singular)


def _is_like(key: str, term: Term, lexicon: Lexicon) -> bool:
    """Whether a term resembles the key and is known to be a concept: seen twice, defined, or in a heading."""
    text = term.text
    if not (term.is_known or term.count >= (2 if " " in text or len(text) >= 9 else 4)):
        return False
    if is_abbreviation(text) != is_abbreviation(key) or abs(len(text.split()) - len(key.split())) > 1:
        return False
    if lexicon.language == "en":
        if " " in text and _ADJECTIVE.search(text.split()[-1]):
            return False
        if _looks_plural(text) != _looks_plural(key) or _has_inner_capital(text) != _has_inner_capital(key):
            return False
        return (
            term.singular
            or term.defined
            or (term.in_heading and not _ADJECTIVE.search(text))
            or _looks_plural(key)
            or _has_inner_capital(key)
            or len(text.split()) > 1
        )
    return _has_inner_capital(text) == _has_inner_capital(key) and term.singular


def _stands_apart(key: str, text: str, evidence_words: list[str], stem_words: list[str], lexicon: Lexicon) -> bool:
    """Whether a term shares nothing with the key and occurs in neither the evidence nor the stem."""
    words = content_words(text, lexicon) or [normalize_words(text)]
    # Both halves of a hyphenated compound count, because a "Binärpaket" may well be a "Debian-Paket".
    key_words = list_words(key.replace("-", " "))
    return not any(
        word in evidence_words or share_a_stem(word, key_words) or share_a_stem(word, stem_words) for word in words
    )


def _likeness(key: str, term: Term) -> float:
    same_length = len(term.text.split()) == len(key.split())
    suffix = 0
    for left, right in zip(reversed(term.text.lower()), reversed(key.lower()), strict=False):
        if left != right:
            break
        suffix += 1
    closeness = 1 - min(abs(len(term.text) - len(key)), 12) / 12
    return 1.0 * same_length + 0.4 * min(suffix, 3) + closeness + 1.5 * term.is_known


def _are_distinct(options: list[str]) -> bool:
    """Whether no option repeats another, and the key (the first) is not an outlier in length."""
    if any(normalize_words(left) == normalize_words(right) for left, right in combinations(options, 2)):
        return False
    key, others = options[0], options[1:]
    middle = median(len(other) for other in others)
    return not (len(key) >= 1.5 * middle and len(key) - middle >= 12)


def capitalise(text: str) -> str:
    """Start an option with a capital, so that letter case reveals nothing; "mRNA" stays as it is."""
    return text if any(letter.isupper() for letter in text.split(maxsplit=1)[0]) else text[0].upper() + text[1:]


def _looks_plural(text: str) -> bool:
    # The final capital of "DNS" does not mark a plural.
    last = text.rsplit(maxsplit=1)[-1]
    return last.endswith("s") and not last.endswith(("ss", "us", "is"))


def _has_inner_capital(text: str) -> bool:
    """Whether a capital is inside a word or in a later word; after a hyphen it does not count."""
    return any(letter.isupper() and before != "-" for before, letter in pairwise(text))
