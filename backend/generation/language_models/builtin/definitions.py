"""Finds sentences that define a term, and splits them into the term and its definition.

Only defining forms count ("An X is a Y that …", "Unter X versteht man …"). A predicate without a narrowing part (a
relative clause, a complement) or with a judgement in it ("is a good idea") defines nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from backend.generation.language_models.builtin.abbreviations import find_expansions
from backend.generation.language_models.builtin.definition_forms import (
    ABOUT_DE,
    CALLED_DE,
    CALLED_EN,
    DEFAULT_DE,
    DENOTES_DE,
    GLOSSARY,
    INFINITIVE_DE,
    INVERTED_DE,
    IS_DE,
    IS_EN,
    MAIN_VERB,
    NAMED_DE,
    NARROWS,
    NOUN_PHRASE,
    OPENS,
    PASSIVE_DE,
    PLURAL_OPENS,
    REFERS_EN,
    RELATIVE_EN,
    SECOND_CLAUSE,
    SECOND_VERB,
    UNDER_DE,
)
from backend.generation.language_models.builtin.lexicon import Lexicon
from backend.generation.language_models.builtin.prose import Prose, Sentence
from backend.generation.language_models.builtin.sentence_checks import (
    content_words,
    is_clean,
    list_words,
    share_a_stem,
    speaks_to_reader,
    stands_alone,
    stem_of,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A term and its defining text.

    ``subject`` is how the sentence names the term, with the article in lower case ("a ledger"), for questions such as
    "What is a ledger?"; None if its form does not fit one. ``plural`` distinguishes "are" from "is". ``expands`` is
    true for an abbreviation with its long form. ``strength`` ranges from 0 to 1. ``in_prose`` is false for a glossary
    line, which has no verb. ``context`` is an opening that limits the definition ("In bookkeeping"), or empty.
    """

    term: str
    subject: str | None
    plural: bool
    text: str
    expands: bool
    strength: float
    sentence: Sentence
    in_prose: bool = True
    context: str = ""


def find_definitions(prose: Prose, lexicon: Lexicon) -> list[Definition]:
    """Return the definitions in a section, in reading order: at most one per sentence, plus expansions."""
    found = []
    for sentence in prose.sentences:
        if not 30 <= len(sentence.text) <= 420:
            continue
        definition = _define(sentence, prose, lexicon)
        if definition is not None:
            found.append(definition)
        found.extend(
            Definition(short, None, False, long, True, 0.95, sentence) for short, long in find_expansions(sentence.text)
        )
    return found


def _define(sentence: Sentence, prose: Prose, lexicon: Lexicon) -> Definition | None:
    for pattern, build in _FORMS[lexicon.language]:
        match = pattern.match(sentence.text)
        if match and is_clean(sentence.text if sentence.text.endswith(".") else sentence.text + "."):
            definition = build(sentence, match, prose, lexicon)
            if definition is not None and _is_sound(definition, lexicon):
                return definition
    return None


def _by_copula(sentence: Sentence, match: re.Match[str], prose: Prose, lexicon: Lexicon) -> Definition | None:
    groups = match.groupdict()
    context = groups.get("context") or ""
    article = (groups["article"] or "").strip().lower()
    term, text = match["term"], _trim(match["text"])
    if not article and lexicon.language == "en":
        term = lower_initial(term, prose)
    plural = match["verb"] in ("are", "sind")
    text = _NEXT_STATEMENT.split(text, 1)[0]
    opening = (PLURAL_OPENS if plural else OPENS)[lexicon.language].match(text)
    if opening is None or _THE_WAY.match(text) or not NARROWS[lexicon.language].search(text[2:]):
        return None
    indefinite = article in ("a", "an", "ein", "eine")
    if plural and article and not is_name(term):
        return None
    if not plural and not article and not _is_mass_noun(match, prose, lexicon):
        return None
    kind = indefinite or not article or means_a_kind(sentence, term, prose, lexicon)
    if not kind and not _introduces_a_kind(sentence, term, text, prose, lexicon):
        return None
    named = is_name(term)
    subject = f"{article} {term}".strip()
    strength = 0.9 if indefinite else 0.8 if named else 0.7
    return Definition(term, subject, plural, text, False, strength, sentence, context=context)


