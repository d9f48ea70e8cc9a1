"""Collects the terms that a whole document defines, as wrong options for questions about any part of it.

A section of a manual defines one or two terms, its document dozens. Those make better wrong options than frequent
words of the section. Only the data needed to choose is kept: a few hundred bytes per term.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.generation.language_models.builtin.definition_forms import NARROWS, OPENS
from backend.generation.language_models.builtin.definitions import Definition, find_definitions
from backend.generation.language_models.builtin.lexicon import Lexicon, find_lexicon_language
from backend.generation.language_models.builtin.prose import read_prose
from backend.generation.language_models.builtin.sentence_checks import content_words, list_words, stem_of
from backend.generation.language_models.builtin.terms import stem_key
from backend.generation.language_models.interface import SectionPage

WINDOW_CHARACTERS = 6000
"""About the size of a section: headers and footers are only recognised when several pages are read together."""

MIN_COMMON_SHARE = 0.5
"""From this share of a document's windows on, a word is what it is about ("Debian" in Debian's manuals)."""

MIN_COMMON_WINDOWS = 6
"""A word in fewer windows is never common, because a chapter may well be about one thing."""

_PARAMETER = re.compile(
    r"(?:\w+\s){0,2}?(?:parameter|argument|value|number|integer|flag|option|field|wert|zahl|bezug|ausdruck|bereich|eingabe)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b[^\W\d_][\w-]{2,}")


@dataclass(frozen=True, slots=True)
class Concept:
    """A term and what its definition says about it.

    ``page`` is where it is defined. ``singular`` says whether it can be used with "is". ``counted`` is true for "a
    router", false for "latency", None if the form does not tell. ``meaning`` holds the stems of the definition's
    content words; ``genus`` is the stem of its general word ("device" of "a device that …"), or empty.
    """

    text: str
    page: int
    singular: bool
    counted: bool | None
    meaning: frozenset[str]
    genus: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a document defines, by ``stem_key``, and the stems of words that occur all over it."""

    concepts: dict[str, Concept]
    common: frozenset[str] = frozenset()


def tells_a_kind(definition: Definition) -> bool:
    """Whether a definition can be asked about out of its context.

    "Name: the …" may be a parameter, a button or a caption, which is only clear beside its list; "Name: a …" defines a
    kind. "Mode is a parameter that …" is only clear beside its function, unless it says "a mode".
    """
    if not definition.in_prose and not re.match(r"(?:an?|eine?)\s", definition.text, re.IGNORECASE):
        return False
    named = definition.subject is None or definition.subject == definition.term
    return not named or not _PARAMETER.match(definition.text)


def list_concepts(definitions: Iterable[Definition], lexicon: Lexicon) -> dict[str, Concept]:
    """Return concepts by ``stem_key``: terms whose definition tells a kind. The first definition counts."""
    concepts: dict[str, Concept] = {}
    for definition in definitions:
        if tells_a_kind(definition):
            concepts.setdefault(stem_key(definition.term), _concept(definition, lexicon))
    return concepts


def survey_document(pages: Iterable[SectionPage], lexicon: Lexicon) -> Survey:
    """Survey all pages in the lexicon's language. Takes about 4 ms per 6,000 characters."""
    concepts: dict[str, Concept] = {}
    windows_of: Counter[str] = Counter()
    count = 0
    for window in _windows(pages):
        text = "\n".join(page.text for page in window)
        if find_lexicon_language(text, lexicon.language) == lexicon.language:
            count += 1
            windows_of.update({word.lower() for word in _WORD.findall(text)})
            found = list_concepts(find_definitions(read_prose(window, lexicon), lexicon), lexicon)
            concepts = found | concepts
    enough = max(MIN_COMMON_WINDOWS, MIN_COMMON_SHARE * count)
    return Survey(concepts, frozenset(stem_key(word) for word, number in windows_of.items() if number >= enough))


def _windows(pages: Iterable[SectionPage]) -> Iterator[tuple[SectionPage, ...]]:
    window: list[SectionPage] = []
    characters = 0
    for page in pages:
        window.append(page)
        characters += len(page.text)
        if characters >= WINDOW_CHARACTERS:
            yield tuple(window)
            window, characters = [], 0
    if window:
        yield tuple(window)


def _concept(definition: Definition, lexicon: Lexicon) -> Concept:
    meaning = frozenset(stem_of(word) for word in content_words(definition.text, lexicon))
    article = (definition.subject or "").split(" ", 1)[0]
    counted = None if definition.subject is None else article in ("a", "an", "ein", "eine")
    return Concept(
        definition.term,
        definition.sentence.page,
        not definition.plural,
        counted,
        meaning,
        "" if definition.expands else _find_genus(definition.text, lexicon),
    )


def _find_genus(text: str, lexicon: Lexicon) -> str:
    """Return the noun that a definition begins with.

    In English that is the last word before the narrowing part, in German the first noun.
    """
    opening = OPENS[lexicon.language].match(text)
    start = opening.end() if opening else 0
    if lexicon.language == "de":
        noun = re.search(r"\b[A-ZÄÖÜ][\w-]+", text[start:])
        return stem_of(noun.group()) if noun else ""
    narrowing = NARROWS["en"].search(text, start)
    words = list_words(text[start : narrowing.start()] if narrowing else text[start:])
    return stem_of(words[-1]) if words else ""
