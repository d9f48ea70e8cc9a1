"""Chooses wrong answers for a question: other terms of the same document that look like the right one."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from statistics import median

from backend.generation.builtin.concepts import Concept, Survey
from backend.generation.builtin.lexicon import Lexicon
from backend.generation.builtin.prose import Sentence
from backend.generation.builtin.sentence_checks import content_words, fold, list_words, share_a_stem, stem_of
from backend.generation.builtin.terms import Term, is_abbreviation, stem_key

OPTIONS = 4

_ADJECTIVE = re.compile(r"(?:ed|ing|ive|able|ible|al|ous|ful|ic|ly)$")


class DistractorChooser:
    """Chooses among the terms of a section and the concepts of its document, near ones first."""

    def __init__(self, terms: dict[str, Term], survey: Survey, lexicon: Lexicon) -> None:
        concepts = self._concepts = survey.concepts
        self._common = survey.common
        self._lexicon = lexicon
        self._terms = {key: _as_term(concept) for key, concept in concepts.items() if key not in terms} | {
            key: replace(term, defined=True) if key in concepts else term for key, term in terms.items()
        }

    def choose(self, key: str, stem: str, evidence: Sentence) -> list[str]:
        """Three distractors, best first, or an empty list when there are no three good ones.

        A distractor is written like the key (words, capitals, number), stands nowhere in the evidence, shares no
        word with the key, does not mean nearly the same, and is no other form of another distractor. A word of the
        stem that stands in the key but in no distractor would give the key away, and so would a key much longer
        than the rest; then there is no question. Nor is there one about what the whole document is about: any
        sentence of it has the same answer.
        """
        if stem_key(key) in self._common:
            return []
        stem_words = content_words(stem, self._lexicon)
        if any(share_a_stem(word, stem_words) for word in content_words(key, self._lexicon)):
            return []
        own = self._terms.get(stem_key(key))
        if self._lexicon.language == "de" and (own is None or not own.singular):
            # The number of a German noun without a singular article is not known; the wrong one would show.
            return []
        evidence_words = list_words(evidence.text)
        ranked = sorted(
            (-self._rank(key, own, term, evidence), term.text)
            for name, term in self._terms.items()
            if _is_like(key, term, self._lexicon)
            and _stands_apart(key, term.text, evidence_words, stem_words, self._lexicon)
            and not self._may_fit(key, name, evidence_words)
        )
        chosen = self._take_apart([text for _, text in ranked])
        known = sum(self._terms[stem_key(text)].is_known for text in chosen)
        # All must be names that the text defines or heads a part with; frequent words alone look silly.
        return chosen if known == OPTIONS - 1 and _are_distinct([key, *chosen]) else []

    def _rank(self, key: str, own: Term | None, term: Term, evidence: Sentence) -> float:
        """How well a term would stand beside the key; a plain number."""
        rank = _likeness(key, term) + 0.3 * term.score
        if own is not None and own.sentences & term.sentences:
            rank -= 0.5
        mine, other = self._concepts.get(stem_key(key)), self._concepts.get(stem_key(term.text))
        if mine and other:
            rank += 1.0 * (mine.genus == other.genus != "")
            rank -= 0.7 * (None not in (mine.counted, other.counted) and mine.counted != other.counted)
        # What is defined is a concept; a word of a heading may be anything.
        rank += 1.0 * (other is not None)
        if other and not term.sentences:
            # A term from far away is less plausible; beyond some 75 pages distance says no more.
            rank -= min(abs(other.page - evidence.page) / 50, 1.5)
        return rank

    def _may_fit(self, key: str, name: str, evidence_words: list[str]) -> bool:
        """Whether another term's own definition says that it is a kind of the key, or nearly the same."""
        other = self._concepts.get(name)
        if other is None or not other.meaning:
            return False
        told = {stem_of(word) for word in evidence_words}
        return bool(other.meaning & set(stem_key(key).split())) or len(other.meaning & told) >= 0.5 * len(other.meaning)

    def _take_apart(self, texts: list[str]) -> list[str]:
        """The first three of some terms that share no word with each other."""
        chosen: list[str] = []
        for text in texts:
            words = content_words(text, self._lexicon) or [fold(text)]
            if not any(share_a_stem(word, list_words(other)) for other in chosen for word in words):
                chosen.append(text)
            if len(chosen) == OPTIONS - 1:
                break
        return chosen


def _as_term(concept: Concept) -> Term:
    return Term(concept.text, count=1, defined=True, singular=concept.singular)


def _is_like(key: str, term: Term, lexicon: Lexicon) -> bool:
    """Whether a term is of the key's kind, and known to be one: seen twice, defined, or in a heading."""
    text = term.text
    if not (term.is_known or term.count >= (2 if " " in text or len(text) >= 9 else 4)):
        return False
    if is_abbreviation(text) != is_abbreviation(key) or abs(len(text.split()) - len(key.split())) > 1:
        return False
    if lexicon.language == "en":
        if " " in text and _ADJECTIVE.search(text.split()[-1]):
            return False
        if _looks_plural(text) != _looks_plural(key) or _is_name(text) != _is_name(key):
            return False
        return (
            term.singular
            or term.defined
            or (term.in_heading and not _ADJECTIVE.search(text))
            or _looks_plural(key)
            or _is_name(key)
            or len(text.split()) > 1
        )
    return _is_name(text) == _is_name(key) and term.singular


def _stands_apart(key: str, text: str, evidence_words: list[str], stem_words: list[str], lexicon: Lexicon) -> bool:
    """Whether a term has nothing in common with the key and does not come in the evidence or the stem."""
    words = content_words(text, lexicon) or [fold(text)]
    # The halves of a hyphened compound count: a "Binärpaket" may well be a "Debian-Paket".
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
    """Whether no option repeats another, and the key (the first) is no outlier in length."""
    if any(fold(left) == fold(right) for left, right in combinations(options, 2)):
        return False
    key, others = options[0], options[1:]
    middle = median(len(other) for other in others)
    return not (len(key) >= 1.5 * middle and len(key) - middle >= 12)


def capitalise(text: str) -> str:
    """An option with a capital, so that letter case tells nothing; "mRNA" stays as it is."""
    return text if any(letter.isupper() for letter in text.split(maxsplit=1)[0]) else text[0].upper() + text[1:]


def _looks_plural(text: str) -> bool:
    last = text.rsplit(maxsplit=1)[-1].lower()
    return last.endswith("s") and not last.endswith(("ss", "us", "is"))


def _is_name(text: str) -> bool:
    """Capitals inside a word, or at a later word; a hyphen's second half does not count."""
    return any(letter.isupper() and before != "-" for before, letter in pairwise(text))