def lower_initial(term: str, prose: Prose) -> str:
    """Return an English term as it is inside a sentence: a common noun loses its capital."""
    lower = term[0].lower() + term[1:]
    inside = f" {term}"
    if is_name(term) or any(inside in sentence.text for sentence in prose.sentences):
        return term
    seen = any(lower in sentence.text for sentence in prose.sentences)
    return (
        lower
        if seen or re.search(r"(?:[a-z]s|ing|tion|sion|ity|ment|ness|ism|[ae]nce|cy|ure|age|ics|y)$", lower)
        else term
    )


def _is_mass_noun(match: re.Match[str], prose: Prose, lexicon: Lexicon) -> bool:
    """Whether a singular subject without an article is one that needs none (a name, "Osmosis").

    German also puts predicates first ("Ausgangspunkt ist ein Modell, das …"), so there the noun must be a name, come
    with its abbreviation, or be recognisable as a noun, elsewhere or by its ending.
    """
    term = match["term"]
    if lexicon.language == "de" and _CAMEL_CASE.search(term) and match["text"].startswith(("der ", "die ", "das ")):
        return False
    if is_name(term) or "(" in match.group()[match.end("term") - match.start() :][:3]:
        return True
    if lexicon.language == "de":
        inside = any(f" {term}" in sentence.text for sentence in prose.sentences)
        known = inside or any(term in heading for heading, _ in prose.headings) or _NOUN_ENDING.search(term)
        return " " not in term and bool(known) and match["text"].startswith(("ein ", "eine ", "der ", "die ", "das "))
    first = term.split()[0].lower()
    return len(term.split()) <= 2 and not (" " in term and first.endswith("ing")) and not _PLURAL_EN.search(first)


def _by_verb(sentence: Sentence, match: re.Match[str], prose: Prose, lexicon: Lexicon) -> Definition | None:
    text = _nominative(_trim(match["text"])) if lexicon.language == "de" else _trim(match["text"])
    opening = re.match(r"^(?:an?|the|any|all|eine?n?|die|das|den|der|[A-ZÄÖÜ])", text)
    if opening is None or (not match["article"] and not is_name(match["term"]) and len(match["term"].split()) > 2):
        return None
    if " means " in match.group()[: match.start("text") - match.start()] and not NOUN_PHRASE["en"].match(text):
        return None
    term = match["term"] if lexicon.language == "de" else lower_initial(match["term"], prose)
    return Definition(term, None, False, text, False, 0.75, sentence)


def _by_name(sentence: Sentence, match: re.Match[str], prose: Prose, lexicon: Lexicon) -> Definition | None:
    text = _nominative(_trim(match["text"])) if lexicon.language == "de" else _trim(match["text"])
    if lexicon.language == "en" and MAIN_VERB["en"].search(text):
        return None
    return Definition(match["term"], None, False, text, False, 0.8, sentence)


def _by_glossary(sentence: Sentence, match: re.Match[str], prose: Prose, lexicon: Lexicon) -> Definition | None:
    text = re.sub(r"^(?:[–—-]\s|[Ii]st\s|[Ss]ind\s|[Ii]s\s|[Aa]re\s)+", "", _trim(match["text"]))
    phrase = NOUN_PHRASE[lexicon.language].match(text)
    if phrase is None or ";" in text or MAIN_VERB[lexicon.language].search(text):
        return None
    if lexicon.language == "de" and not phrase["article"] and not _GERMAN_COMPLEMENT.search(phrase.group()):
        return None
    if lexicon.language == "de" and match["term"].split()[-1][0].islower():
        return None
    if lexicon.language == "de" and _INFINITIVE_AT_END.search(text):
        return None
    leading = list_words(phrase.group())[:-1]
    if any(word in lexicon.relations or (word in lexicon.stop and place) for place, word in enumerate(leading)):
        return None
    return Definition(match["term"], None, False, text, False, 0.7, sentence, in_prose=False)


