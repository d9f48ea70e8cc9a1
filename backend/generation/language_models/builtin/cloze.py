"""Chooses sentences that teach something on their own, and the one term in each that is worth a gap."""

import re
from dataclasses import dataclass

from backend.generation.language_models.builtin.definitions import Definition, is_name, is_term, means_a_kind
from backend.generation.language_models.builtin.lexicon import Lexicon
from backend.generation.language_models.builtin.prose import Prose, Sentence
from backend.generation.language_models.builtin.sentence_checks import (
    content_words,
    gives_away,
    is_clean,
    list_words,
    speaks_to_reader,
    stands_alone,
)
from backend.generation.language_models.builtin.terms import Term, stem_key

_LABEL = re.compile(r":\s[A-Z]{2,}")
MIN_COMPOUND_CHARS = 12
"""From this length on, a German noun counts as a compound that names one thing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A sentence with a place for a gap. ``start`` and ``end`` are offsets into ``sentence.text``."""

    sentence: Sentence
    term: str
    start: int
    end: int
    strength: float


_SUBJECT = {
    "en": re.compile(
        r"^(?P<article>An?\s|The\s)?(?P<term>\w[\w’'+/-]*(?:\s\w[\w’'+/-]*){0,3}?)(?:\s\([^()]{2,30}\))?\s(?P<verb>[a-z]+)\s"
    ),
    "de": re.compile(
        r"^(?P<article>Eine?\s|Der\s|Die\s|Das\s)?(?P<term>(?:[a-zäöü][\w-]+\s)?[A-ZÄÖÜ][\w+/-]*(?:\s[A-ZÄÖÜ][\w+/-]*){0,2})"
        r"(?:\s\([^()]{2,30}\))?\s(?P<verb>[a-zäöüß]+)\s"
    ),
}


def find_gaps(prose: Prose, definitions: list[Definition], terms: dict[str, Term], lexicon: Lexicon) -> list[Gap]:
    """Return the gaps in a section's sentences, in reading order; at most one per sentence."""
    defined = {id(d.sentence): d for d in definitions if not d.expands}
    glossary = {id(d.sentence) for d in definitions if not d.in_prose}
    gaps = []
    for sentence in prose.sentences:
        if id(sentence) in glossary:
            continue
        definition = defined.get(id(sentence))
        gap = _at_definition(definition, lexicon) if definition else None
        gap = gap or _at_subject(sentence, prose, terms, lexicon)
        if gap is not None:
            gaps.append(gap)
    return gaps


def _at_definition(definition: Definition, lexicon: Lexicon) -> Gap | None:
    return _gap(definition.sentence, definition.term, definition.strength, lexicon)


def _at_subject(sentence: Sentence, prose: Prose, terms: dict[str, Term], lexicon: Lexicon) -> Gap | None:
    text = sentence.text
    match = _SUBJECT[lexicon.language].match(text)
    if match is None or not 60 <= len(text) <= 260:
        return None
    name, verb = match["term"], match["verb"]
    rest = content_words(text[match.end("term") :], lexicon)
    enough = len(rest) >= 5 and (verb in lexicon.relations or lexicon.purposes.match(text, match.start("verb")))
    alone = enough and is_clean(text) and stands_alone(text, lexicon, name) and not speaks_to_reader(text, lexicon)
    if any(word in lexicon.verdicts for word in list_words(text[match.end("verb") :])[:5]) or _LABEL.search(text):
        return None
    if not alone or not _names_a_kind(sentence, match, prose, lexicon):
        return None
    term = terms.get(stem_key(name))
    if term is None or not (term.count >= 2 or term.in_heading or term.defined):
        return None
    # A term that the whole section is about is not worth asking for.
    if len(term.sentences) > max(4, 0.25 * len(prose.sentences)):
        return None
    return _gap(sentence, name, 0.5 + 0.05 * min(term.count, 4), lexicon)


def _names_a_kind(sentence: Sentence, match: re.Match[str], prose: Prose, lexicon: Lexicon) -> bool:
    """Whether a subject means a kind of thing, not one mentioned before and not the product of a manual."""
    name, article = match["term"], (match["article"] or "").strip().lower()
    if not is_term(name, lexicon):
        return False
    if not article:
        return not _may_be_product(name, match["verb"], prose, lexicon)
    if article in ("a", "an", "ein", "eine"):
        return True
    # A verb is weaker evidence of a kind than a definition, so a German noun must be a long compound.
    long = lexicon.language == "en" or is_name(name) or "-" in name or len(name) >= MIN_COMPOUND_CHARS
    return means_a_kind(sentence, name, prose, lexicon) and (long or prose.introduces(sentence, name))


def _may_be_product(name: str, verb: str, prose: Prose, lexicon: Lexicon) -> bool:
    """Whether a subject without an article may name what the whole text is about ("Debian supports …").

    Any sentence about it would have the same answer. Plurals, and nouns that also occur in lower case, are not names.
    """
    if lexicon.language == "de":
        return not verb.endswith("en")
    if name.rsplit(maxsplit=1)[-1].endswith("s") and not is_name(name):
        return False
    lower = name[0].lower() + name[1:]
    return not any(lower in sentence.text for sentence in prose.sentences)


def _gap(sentence: Sentence, name: str, strength: float, lexicon: Lexicon) -> Gap | None:
    """Return the gap, unless the term or a part of it occurs elsewhere in the sentence."""
    start = sentence.text.lower().find(name.lower())
    if start < 0:
        return None
    end = start + len(name)
    name = sentence.text[start:end]
    rest = sentence.text[:start] + " " + sentence.text[end:]
    others = list_words(rest)
    if any(gives_away(word, others) for word in content_words(name, lexicon)):
        return None
    return Gap(sentence, name, start, end, strength)
