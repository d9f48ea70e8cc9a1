"""Finds the names of concepts in a section: their frequency, their spelling, and which of them are the same.

We score by frequency, spelling, headings and number of words, because yake, the usual library for this, is under the
GPL.
"""

import re
from dataclasses import dataclass, field

from backend.generation.language_models.builtin.definitions import Definition, is_term
from backend.generation.language_models.builtin.lexicon import Lexicon
from backend.generation.language_models.builtin.prose import Prose
from backend.generation.language_models.builtin.sentence_checks import normalize_words, stem_of

_TOKEN = re.compile(r"[^\W\d_][\w’'+/-]*[\w+]|[^\W\d_]")
_SINGULAR_DE = frozenset(
    [
        "ein",
        "eine",
        "einen",
        "einem",
        "einer",
        "das",
        "dem",
        "zum",
        "zur",
        "beim",
        "im",
        "am",
        "vom",
        "jede",
        "jedes",
        "jeden",
        "dieses",
        "kein",
        "keine",
    ]
)
_INDEFINITE_DE = frozenset(["ein", "eine", "einen"])
_SINGULAR_EN = frozenset(["a", "an", "each", "every", "another"])


@dataclass(slots=True)
class Term:
    """A candidate name of a concept. ``singular`` is true once the text used it with a singular article."""

    text: str
    count: int = 0
    in_heading: bool = False
    defined: bool = False
    singular: bool = False
    sentences: set[int] = field(default_factory=set)

    @property
    def is_known(self) -> bool:
        """Whether the section itself treats this as a concept."""
        return self.defined or self.in_heading

    @property
    def score(self) -> float:
        """How likely this is a concept of the section; only for ranking."""
        words = len(self.text.split())
        spelling = 1.0 if is_abbreviation(self.text) else 0.5 * (words > 1)
        return min(self.count, 6) * 0.5 + 2.0 * self.defined + 1.5 * self.in_heading + spelling


def is_abbreviation(text: str) -> bool:
    """Whether a term is written like an abbreviation ("DNA", "mRNA", "IPv6")."""
    return " " not in text and len(text) <= 6 and sum(letter.isupper() for letter in text) >= 2


def collect_terms(prose: Prose, definitions: list[Definition], lexicon: Lexicon) -> dict[str, Term]:
    """Return the terms of a section by ``stem_key``."""
    terms: dict[str, Term] = {}
    for index, sentence in enumerate(prose.sentences):
        for text, before in _candidates(sentence.text, lexicon):
            key = stem_key(text)
            term = terms.setdefault(key, Term(text))
            term.count += 1
            if text[0].islower() and text[1:] == term.text[1:]:
                term.text = text
            term.sentences.add(index)
            singular = _SINGULAR_DE if lexicon.language == "de" else _SINGULAR_EN
            if not term.singular and (before in singular or is_abbreviation(text)):
                # Show the form that follows a singular article, not a genitive or a plural.
                term.singular = lexicon.language == "en" or before in _INDEFINITE_DE or not text.endswith("en")
                term.text = text
    for name, _ in prose.headings:
        for text, _ in _candidates(name, lexicon, heading=True):
            if stem_key(text) in terms:
                terms[stem_key(text)].in_heading = True
    for definition in definitions:
        term = terms.setdefault(stem_key(definition.term), Term(definition.term, count=1))
        term.text = definition.term
        term.defined = True
        term.singular = term.singular or not definition.plural
    return terms


def stem_key(text: str) -> str:
    """Return one key for all inflected forms of a term."""
    return " ".join(stem_of(word) for word in normalize_words(text).split())


def _candidates(text: str, lexicon: Lexicon, *, heading: bool = False) -> list[tuple[str, str]]:
    """Return possible terms, each with the word before it (lower case, empty at the start)."""
    found: list[tuple[str, str]] = []
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    run: list[int] = []
    for index in range(len(tokens) + 1):
        word = tokens[index][0] if index < len(tokens) else ""
        fits = bool(word) and _may_belong(word, index, lexicon, heading=heading)
        touches = bool(run) and index < len(tokens) and text[tokens[index - 1][2] : tokens[index][1]] in (" ", "-")
        if run and not (fits and touches):
            found.extend(_name_run([tokens[i][0] for i in run], tokens[run[0] - 1][0] if run[0] else "", lexicon))
            run = []
        if fits:
            run.append(index)
    return found


def _may_belong(word: str, index: int, lexicon: Lexicon, *, heading: bool) -> bool:
    if word.lower() in lexicon.stop or word.lower() in lexicon.dangling or len(word) < 2:
        return False
    if lexicon.language == "de":
        # German nouns have a capital, but at the start of a sentence it says nothing.
        return word[0].isupper() and (index > 0 or heading or is_abbreviation(word))
    return not word.lower().endswith("ly") and word.lower() not in lexicon.relations


def _name_run(words: list[str], before: str, lexicon: Lexicon) -> list[tuple[str, str]]:
    """Return a run of words as a term if it is short enough to be one name."""
    name = " ".join(words)
    return [(name, before.lower())] if len(words) <= 3 and is_term(name, lexicon) else []