# Without an article, "Fehlerbehebungen für …" may be a note in a changelog; a genitive or "von" makes a definition.
_GERMAN_COMPLEMENT = re.compile(r"\s(?:von|des|der|eines|einer)\s$|,\s\w+\s$")
# "Die Verschiebung von Pixeln einstellen" is an instruction.
_INFINITIVE_AT_END = re.compile(r"^[^,]*\s[a-zäöüß]+en$")
# "DatenY ist die Matrix der …" explains a parameter; the name of a product is followed by "ein …".
_CAMEL_CASE = re.compile(r"[a-zäöüß][A-ZÄÖÜ]")
_PLURAL_EN = re.compile(r"(?<![sui])s$")
_NOUN_ENDING = re.compile(r"(?:ung|heit|keit|tion|sion|ismus|tät|schaft|ose|ase|lyse|ese|ie|ik|enz|anz|tum|nis|ing)$")
# Text after a semicolon, or after a colon and a capital, is another statement.
_NEXT_STATEMENT = re.compile(r";\s|:\s(?=[A-ZÄÖÜ])")
# "A kind of string that …" and "in which most of …" are not judgements.
_NO_VERDICT = re.compile(r"\s(?:kind|sort|type|most)\sof\s|\sArt\s(?:von\s)?(?=[A-ZÄÖÜ])")
# "The easiest way to …" is advice.
_THE_WAY = re.compile(r"(?:the|der|die|das)\s(?:[\w-]+\s){0,2}(?:ways?|Weg|Möglichkeit|Methode)\b")

_Build = Callable[[Sentence, re.Match[str], Prose, Lexicon], Definition | None]
_FORMS: dict[str, tuple[tuple[re.Pattern[str], _Build], ...]] = {
    "en": ((IS_EN, _by_copula), (REFERS_EN, _by_verb), (CALLED_EN, _by_name), (GLOSSARY, _by_glossary)),
    "de": (
        (IS_DE, _by_copula),
        (INVERTED_DE, _by_copula),
        (UNDER_DE, _by_name),
        (PASSIVE_DE, _by_name),
        (DENOTES_DE, _by_verb),
        (CALLED_DE, _by_name),
        (NAMED_DE, _by_name),
        (ABOUT_DE, _by_name),
        (GLOSSARY, _by_glossary),
    ),
}


def _is_sound(definition: Definition, lexicon: Lexicon) -> bool:
    """Whether the term is one, the text defines it, and both are clear without their context."""
    term, text = definition.term, definition.text
    sentence = definition.sentence.text
    if not is_term(term, lexicon) or not stands_alone(sentence, lexicon, term):
        return False
    words, content = list_words(text), content_words(text, lexicon)
    relative = RELATIVE_EN.search(text) if lexicon.language == "en" else None
    own_part = text[: relative.start()] if relative else text
    if (
        not 5 <= len(words) <= 45
        or len(content) < 3
        or any(word in lexicon.verdicts for word in list_words(_NO_VERDICT.sub(" ", text))[:5])
    ):
        return False
    if SECOND_CLAUSE.search(text) or SECOND_VERB.search(own_part) or _goes_on(own_part, lexicon):
        return False
    own = [stem_of(word) for word in list_words(term)]
    if len(own) == 1 and own[0] in (stem_of(word) for word in words):
        return False
    # "A root account is an account that …" is fine; "A disk is a disk." says nothing.
    repeated = sum(share_a_stem(word, content_words(term, lexicon)) for word in content)
    if repeated > 0.3 * len(content):
        return False
    return not speaks_to_reader(re.sub(r"\b(?:that|which|what|where) you\b", "that", sentence), lexicon)


