"""Collects the terms that a whole document defines, so that a question's wrong options can come from all of it.

A section of a manual defines one or two terms; its document defines dozens, and those make better wrong options than
frequent words of the section do. Only what choosing needs is kept: a few hundred bytes a term.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from backend.generation.language_models.builtin.definition_forms import NARROWS, OPENS
from backend.generation.language_models.builtin.definitions import Definition, find_definitions
from backend.generation.language_models.builtin.lexicon import Lexicon, detect_language
from backend.generation.language_models.builtin.prose import read_prose
from backend.generation.language_models.builtin.sentence_checks import content_words, list_words, stem_of
from backend.generation.language_models.builtin.terms import stem_key
from backend.generation.language_models.interface import SectionPage

WINDOW_CHARACTERS = 6000
"""About as much text as a section has: headers and footers show only when several pages are read together."""

COMMON = 0.5
"""Share of a document's windows from which a word is what the document is about, as "Debian" in Debian's manuals."""

FEWEST_WINDOWS = 6
"""A word in fewer windows is never common: a chapter may well be about one thing."""

_PARAMETER = re.compile(
    r"(?:\w+\s){0,2}?(?:parameter|argument|value|number|integer|flag|option|field|wert|zahl|bezug|ausdruck|bereich|eingabe)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b[^\W\d_][\w-]{2,}")


@dataclass(frozen=True, slots=True)
class Concept:
    """A term with what its definition tells of it.

    ``page`` is where it is defined. ``singular`` says whether it can stand with "is". ``counted`` is true for
    "a router", false for "latency", None where the form does not tell. ``meaning`` holds the stems of the
    definition's content words, ``genus`` the stem of its general word ("device" of "a device that …") or is empty.
    """

    text: str
    page: int
    singular: bool
    counted: bool | None
    meaning: frozenset[str]
    genus: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a document defines, by folded term, and the folded words that are all over it."""

    concepts: dict[str, Concept]
    common: frozenset[str] = frozenset()


def tells_a_kind(definition: Definition) -> bool:
    """Whether a definition can be asked about from afar.

    "Name: the …" may be a parameter, a button or a caption, known only beside its list; "Name: a …" tells a kind.
    "Mode is a parameter that …" is known only beside its function, unless it says "a mode".
    """
    if not definition.in_prose and not re.match(r"(?:an?|eine?)\s", definition.text, re.IGNORECASE):
        return False
    named = definition.subject is None or definition.subject == definition.term
    return not named or not _PARAMETER.match(definition.text)


def list_concepts(definitions: Iterable[Definition], lexicon: Lexicon) -> dict[str, Concept]:
    """Concepts by their terms' folded form: terms whose definition tells a kind, the first of several."""
    concepts: dict[str, Concept] = {}
    for definition in definitions:
        if tells_a_kind(definition):
            concepts.setdefault(stem_key(definition.term), _concept(definition, lexicon))
    return concepts


def survey_document(pages: Iterable[SectionPage], lexicon: Lexicon) -> Survey:
    """Survey all pages that are in the lexicon's language. Takes about 4 ms for 6,000 characters."""
    concepts: dict[str, Concept] = {}
    windows_of: Counter[str] = Counter()
    count = 0
    for window in _windows(pages):
        text = "\n".join(page.text for page in window)
        if detect_language(text, lexicon.language) == lexicon.language:
            count += 1
            windows_of.update({word.lower() for word in _WORD.findall(text)})
            found = list_concepts(find_definitions(read_prose(window, lexicon), lexicon), lexicon)
            concepts = found | concepts
    enough = max(FEWEST_WINDOWS, COMMON * count)
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
    """The noun that a definition begins with: the last English word before what narrows it, the first German noun."""
    opening = OPENS[lexicon.language].match(text)
    start = opening.end() if opening else 0
    if lexicon.language == "de":
        noun = re.search(r"\b[A-ZÄÖÜ][\w-]+", text[start:])
        return stem_of(noun.group()) if noun else ""
    narrowing = NARROWS["en"].search(text, start)
    words = list_words(text[start : narrowing.start()] if narrowing else text[start:])
    return stem_of(words[-1]) if words else ""
