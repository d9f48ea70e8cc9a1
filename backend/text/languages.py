"""Which language a text is written in, among those that are supported.

Function words decide nearly always and cost nothing. Only where a text has too few of them (slides of bare terms)
is the model of py3langid asked: it is right on a handful of words, but takes 0.5 s to load, 105 MB at the peak of
that and 45 MB from then on, which eight worker processes should not all pay.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import Any, Literal, get_args

from backend.text.stop_words import FUNCTION_WORDS

Language = Literal["en", "de", "fr", "it"]
"""ISO 639-1 code of a language of the product: of messages and of material. The first is the fallback."""

LANGUAGES: tuple[str, ...] = get_args(Language)

_ENOUGH_CHARS = 6_000
_LEAST_LETTERS = 80
_FEWEST_WORDS = 5
_CLEAR_LEAD = 3.0

_WORD = re.compile(r"[^\W\d_]+")
# A word that several languages have says nothing about which of them it is.
_TELLING = {
    word: language
    for language, words in FUNCTION_WORDS.items()
    for word in words
    if sum(word in others for others in FUNCTION_WORDS.values()) == 1
}
_loading = Lock()


def detect_language(text: str, allowed: Iterable[str] = LANGUAGES) -> str:
    """Return the ISO 639-1 code of the likeliest of ``allowed``. Meant for texts of some sentences or more.

    A text without any word is in the first of them. Raises ValueError when ``allowed`` is empty or has a code that
    is not supported.
    """
    codes = tuple(allowed)
    if not codes or not set(codes) <= set(LANGUAGES):
        raise ValueError(f"not among the supported languages: {codes}")
    sample = _sample(text)
    if not _WORD.search(sample):
        return codes[0]
    counts = _count_telling_words(sample)
    ranked = sorted(codes, key=lambda code: (-counts[code], codes.index(code)))
    if _leads(counts, ranked):
        return ranked[0]
    # Two threads at once would both load the model; the second one waits instead.
    with _loading:
        identifier = _load_identifier()
    return str(next(code for code, _ in identifier.rank(sample) if code in codes))


def is_clearly_another_language(texts: Iterable[str], wanted: str) -> bool:
    """Say whether texts, taken together, are clearly in another supported language than the wanted one.

    Single cards are too short for any detector, so a batch is judged as a whole. One with fewer than 80 letters
    or hardly any function words is never called wrong, nor is one whose wanted language is not supported.
    """
    joined = "\n".join(texts)
    if wanted not in LANGUAGES or sum(map(str.isalpha, joined)) < _LEAST_LETTERS:
        return False
    counts = _count_telling_words(joined)
    ranked = sorted(LANGUAGES, key=lambda code: -counts[code])
    return _leads(counts, [ranked[0], wanted])


def _count_telling_words(text: str) -> Counter[str]:
    return Counter(_TELLING[word] for word in _WORD.findall(text.lower()) if word in _TELLING)


def _leads(counts: Counter[str], ranked: list[str]) -> bool:
    first = counts[ranked[0]]
    second = counts[ranked[1]] if len(ranked) > 1 else 0
    return first >= _FEWEST_WORDS and first >= _CLEAR_LEAD * second


def _sample(text: str) -> str:
    """Take three pieces from all over a long text: its beginning alone may be an abstract in another language."""
    if len(text) <= _ENOUGH_CHARS:
        return text
    piece = _ENOUGH_CHARS // 3
    middle = len(text) // 2
    return "\n".join((text[:piece], text[middle : middle + piece], text[-piece:]))


@lru_cache(maxsize=1)
def _load_identifier() -> Any:
    """Load the model and keep of its tables only the columns of the supported languages."""
    # Late: with numpy it takes 15 MB, of which processes that plan no runs need nothing.
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    from py3langid.modelio import load_model

    likelihoods, priors, codes, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    columns = [at for at, code in enumerate(codes) if code in LANGUAGES]
    return LanguageIdentifier(
        likelihoods[:, columns].copy(),
        priors[columns].copy(),
        [codes[at] for at in columns],
        moves,
        outputs,
        norm_probs=True,
        tk_row=rows,
    )