def _goes_on(text: str, lexicon: Lexicon) -> bool:
    """Whether "and" leads to another verb of the subject ("an image format and stands for …")."""
    return any(match[1] in lexicon.relations for match in re.finditer(r"\s(?:and|und)\s(\w+)", text))


def means_a_kind(sentence: Sentence, term: str, prose: Prose, lexicon: Lexicon) -> bool:
    """Whether "the" before a term means the kind of thing, as in a definition, and not one mentioned before.

    "The program is …" and "the returned argument is …" refer to the paragraph before.
    """
    words = term.lower().split()
    if lexicon.language == "de":
        if words[-1].endswith(_GERMAN_ROLES):
            return False
        return is_name(term) or prose.introduces(sentence, term) or is_compound(term, lexicon)
    if any(word in lexicon.shells or word.endswith("ed") or len(word) < 3 for word in words) or "optional" in words:
        return False
    return is_name(term) or is_compound(term, lexicon)


def _introduces_a_kind(sentence: Sentence, term: str, text: str, prose: Prose, lexicon: Lexicon) -> bool:
    """Whether "The nucleus is the organelle that …" defines its term: one English word, new or in the heading above."""
    return (
        lexicon.language == "en"
        and len(term) >= 5
        and term.islower()
        and not any(word in lexicon.shells or word.endswith("ed") for word in list_words(term))
        and re.match(r"^(?:an?|the)\s(?:[\w-]+\s){1,5}?(?:that|which|where)\s", text) is not None
        and (term in list_words(sentence.heading or "") or prose.introduces(sentence, term))
    )


_GERMAN_ROLES = ("wert", "bereich", "abschnitt", "parameter", "option", "feld", "datei", "taste", "funktion", "befehl")


def is_term(term: str, lexicon: Lexicon) -> bool:
    """Whether a few words can be the name of a concept."""
    words = list_words(term)
    repeats = len({stem_of(word) for word in words}) < len(words)
    if not words or repeats or INFINITIVE_DE.search(term) or DEFAULT_DE.search(term):
        return False
    if len(term) < 3 or len(words) > 4 or re.search(r"\d{2}|[:;,()/]", term):
        return False
    if any(word in lexicon.stop or word in lexicon.dangling or word in lexicon.opening for word in words):
        return False
    if any(word in lexicon.verdicts or word in lexicon.reader for word in words) or words[-1].endswith("ly"):
        return False
    if len(words) > 1 and (words[0].endswith("ly") or (lexicon.language == "de" and words[-1] in lexicon.shells)):
        return False
    return words[0] not in lexicon.shells


def _nominative(text: str) -> str:
    """Put a German noun phrase from the accusative into the nominative ("einen kleinen Teil", "ein kleiner Teil").

    Only the masculine differs; a weak noun ("einen Menschen") keeps its ending.
    """
    match = re.match(r"^(den|einen)\s((?:[a-zäöüß]+en\s)*)(?=[A-ZÄÖÜ])", text)
    if match is None:
        return text
    article, ending = ("der", "e") if match[1] == "den" else ("ein", "er")
    adjectives = [word[:-2] + ending for word in match[2].split()]
    return " ".join([article, *adjectives, text[match.end() :]])


def _trim(text: str) -> str:
    return text.strip().rstrip(".").strip()


def is_name(term: str) -> bool:
    """Whether a term is a proper name or an abbreviation by its spelling ("DNS", "GnuCash", "Berkeley DB")."""
    first, *rest = term.split()
    return any(letter.isupper() for letter in first[1:]) or any(word[0].isupper() for word in rest)


def is_compound(term: str, lexicon: Lexicon) -> bool:
    """Whether a term is specific enough for the definite article to mean the kind ("Das Hauptbuch ist …")."""
    return len(term.split()) >= 2 if lexicon.language == "en" else len(term) >= 9
